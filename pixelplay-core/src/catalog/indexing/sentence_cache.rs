//! A cache of sentences and their vectors. Each sentence is encoded once, as long as memory allows.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::OnceLock;

use super::composition::Composition;
use super::described::Described;
use super::options::BuildOptions;
use super::recipe::Recipe;
use crate::catalog::CatalogError;
use crate::catalog::describe::{Sentence, Source};
use crate::embedding::Embedding;
use crate::encoder::Encoder;
use crate::progress::Update;

/// The maximum memory, in bytes, for vectors that may be needed again. The sentences of the
/// templates take a tenth of it. If every song has its own sentences, keeping more of them gains
/// nothing.
const MOST_BYTES: usize = 128 << 20;

pub(super) struct Sentences<'a> {
    encoder: &'a Encoder,
    options: &'a BuildOptions,
    recipe: Option<&'a Recipe>,
    /// Created on first use, because a resumed build may not need it.
    composition: OnceLock<Composition>,
    /// Vectors of scenes, moods and tags, which many songs share.
    known: HashMap<String, Embedding>,
    /// Vectors of titles and lyrics of the latest songs; other songs hardly ever share them.
    own: HashMap<String, Embedding>,
}

impl<'a> Sentences<'a> {
    pub(super) fn new(
        encoder: &'a Encoder,
        options: &'a BuildOptions,
        recipe: Option<&'a Recipe>,
    ) -> Self {
        Self {
            encoder,
            options,
            recipe,
            composition: OnceLock::new(),
            known: HashMap::new(),
            own: HashMap::new(),
        }
    }

    /// Encodes those sentences of some songs that are not in the cache yet. Calls `on_share` with
    /// the share that is done.
    pub(super) fn learn(
        &mut self,
        songs: &[Described],
        mut on_share: impl FnMut(f64) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let bytes_each = self.encoder.dim() * size_of::<f32>() + size_of::<(String, Embedding)>();
        if self.known.len() * bytes_each > MOST_BYTES {
            self.known.clear();
        }
        self.own.clear();
        let mut seen = HashSet::new();
        let all = songs.iter().flat_map(|described| &described.sentences);
        let unknown: Vec<&Sentence> = all
            .filter(|told| !self.known.contains_key(&told.text) && seen.insert(&*told.text))
            .collect();
        let texts: Vec<&str> = unknown.iter().map(|told| &*told.text).collect();
        let mut failed = None;
        let encoded = self.encoder.encode_texts(
            &texts,
            self.options.encode.clone(),
            &mut |update: Update| {
                let share = match update.total {
                    Some(total) if total > 0 && update.stage == "encoding texts" => {
                        update.done as f64 / total as f64
                    }
                    _ => 0.0,
                };
                match on_share(share) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            },
        );
        if let Some(error) = failed {
            return Err(error);
        }
        for (told, vector) in unknown.into_iter().zip(encoded?) {
            let is_own = told.source.is_own_words() && told.source != Source::Tags;
            let vectors = if is_own { &mut self.own } else { &mut self.known };
            vectors.insert(told.text.clone(), vector);
        }
        if self.composition.get().is_none() {
            let templates = self.options.describer.templates();
            let made = Composition::new(self.encoder, templates, self.recipe)?;
            self.composition.get_or_init(|| made);
        }
        Ok(())
    }

    /// Returns the vector of a song whose sentences have been learnt.
    ///
    /// # Panics
    /// Panics if no sentences have been learnt yet.
    #[expect(clippy::expect_used, reason = "a mistake of ours")]
    pub(super) fn vector(&self, described: &Described) -> Result<Vec<f32>, CatalogError> {
        let composition = self.composition.get().expect("sentences are learnt first");
        let vector = |text: &str| self.known.get(text).or_else(|| self.own.get(text));
        let told: Vec<(Source, &[f32])> = described
            .sentences
            .iter()
            .filter_map(|told| Some((told.source, vector(&told.text)?.as_slice())))
            .collect();
        composition.vector(&told)
    }
}
