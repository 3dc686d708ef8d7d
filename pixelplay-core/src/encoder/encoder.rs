//! The encoder: its parts, its threads and its towers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use super::checkpoint::{Config, Weights, self_test};
use super::error::EncodeError;
use super::image::Preprocess;
use super::lazy::Lazy;
use super::model::{TextTower, VisionTower};
use super::mood_scales::Anchors;
use super::options::EncoderOptions;
use super::text::Tokenize;
use crate::embedding::Fingerprint;

/// Encodes pictures and texts to [`Embedding`](crate::Embedding)s in one space.
///
/// ```
/// # #[cfg(feature = "mini")] {
/// use pixelplay_core::{Encoder, Image};
///
/// let encoder = Encoder::mini()?;
/// let picture = encoder.encode_image(&Image::from_rgb8(1, 1, vec![30, 60, 120])?)?;
/// let text = encoder.encode_text("rainy night drive")?;
/// assert_eq!(picture.dim(), encoder.dim());
/// println!("their similarity is {:.2}", picture.dot(&text)?);
/// # }
/// # Ok::<(), pixelplay_core::Error>(())
/// ```
///
/// Opening reads the whole checkpoint once to compute its [fingerprint](Encoder::fingerprint), but
/// keeps nothing in memory. Each tower is loaded when it is first used, so encoding pictures never
/// pays for the text tower. Clones share everything.
#[derive(Clone)]
pub struct Encoder {
    pub(super) inner: Arc<Inner>,
    /// The encoder's own threads. Without them, work runs in the caller's pool.
    pub(super) pool: Option<Arc<rayon::ThreadPool>>,
}

/// The state that clones of an encoder share.
pub(super) struct Inner {
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) fingerprint: Fingerprint,
    pub(super) preprocess: Preprocess,
    pub(super) tokenize: Tokenize,
    pub(super) weights: Weights,
    pub(super) options: EncoderOptions,
    pub(super) vision: Lazy<VisionTower>,
    pub(super) text: Lazy<TextTower>,
    /// The anchors of the mood scales, encoded on first use.
    pub(super) anchors: OnceLock<Anchors>,
}

impl Encoder {
    /// Returns the number of dimensions of the embeddings.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.inner.config.projection_dim
    }

    /// Returns the name of the vector space: a hash of weights, configuration, pre-processing and
    /// tokenizer.
    ///
    /// The same content has the same fingerprint, wherever it is stored and however its files are
    /// split.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.inner.fingerprint
    }

    /// Describes what the bits of a vector depend on in addition to the
    /// [fingerprint](Self::fingerprint). The value is the same for all vectors of an index.
    #[cfg(feature = "catalog")]
    pub(crate) fn arithmetic(&self) -> String {
        format!("{} {:?}", self.inner.options.device, self.inner.options.precision)
    }

    /// Returns the name of the checkpoint: the name of its directory, or `repo@commit` if it is
    /// from the hub.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the same encoder with another number of threads; see [`EncoderOptions::threads`].
    /// Both share the weights.
    ///
    /// # Errors
    /// [`EncodeError::Threads`] if the threads cannot be started.
    pub fn with_threads(&self, threads: Option<NonZeroUsize>) -> Result<Self, EncodeError> {
        Ok(Self { inner: Arc::clone(&self.inner), pool: own_pool(threads)? })
    }

    /// Runs work on the encoder's threads.
    pub(super) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    pub(super) fn threads(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    /// Returns the number of values in the vision tower's input for a picture.
    pub(super) fn pixels_len(&self) -> usize {
        3 * self.inner.config.vision.image_size().pow(2)
    }

    pub(super) fn vision(&self) -> Result<&VisionTower, EncodeError> {
        let inner = &*self.inner;
        inner.vision.get_or_load(
            || VisionTower::load(&inner.weights, &inner.config, &inner.options, self.threads()),
            |tower| {
                let pixels = self_test::pixels(self.pixels_len());
                let vectors = self.install(|| tower.forward_some(&pixels, self_test::PATCHES))?;
                self_test::check(vectors).map_err(self_test::broken(inner.weights.path(), "vision"))
            },
        )
    }

    pub(super) fn text(&self) -> Result<&TextTower, EncodeError> {
        let inner = &*self.inner;
        inner.text.get_or_load(
            || TextTower::load(&inner.weights, &inner.config, &inner.options, self.threads()),
            |tower| {
                let texts = self_test::texts(
                    inner.tokenize.start(),
                    inner.tokenize.end(),
                    inner.config.text.vocab_size as u32,
                );
                let texts: [&[u32]; 2] = [&texts[0], &texts[1]];
                let vectors = self.install(|| tower.forward(&inner.weights, &texts))?;
                self_test::check(vectors).map_err(self_test::broken(inner.weights.path(), "text"))
            },
        )
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("name", &self.name())
            .field("dim", &self.dim())
            .field("fingerprint", &self.fingerprint().as_str())
            .field("device", &self.inner.options.device)
            .finish_non_exhaustive()
    }
}

/// Creates the encoder's own threads, if requested.
pub(super) fn own_pool(
    threads: Option<NonZeroUsize>,
) -> Result<Option<Arc<rayon::ThreadPool>>, EncodeError> {
    let Some(threads) = threads else {
        return Ok(None);
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .thread_name(|at| format!("pixelplay-encoder-{at}"))
        .build();
    match pool {
        Ok(pool) => Ok(Some(Arc::new(pool))),
        Err(source) => Err(EncodeError::Threads { threads, source: source.into() }),
    }
}
