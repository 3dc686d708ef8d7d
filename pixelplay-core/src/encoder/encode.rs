//! Encodes pictures and texts to embeddings.

use std::collections::HashMap;

use rayon::prelude::*;

use super::encoder::Encoder;
use super::error::EncodeError;
use super::image::{Image, ImageSource};
use super::options::EncodeOptions;
use crate::embedding::Embedding;
use crate::progress::{Progress, Stage};

impl Encoder {
    /// Encodes one image.
    ///
    /// # Errors
    /// If the image cannot be read or decoded, or the checkpoint is broken.
    pub fn encode_image<'a>(
        &self,
        image: impl Into<ImageSource<'a>>,
    ) -> Result<Embedding, EncodeError> {
        let (image, threads) = (image.into(), self.threads());
        let pixels = self.install(|| self.pixels_of(image, threads))?;
        self.one(self.encode_pixels(&pixels)?)
    }

    /// Encodes images. The embeddings are in the order of the images.
    ///
    /// The images of a batch are decoded on all cores.
    ///
    /// # Errors
    /// [`EncodeError::ImageAt`] with the index of an image that could not be read or decoded;
    /// [`EncodeError::Cancelled`] if `progress` cancels; or if the checkpoint is broken.
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
                batch.par_iter().map(|&image| self.pixels_of(image, threads)).collect()
            });
            let mut joined = Vec::with_capacity(batch.len() * self.pixels_len());
            for (offset, pixels) in pixels.into_iter().enumerate() {
                joined.extend_from_slice(&pixels.map_err(|source| EncodeError::ImageAt {
                    index: first + offset,
                    source: source.into(),
                })?);
            }
            embeddings.extend(self.encode_pixels(&joined)?);
            report.at(embeddings.len() as u64)?;
        }
        Ok(embeddings)
    }

    /// Encodes one text. The empty text also has an embedding. A text longer than the model's
    /// context (77 tokens) is truncated, keeping its end token.
    ///
    /// # Errors
    /// If the tokenizer fails or the checkpoint is broken.
    pub fn encode_text(&self, text: &str) -> Result<Embedding, EncodeError> {
        let ids = self.ids(text, 0)?;
        self.one(self.encode_ids(&[&ids])?)
    }

    /// Encodes texts. The embeddings are in the order of the texts.
    ///
    /// The cost depends on the length of the texts: they are sorted by length, so that batches need
    /// little padding, and texts with the same tokens are encoded once.
    ///
    /// # Errors
    /// [`EncodeError::Cancelled`] if `progress` cancels; otherwise as [`Encoder::encode_text`].
    pub fn encode_texts<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        options: EncodeOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Embedding>, EncodeError> {
        // Enough to use all cores, and few enough to take only a fraction of a second.
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

    /// Returns the vision tower's input for a picture, shape `(3, height, width)`.
    #[must_use]
    pub fn preprocess(&self, image: &Image) -> Vec<f32> {
        self.inner.preprocess.run(image)
    }

    /// Returns the token ids of a text, from the start token to the end token.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokenize(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.ids(text, 0)
    }

    /// Encodes pre-processed images, shape `(n, 3, height, width)`, in one batch.
    ///
    /// # Errors
    /// [`EncodeError::BadInput`] if `pixels` is not a whole number of images.
    pub fn encode_pixels(&self, pixels: &[f32]) -> Result<Vec<Embedding>, EncodeError> {
        let len = self.pixels_len();
        if !pixels.len().is_multiple_of(len) {
            let side = self.inner.config.vision.image_size();
            return Err(EncodeError::BadInput {
                problem: format!(
                    "{} values are not a whole number of images of shape (3, {side}, {side})",
                    pixels.len()
                ),
            });
        }
        if pixels.is_empty() {
            return Ok(Vec::new());
        }
        let tower = self.vision()?;
        self.embeddings(self.install(|| tower.forward(pixels))?)
    }

    /// Encodes texts given as token ids, in one batch. Everything after the first end token is
    /// ignored, so the texts may be padded.
    ///
    /// # Errors
    /// [`EncodeError::BadInput`] if a text has no end token within the model's context, or contains
    /// an id that the model does not know.
    pub fn encode_token_ids(&self, texts: &[Vec<u32>]) -> Result<Vec<Embedding>, EncodeError> {
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        self.encode_ids(&texts)
    }

    /// Decodes and preprocesses an image on this many threads.
    fn pixels_of(&self, image: ImageSource<'_>, threads: usize) -> Result<Vec<f32>, EncodeError> {
        image.with_image(threads, |decoded| self.preprocess(decoded))
    }

    fn ids(&self, text: &str, index: usize) -> Result<Vec<u32>, EncodeError> {
        self.inner.tokenize.ids(text).map_err(|source| EncodeError::TextAt { index, source })
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
                        "token {id} is not one of the model's {} tokens",
                        config.vocab_size
                    ))),
                    None => Ok(ids),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (tower, weights) = (self.text()?, &self.inner.weights);
        self.embeddings(self.install(|| tower.forward(weights, &trimmed))?)
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

    /// The model returns one vector for each input; anything else would be a bug.
    fn one(
        &self,
        embeddings: impl IntoIterator<Item = Embedding>,
    ) -> Result<Embedding, EncodeError> {
        embeddings
            .into_iter()
            .next()
            .ok_or_else(|| EncodeError::forward("the model returned no vector"))
    }
}
