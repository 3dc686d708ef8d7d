//! Pictures and words to vectors, with any Hugging Face `CLIPModel` checkpoint.

pub mod check;
mod checkpoint;
mod error;
mod fingerprint;
#[cfg(feature = "hub")]
pub mod hub;
mod model;
mod mood;
mod picture;
mod picture_format;
mod picture_strips;
mod picture_turn;
mod picture_whole;
mod preprocess;
mod resample;
mod self_test;
mod tokenize;
mod weights;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

pub use error::{Cause, EncodeError};
pub use picture::{ImageSource, Picture};

use crate::embedding::{Embedding, Fingerprint};
use crate::progress::{Progress, Stage};
use checkpoint::Config;
use model::{TextTower, VisionTower};
use mood::Anchors;
use preprocess::{Preprocess, Settings};
use tokenize::{Definition, Tokenize};
use weights::Weights;

/// Turns pictures and texts into [`Embedding`]s of one space.
///
/// ```
/// # #[cfg(feature = "mini")] {
/// use pixelplay_core::{Encoder, Picture};
///
/// let encoder = Encoder::mini()?;
/// let picture = encoder.encode_image(&Picture::from_rgb8(1, 1, vec![30, 60, 120])?)?;
/// let text = encoder.encode_text("rainy night drive")?;
/// assert_eq!(picture.dim(), encoder.dim());
/// println!("they are {:.2} alike", picture.dot(&text)?);
/// # }
/// # Ok::<(), pixelplay_core::Error>(())
/// ```
///
/// Opening reads the whole checkpoint once, for its [fingerprint](Encoder::fingerprint), and keeps
/// none of it: each tower is loaded when it is first used, so that encoding pictures never pays
/// for the text tower. Clones share everything.
#[derive(Clone)]
pub struct Encoder {
    inner: Arc<Inner>,
    /// Of its own; without it, the work is done where the caller's is.
    pool: Option<Arc<rayon::ThreadPool>>,
}

struct Inner {
    name: String,
    config: Config,
    fingerprint: Fingerprint,
    preprocess: Preprocess,
    tokenize: Tokenize,
    weights: Weights,
    options: EncoderOptions,
    vision: Lazy<VisionTower>,
    text: Lazy<TextTower>,
    /// Of the mood, encoded when first asked for.
    anchors: OnceLock<Anchors>,
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The processor, by kernels made for it.
    #[default]
    Cpu,
    /// The processor, by candle's general kernels: slower, and there to compare with.
    CpuReference,
    /// The CUDA device of this number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device of this number; needs the feature `metal`.
    Metal(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::CpuReference => f.write_str("cpu (reference)"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
            Self::Metal(ordinal) => write!(f, "metal:{ordinal}"),
        }
    }
}

/// In what the weights of the transformers are kept, and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats: what the checkpoint says.
    #[default]
    F32,
    /// 8-bit integers, each output with a step of its own and each token with a range of its own: a
    /// quarter of the memory, and faster where the processor multiplies such integers (AVX-512 with
    /// VNNI). Only on [`Device::Cpu`].
    ///
    /// The vectors stray a little, and stay in the same space: an index built in `f32` may be
    /// searched with them.
    Int8,
}

/// How to open an [`Encoder`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Where the model runs.
    pub device: Device,
    /// How many threads compute, beside the caller's, which waits. `None`: those of the rayon pool
    /// that the caller is in, which is the global one unless it made its own, so that nothing
    /// competes with it. The vectors are the same bits with any number.
    pub threads: Option<NonZeroUsize>,
    /// In what it is computed.
    pub precision: Precision,
}

/// How to encode many images or texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeOptions {
    /// How many go through the model at once; 0 counts as 1. Larger batches are faster up to a
    /// point and take more memory. Progress is reported after each batch.
    pub batch_size: usize,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self { batch_size: 32 }
    }
}

impl Encoder {
    /// The checkpoint pixelplay-mini, which is embedded in the program: no files, no network.
    ///
    /// # Errors
    /// None that the embedded checkpoint, which is tested, can cause.
    #[cfg(feature = "mini")]
    pub fn mini() -> Result<Self, EncodeError> {
        Self::mini_with(EncoderOptions::default())
    }

