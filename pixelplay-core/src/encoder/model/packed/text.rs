//! The text tower.

use std::ops::Range;

use super::Result;
use super::attention::Sequence;
use super::groups::rows_per_group;
use super::head::ProjectionHead;
use super::loader::Loader;
use super::matrix::Matrix;
use super::transformer::Transformer;
use crate::encoder::Precision;
use crate::encoder::checkpoint::Config;
use crate::encoder::checkpoint::Weights;

/// Converts texts to vectors.
pub(in crate::encoder) struct TextTower {
    width: usize,
    /// Shape `(max_positions, width)`. The rows of the token embedding are read when a text
    /// contains their token.
    positions: Vec<f32>,
    pub(super) transformer: Transformer,
    head: ProjectionHead,
}

const TOKENS: &str = "text_model.embeddings.token_embedding.weight";

impl TextTower {
    pub(in crate::encoder::model) fn load(
        weights: &Weights,
        config: &Config,
        precision: Precision,
        threads: usize,
    ) -> Result<Self> {
        let loader = &Loader { weights, precision, threads };
        let (transformer, positions) = (&config.text.transformer, config.text.max_positions);
        let name = "text_model.embeddings.position_embedding.weight";
        let head = ["text_model.final_layer_norm", "text_projection"];
        Ok(Self {
            width: transformer.width,
            positions: loader.values(name, positions * transformer.width)?,
            transformer: Transformer::load(loader, "text_model", transformer, true)?,
            head: ProjectionHead::load(loader, head, transformer, config.projection_dim)?,
        })
    }

    /// See [`TextTower::forward`](super::super::TextTower::forward).
    pub(in crate::encoder::model) fn forward(
        &self,
        weights: &Weights,
        texts: &[&[u32]],
    ) -> Result<Vec<Vec<f32>>> {
        let all: usize = texts.iter().map(|text| text.len()).sum();
        let most = rows_per_group(all);
        let mut groups: Vec<Range<usize>> = Vec::new();
        let mut rows = 0;
        for (at, text) in texts.iter().enumerate() {
            match groups.last_mut() {
                Some(group) if rows < most => group.end = at + 1,
                _ => {
                    groups.push(at..at + 1);
                    rows = 0;
                }
            }
            rows += text.len();
        }
        self.head.run_groups(&groups, |group, space| {
            let mut first = 0;
            let mut sequences = Vec::with_capacity(group.len());
            for text in &texts[group.clone()] {
                sequences
                    .push(Sequence { rows: first..first + text.len(), pooled: text.len() - 1 });
                first += text.len();
            }
            self.embed(weights, texts[group].concat(), &sequences, &mut space.x)?;
            self.transformer.forward(&sequences, space);
            Ok(())
        })
    }

    fn embed(
        &self,
        weights: &Weights,
        tokens: Vec<u32>,
        sequences: &[Sequence],
        x: &mut Matrix,
    ) -> Result<()> {
        let table = weights.tensor(TOKENS)?;
        let (mut bytes, mut embedding) = (Vec::new(), Vec::new());
        x.reshape(tokens.len(), self.width);
        for sequence in sequences {
            let positions = self.positions.chunks_exact(self.width);
            for (row, position) in sequence.rows.clone().zip(positions) {
                let at = tokens[row] as usize * self.width;
                table.read(at..at + self.width, &mut bytes, &mut embedding)?;
                for (value, position) in embedding.iter_mut().zip(position) {
                    *value += position;
                }
                x.set_row(row, &embedding);
            }
        }
        Ok(())
    }
}