    /// [`Encoder::mini`] with options.
    ///
    /// # Errors
    /// If the device cannot be used, or the threads cannot be started.
    #[cfg(feature = "mini")]
    pub fn mini_with(options: EncoderOptions) -> Result<Self, EncodeError> {
        let mini = &pixelplay_models::PIXELPLAY_MINI;
        let path = |file: &str| PathBuf::from(format!("(embedded) {}/{file}", mini.name));
        let settings_path = path("preprocessor_config.json");
        Self::assemble(
            Parts {
                name: mini.name.to_owned(),
                config: Config::parse(&path("config.json"), mini.config_json)?,
                settings: Settings::parse(&settings_path, mini.preprocessor_config_json, None)?,
                settings_path,
                tokenizer: Definition::parse(path("tokenizer.json"), mini.tokenizer_json)?,
                weights: Weights::embedded(path("model.safetensors"), mini.model_safetensors)?,
            },
            options,
        )
    }

    /// Opens a Hugging Face `CLIPModel` directory on the CPU; see [`Encoder::open_with`].
    ///
    /// # Errors
    /// See [`Encoder::open_with`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, EncodeError> {
        Self::open_with(dir, EncoderOptions::default())
    }

    /// Opens a Hugging Face `CLIPModel` directory: `config.json`, `model.safetensors` (or shards
    /// and their index), `tokenizer.json` (or `vocab.json` and `merges.txt`) and
    /// `preprocessor_config.json`. Weights may be `f32`, `f16` or `bf16`; the model runs in `f32`.
    ///
    /// # Errors
    /// If a file is missing, damaged, or asks for something this encoder does not do: it is refused
    /// by name and never run wrongly. A checkpoint whose weights are broken is found out when a
    /// tower is first used.
    pub fn open_with(dir: impl AsRef<Path>, options: EncoderOptions) -> Result<Self, EncodeError> {
        let dir = dir.as_ref();
        // `models/.` and `models/` have a name too, but only once they are resolved.
        let name = dir
            .canonicalize()
            .ok()
            .and_then(|dir| Some(dir.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| dir.display().to_string());
        Self::open_named(dir, name, options)
    }

    fn open_named(dir: &Path, name: String, options: EncoderOptions) -> Result<Self, EncodeError> {
        let config = Self::read_config(dir)?;
        let (settings_path, settings) = Settings::open(dir)?;
        Self::assemble(
            Parts {
                name,
                config,
                settings,
                settings_path,
                tokenizer: Definition::open(dir)?,
                weights: Weights::open(dir)?,
            },
            options,
        )
    }

    fn read_config(dir: &Path) -> Result<Config, EncodeError> {
        let config_path = dir.join("config.json");
        let config_json = match std::fs::read(&config_path) {
            Ok(json) => json,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => {
                return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: "config.json" });
            }
            Err(e) => return Err(EncodeError::io(&config_path)(e)),
        };
        Config::parse(&config_path, &config_json)
    }

    fn assemble(parts: Parts, options: EncoderOptions) -> Result<Self, EncodeError> {
        let Parts { name, config, settings, settings_path, tokenizer, weights } = parts;
        if options.precision != Precision::F32 && options.device != Device::Cpu {
            return Err(EncodeError::Device {
                device: options.device,
                source: "it computes in f32 alone; 8-bit integers are for the CPU".into(),
            });
        }
        let specs = config.tensors();
        weights.check(&specs)?;
        let preprocess = Preprocess::new(&settings_path, settings, config.vision.image_size)?;
        // The two slow parts: hundreds of megabytes to hash, and a vocabulary to build.
        let (tokenize, fingerprint) = rayon::join(
            || Tokenize::new(&tokenizer, &config.text),
            || {
                let settings = preprocess.settings();
                fingerprint::fingerprint(&config, &specs, settings, &tokenizer.json, &weights)
            },
        );
        Ok(Self {
            pool: own_pool(options.threads)?,
            inner: Arc::new(Inner {
                name,
                config,
                fingerprint: fingerprint?,
                preprocess,
                tokenize: tokenize?,
                weights,
                options,
                vision: Lazy::default(),
                text: Lazy::default(),
                anchors: OnceLock::new(),
            }),
        })
    }

    /// The number of dimensions of the embeddings.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.inner.config.projection_dim
    }

    /// The name of the space: a hash of weights, configuration, pre-processing and tokenizer.
    ///
    /// The same content gives the same fingerprint, wherever it lies and however its files are cut.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.inner.fingerprint
    }

    /// What the bits of a vector depend on beside the [fingerprint](Self::fingerprint): an index is
    /// made of one kind.
    #[cfg(feature = "catalog")]
    pub(crate) fn arithmetic(&self) -> String {
        format!("{} {:?}", self.inner.options.device, self.inner.options.precision)
    }

    /// What the checkpoint is called: the name of its directory, or `repo@commit` if it is from the
    /// hub.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The same encoder with another number of threads, see [`EncoderOptions::threads`]. They share
    /// the weights.
    ///
    /// # Errors
    /// [`EncodeError::Threads`] if they cannot be started.
    pub fn with_threads(&self, threads: Option<NonZeroUsize>) -> Result<Self, EncodeError> {
        Ok(Self { inner: Arc::clone(&self.inner), pool: own_pool(threads)? })
    }

    /// Runs some work on the encoder's threads.
    fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn threads(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    /// Encodes one image.
    ///
    /// # Errors
    /// If the image cannot be read or decoded, or the checkpoint is broken.
    pub fn encode_image<'a>(
        &self,
        image: impl Into<ImageSource<'a>>,
    ) -> Result<Embedding, EncodeError> {
        let (image, threads) = (image.into(), self.threads());
        let pixels =
            self.install(|| image.with_picture(threads, |picture| self.preprocess(picture)))?;
        self.one(self.encode_pixels(&pixels)?)
    }

    /// Encodes images; the embeddings are in their order.
    ///
    /// The images of a batch are decoded on all cores.
    ///
    /// # Errors
    /// [`EncodeError::Image`], which says which image could not be read or decoded;
    /// [`EncodeError::Cancelled`] if `progress` asks to stop; or the checkpoint is broken.
    pub fn encode_images(
        &self,
        images: &[ImageSource<'_>],
        options: EncodeOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Embedding>, EncodeError> {
        let batch_size = options.batch_size.max(1);
        let mut report = Stage::of(progress, "encoding images", images.len());
        report.at(0)?;
        let mut embeddings = Vec::with_capacity(images.len());
        for batch in images.chunks(batch_size) {
            let first = embeddings.len();
            let threads = self.threads() / batch.len();
            let pixels: Vec<Result<Vec<f32>, EncodeError>> = self.install(|| {
                batch
                    .par_iter()
                    .map(|image| image.with_picture(threads, |picture| self.preprocess(picture)))
                    .collect()
            });
            let mut joined = Vec::with_capacity(batch.len() * self.pixels_len());
            for (offset, pixels) in pixels.into_iter().enumerate() {
                joined.extend_from_slice(&pixels.map_err(|source| EncodeError::Image {
                    at: first + offset,
                    source: source.into(),
                })?);
            }
            embeddings.extend(self.encode_pixels(&joined)?);
            report.at(embeddings.len() as u64)?;
        }
        Ok(embeddings)
    }

    /// Encodes one text. The empty text has an embedding too; a text longer than the model's
    /// context (77 tokens) is cut and keeps its end token.
    ///
    /// # Errors
    /// If the tokenizer fails or the checkpoint is broken.
    pub fn encode_text(&self, text: &str) -> Result<Embedding, EncodeError> {
        let ids = self.ids(text, 0)?;
        self.one(self.encode_ids(&[&ids])?)
    }

    /// Encodes texts; the embeddings are in their order.
    ///
    /// Texts cost what they hold: they are sorted by length, so that a batch is hardly padded, and
    /// texts of the same tokens are encoded once.
    ///
    /// # Errors
    /// [`EncodeError::Cancelled`] if `progress` asks to stop; otherwise as
    /// [`Encoder::encode_text`].
    pub fn encode_texts<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        options: EncodeOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Embedding>, EncodeError> {
        // Enough for all cores, and a fraction of a second.
        const TOKENIZED_AT_ONCE: usize = 1 << 12;
        let batch_size = options.batch_size.max(1);

        let mut report = Stage::of(progress, "tokenizing texts", texts.len());
        let mut ids: Vec<Vec<u32>> = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(TOKENIZED_AT_ONCE) {
            report.at(ids.len() as u64)?;
            let first = ids.len();
            let tokenized: Result<Vec<_>, _> = self.install(|| {
                chunk
                    .par_iter()
                    .enumerate()
                    .map(|(offset, text)| self.ids(text.as_ref(), first + offset))
                    .collect()
            });
            ids.extend(tokenized?);
        }

        let mut first_with: HashMap<&[u32], usize> = HashMap::with_capacity(ids.len());
        let same_as: Vec<usize> =
            ids.iter().enumerate().map(|(at, ids)| *first_with.entry(ids).or_insert(at)).collect();
        let mut order: Vec<usize> = (0..ids.len()).filter(|&at| same_as[at] == at).collect();
        order.sort_by_key(|&at| ids[at].len());

        let mut report = Stage::of(progress, "encoding texts", order.len());
        report.at(0)?;
        let mut encoded: Vec<Option<Embedding>> = vec![None; ids.len()];
        for (index, batch) in order.chunks(batch_size).enumerate() {
            let batch_ids: Vec<&[u32]> = batch.iter().map(|&at| &*ids[at]).collect();
            for (&at, embedding) in batch.iter().zip(self.encode_ids(&batch_ids)?) {
                encoded[at] = Some(embedding);
            }
            report.at((index * batch_size + batch.len()) as u64)?;
        }
        same_as.into_iter().map(|at| self.one(encoded[at].clone())).collect()
    }

    /// What the vision tower reads of a picture, shape `(3, height, width)`.
    #[must_use]
    pub fn preprocess(&self, picture: &Picture) -> Vec<f32> {
        self.inner.preprocess.run(picture)
    }

    /// The token ids of a text, from the start token to the end token.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokenize(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.ids(text, 0)
    }

    /// Encodes pre-processed images, shape `(n, 3, height, width)`, in one batch.
    ///
    /// # Errors
    /// [`EncodeError::BadInput`] if `pixels` is no whole number of images.
    pub fn encode_pixels(&self, pixels: &[f32]) -> Result<Vec<Embedding>, EncodeError> {
        let len = self.pixels_len();
        if !pixels.len().is_multiple_of(len) {
            let side = self.inner.config.vision.image_size;
            return Err(EncodeError::BadInput {
                problem: format!(
                    "{} values are no whole number of images of shape (3, {side}, {side})",
                    pixels.len()
                ),
            });
        }
        if pixels.is_empty() {
            return Ok(Vec::new());
        }
        let patches = self.inner.config.vision.patches();
        let tower = self.vision()?;
        self.embeddings(self.install(|| tower.forward(pixels, patches))?)
    }

    /// Encodes texts given as token ids, in one batch. What follows the first end token is ignored,
    /// so padding does no harm.
    ///
    /// # Errors
    /// [`EncodeError::BadInput`] if a text has no end token within the model's context, or an id
    /// that the model does not know.
    pub fn encode_token_ids(&self, texts: &[Vec<u32>]) -> Result<Vec<Embedding>, EncodeError> {
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        self.encode_ids(&texts)
    }

    fn ids(&self, text: &str, at: usize) -> Result<Vec<u32>, EncodeError> {
        self.inner.tokenize.ids(text).map_err(|source| EncodeError::Text { at, source })
    }

    fn encode_ids(&self, texts: &[&[u32]]) -> Result<Vec<Embedding>, EncodeError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let config = &self.inner.config.text;
        let end = self.inner.tokenize.end();
        let trimmed = texts
            .iter()
            .map(|ids| {
                let bad = |problem: String| EncodeError::BadInput { problem };
                let ids = ids
                    .iter()
                    .position(|&id| id == end)
                    .filter(|&at| at < config.max_positions)
                    .map(|at| &ids[..=at])
                    .ok_or_else(|| {
                        bad(format!(
                            "a text of {} tokens has no end token ({end}) among the first {}",
                            ids.len(),
                            config.max_positions
                        ))
                    })?;
                match ids.iter().find(|&&id| id as usize >= config.vocab_size) {
                    Some(id) => Err(bad(format!(
                        "token {id} is none of the model's {} tokens",
                        config.vocab_size
                    ))),
                    None => Ok(ids),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (tower, weights) = (self.text()?, &self.inner.weights);
        self.embeddings(self.install(|| tower.forward(weights, &trimmed))?)
    }

    fn pixels_len(&self) -> usize {
        3 * self.inner.config.vision.image_size.pow(2)
    }

    fn embeddings(&self, vectors: Vec<Vec<f32>>) -> Result<Vec<Embedding>, EncodeError> {
        vectors
            .into_iter()
            .map(|vector| {
                Embedding::normalize(vector, Some(self.inner.fingerprint.clone()))
                    .map_err(|source| EncodeError::BadVector { source })
            })
            .collect()
    }

    /// The model gives one vector for each input; that it does not would be a fault of ours.
    fn one(
        &self,
        embeddings: impl IntoIterator<Item = Embedding>,
    ) -> Result<Embedding, EncodeError> {
        embeddings
            .into_iter()
            .next()
            .ok_or_else(|| EncodeError::forward("the model gave no vector"))
    }

    fn vision(&self) -> Result<&VisionTower, EncodeError> {
        let inner = &*self.inner;
        inner.vision.get_or_load(
            || VisionTower::load(&inner.weights, &inner.config, &inner.options, self.threads()),
            |tower| {
                let patches = inner.config.vision.patches().min(self_test::PATCHES);
                let pixels = self_test::pixels(self.pixels_len());
                let vectors = self.install(|| tower.forward(&pixels, patches))?;
                self_test::check(vectors).map_err(self_test::broken(inner.weights.path(), "vision"))
            },
        )
    }

    fn text(&self) -> Result<&TextTower, EncodeError> {
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

fn own_pool(threads: Option<NonZeroUsize>) -> Result<Option<Arc<rayon::ThreadPool>>, EncodeError> {
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

/// What a checkpoint consists of, wherever it came from.
struct Parts {
    name: String,
    config: Config,
    settings: Settings,
    settings_path: PathBuf,
    tokenizer: Definition,
    weights: Weights,
}

/// A tower loaded and tested at first use. A failure is not kept: the next use tries again.
struct Lazy<T> {
    value: OnceLock<T>,
    loading: Mutex<()>,
    tested: OnceLock<()>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self { value: OnceLock::new(), loading: Mutex::new(()), tested: OnceLock::new() }
    }
}

impl<T> Lazy<T> {
    /// `load` runs under a lock, so that a tower is never in memory twice, and so must not use
    /// rayon: a worker that waits inside it may take up another caller's job, which would wait for
    /// that lock. `test` may use rayon; at the start several callers may run it at once.
    fn get_or_load(
        &self,
        load: impl FnOnce() -> Result<T, EncodeError>,
        test: impl FnOnce(&T) -> Result<(), EncodeError>,
    ) -> Result<&T, EncodeError> {
        let value = match self.value.get() {
            Some(value) => value,
            None => {
                // The lock guards no data, so a load that panicked has left nothing half-done.
                let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
                match self.value.get() {
                    Some(value) => value,
                    None => {
                        let value = load()?;
                        self.value.get_or_init(|| value)
                    }
                }
            }
        };
        if self.tested.get().is_none() {
            test(value)?;
            self.tested.get_or_init(|| ());
        }
        Ok(value)
    }
}
