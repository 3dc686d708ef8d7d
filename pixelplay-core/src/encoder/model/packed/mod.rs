//! The two towers on the CPU: plain passes over weights that are packed once, when a tower is
//! loaded.
//!
//! Activations are blocked matrices (see `simd/product`) from the first product to the last, so
//! nothing is re-ordered in between; sequences of any lengths lie one below the other, so nothing
//! is padded; and every value is summed in one order, so a vector has the same bits in any batch
//! and with any number of threads.

mod attention;
mod linear;
mod matrix;
mod transformer;

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use self::attention::Sequence;
use self::linear::{Heads, Linear, Source, Then, lines_of};
use self::matrix::{Matrix, Workspace, Workspaces};
use self::transformer::Transformer;
use crate::encoder::Precision;
use crate::encoder::checkpoint::{Config, TransformerConfig, Weights};
use crate::encoder::error::EncodeError;
use crate::simd::{Backend, Lanes, Norm};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// About so many rows go through a tower at once: enough to make the weights' way from memory worth
/// it, and their activations stay near.
const ROWS: usize = 400;

/// Text to vectors.
pub(in crate::encoder) struct TextTower {
    width: usize,
    /// Shape `(max_positions, width)`. The rows of the other embedding are read when a text has
    /// their token.
    positions: Vec<f32>,
    transformer: Transformer,
    head: Head,
}

/// Pictures to vectors.
pub(in crate::encoder) struct VisionTower {
    width: usize,
    patch_size: usize,
    image_size: usize,
    patch: Linear,
    /// What is added to the class token and the patches, shape `(width / 16, patches + 1, 16)`.
    embedding: Matrix,
    pre_norm: Norm,
    transformer: Transformer,
    head: Head,
}

/// What follows the transformer.
struct Head {
    backend: Backend,
    norm: Norm,
    projection: Linear,
    dim: usize,
    workspaces: Workspaces,
}

const TOKENS: &str = "text_model.embeddings.token_embedding.weight";

impl TextTower {
    pub(super) fn load(
        weights: &Weights,
        config: &Config,
        precision: Precision,
        threads: usize,
    ) -> Result<Self> {
        let transformer = &config.text.transformer;
        let name = "text_model.embeddings.position_embedding.weight";
        Ok(Self {
            width: transformer.width,
            positions: values(weights, name, config.text.max_positions * transformer.width)?,
            transformer: Transformer::load(
                weights,
                "text_model",
                transformer,
                true,
                precision,
                threads,
            )?,
            head: Head::load(
                weights,
                "text_model.final_layer_norm",
                "text_projection",
                transformer,
                config.projection_dim,
            )?,
        })
    }

    /// See [`super::TextTower::forward`].
    pub(super) fn forward(&self, weights: &Weights, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let all: usize = texts.iter().map(|text| text.len()).sum();
        let most = rows_at_once(all);
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
        self.head.in_groups(&groups, |group, space| {
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

impl VisionTower {
    pub(super) fn load(
        weights: &Weights,
        config: &Config,
        precision: Precision,
        threads: usize,
    ) -> Result<Self> {
        let vision = &config.vision;
        let (transformer, width) = (&vision.transformer, vision.transformer.width);
        let at = "vision_model.embeddings";
        let patch = Source {
            parts: vec![format!("{at}.patch_embedding")],
            has_bias: false,
            inputs: Heads::one(3 * vision.patch_size.pow(2)),
            outputs: Heads::one(width),
        };
        let rows = vision.patches() + 1;
        let positions = values(weights, &format!("{at}.position_embedding.weight"), rows * width)?;
        let class = values(weights, &format!("{at}.class_embedding"), width)?;
        let mut embedding = Matrix::default();
        embedding.reshape(rows, width);
        for (row, values) in positions.chunks_exact(width).enumerate() {
            embedding.set_row(row, values);
        }
        let first: Vec<f32> = class.iter().zip(&positions).map(|(a, b)| a + b).collect();
        embedding.set_row(0, &first);
        Ok(Self {
            width,
            patch_size: vision.patch_size,
            image_size: vision.image_size,
            patch: Linear::load(weights, &patch, Precision::F32, None)?,
            embedding,
            pre_norm: load_norm(weights, "vision_model.pre_layrnorm", transformer)?,
            transformer: Transformer::load(
                weights,
                "vision_model",
                transformer,
                false,
                precision,
                threads,
            )?,
            head: Head::load(
                weights,
                "vision_model.post_layernorm",
                "visual_projection",
                transformer,
                config.projection_dim,
            )?,
        })
    }

    /// See [`super::VisionTower::forward`].
    pub(super) fn forward(&self, pixels: &[f32], patches: usize) -> Result<Vec<Vec<f32>>> {
        let each = 3 * self.image_size.pow(2);
        let count = pixels.len() / each;
        let rows = patches + 1;
        let most = rows_at_once(count * rows).div_ceil(rows);
        let groups: Vec<Range<usize>> =
            (0..count).step_by(most).map(|start| start..(start + most).min(count)).collect();
        self.head.in_groups(&groups, |group, space| {
            let count = group.len();
            let sequences: Vec<Sequence> = (0..count)
                .map(|image| Sequence { rows: image * rows..(image + 1) * rows, pooled: 0 })
                .collect();
            let Workspace { x, normed, hidden, coded, .. } = &mut *space;
            let pixels = &pixels[group.start * each..group.end * each];
            // A convolution whose stride is its kernel size is one matrix product over the patches.
            self.cut(pixels, patches, hidden);
            normed.reshape(count * rows, self.width);
            let blocks = normed.lines.chunks_exact_mut(count * rows);
            for (block, embedding) in
                blocks.zip(self.embedding.lines.chunks_exact(self.embedding.rows))
            {
                for lines in block.chunks_exact_mut(rows) {
                    lines.copy_from_slice(&embedding[..rows]);
                }
            }
            let (backend, all) = (self.head.backend, 0..self.patch.blocks());
            self.patch.apply(backend, hidden, all, Then::Add, coded, &mut normed.lines);
            x.reshape(count * rows, self.width);
            backend.layer_norm(x.rows, &self.pre_norm, normed.view(), x.view_mut());
            self.transformer.forward(&sequences, space);
            Ok(())
        })
    }

    /// The first patches of each image as rows of pixels. Where the class token will be there is a
    /// row of zeros.
    fn cut(&self, pixels: &[f32], patches: usize, out: &mut Matrix) {
        let (size, image_size) = (self.patch_size, self.image_size);
        let side = image_size / size;
        let count = pixels.len() / (3 * image_size.pow(2));
        out.reshape(count * (patches + 1), 3 * size * size);
        out.lines.fill(Lanes::ZERO);
        for (image, pixels) in pixels.chunks_exact(3 * image_size.pow(2)).enumerate() {
            for patch in 0..patches {
                let row = image * (patches + 1) + 1 + patch;
                let (top, left) = (patch / side * size, patch % side * size);
                for line in 0..3 * size {
                    let (channel, y) = (line / size, top + line % size);
                    let from = (channel * image_size + y) * image_size + left;
                    out.set(row, line * size, &pixels[from..from + size]);
                }
            }
        }
    }
}

impl Head {
    fn load(
        weights: &Weights,
        norm: &str,
        projection: &str,
        config: &TransformerConfig,
        dim: usize,
    ) -> Result<Self> {
        let projection = Source {
            parts: vec![projection.to_owned()],
            has_bias: false,
            inputs: Heads::one(config.width),
            outputs: Heads::one(dim),
        };
        Ok(Self {
            backend: Backend::detect(),
            norm: load_norm(weights, norm, config)?,
            projection: Linear::load(weights, &projection, Precision::F32, None)?,
            dim,
            workspaces: Workspaces::default(),
        })
    }

    /// Runs `pass` for each group, which leaves what it pooled in the workspace, and projects that.
    fn in_groups(
        &self,
        groups: &[Range<usize>],
        pass: impl Fn(Range<usize>, &mut Workspace) -> Result<()> + Sync,
    ) -> Result<Vec<Vec<f32>>> {
        let one = |group: &Range<usize>| {
            self.workspaces.with(|space| {
                pass(group.clone(), space)?;
                let Workspace { pooled, normed, hidden, coded, .. } = space;
                normed.reshape(pooled.rows, self.norm.width);
                self.backend.layer_norm(pooled.rows, &self.norm, pooled.view(), normed.view_mut());
                hidden.reshape(pooled.rows, self.dim);
                let all = 0..self.projection.blocks();
                self.projection.apply(
                    self.backend,
                    normed,
                    all,
                    Then::Store,
                    coded,
                    &mut hidden.lines,
                );
                Ok((0..hidden.rows).map(|row| hidden.row(row, self.dim)).collect())
            })
        };
        let vectors: Result<Vec<Vec<Vec<f32>>>> = match groups {
            [group] => one(group).map(|vectors| vec![vectors]),
            // A few at a time: a thread that waits within one takes up another, and each has a
            // workspace.
            groups => groups
                .chunks(4 * rayon::current_num_threads())
                .map(|groups| groups.par_iter().map(one).collect::<Result<Vec<_>>>())
                .collect::<Result<Vec<_>>>()
                .map(|vectors| vectors.into_iter().flatten().collect()),
        };
        Ok(vectors?.into_iter().flatten().collect())
    }
}

/// How many of `all` rows go through a tower at once, so that all threads have about as much to do.
fn rows_at_once(all: usize) -> usize {
    let groups = all.div_ceil(ROWS);
    match rayon::current_num_threads() {
        // Alone it is shared within each product.
        threads if all >= threads * ROWS / 4 => all.div_ceil(groups.next_multiple_of(threads)),
        _ => all.div_ceil(groups.max(1)),
    }
}

fn values(weights: &Weights, name: &str, count: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    weights.tensor(name)?.read(0..count, &mut Vec::new(), &mut values)?;
    Ok(values)
}

fn load_norm(weights: &Weights, at: &str, config: &TransformerConfig) -> Result<Norm> {
    let columns = Heads::one(config.width);
    Ok(Norm {
        width: config.width,
        scale: lines_of(weights, &format!("{at}.weight"), columns)?,
        shift: lines_of(weights, &format!("{at}.bias"), columns)?,
        eps: config.layer_norm_eps as f32,
    })
}

/// Does `work` for each item, on threads of its own: rayon's would take up other jobs while they
/// wait, which may wait for the tower that is loaded here.
fn parallel<I: Sync, O: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> Result<O> + Sync,
) -> Result<Vec<O>> {
    let next = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        loop {
            let item = next.lock().ok().and_then(|mut next| next.next());
            let Some((at, item)) = item else { return };
            let result = work(item);
            if let Ok(mut done) = done.lock() {
                done.push((at, result));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(all(test, feature = "mini"))]
#[allow(clippy::print_stderr, reason = "the measured losses are worth seeing")]
mod tests {
    use std::path::Path;

    use super::*;

    /// What a vector loses when one layer of a tower computes in 8 bits: 1 less the cosine, the
    /// worst of some inputs.
    fn losses<T>(
        f32: &mut T,
        mut int8: T,
        layers: fn(&mut T) -> &mut Transformer,
        forward: impl Fn(&T) -> Vec<Vec<f32>>,
    ) -> Vec<f64> {
        let expected = forward(f32);
        let lost = |found: &[Vec<f32>]| {
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            let pairs = found.iter().zip(&expected);
            let lost = pairs.map(|(a, b)| 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt());
            lost.fold(f64::MIN, f64::max)
        };
        (0..layers(f32).len())
            .map(|layer| {
                layers(f32).swap_layer(layers(&mut int8), layer);
                let lost = lost(&forward(f32));
                layers(f32).swap_layer(layers(&mut int8), layer);
                lost
            })
            .collect()
    }

    #[test]
    fn no_layer_of_mini_loses_much_in_8_bits() {
        let mini = &pixelplay_models::PIXELPLAY_MINI;
        let config = Config::parse(Path::new("mini"), mini.config_json).unwrap();
        let weights = Weights::embedded("mini".into(), mini.model_safetensors).unwrap();
        let side = config.vision.image_size;
        let pixels: Vec<f32> = (0..4 * 3 * side * side)
            .map(|at| {
                let (image, x, y) = (at / (3 * side * side), at % side, at / side % side);
                ((x * (image + 1) + y * 2) as f32 / 9.0).sin() + (at % 7) as f32 / 7.0
            })
            .collect();
        let vision = |precision| VisionTower::load(&weights, &config, precision, 1).unwrap();
        let of_vision = losses(
            &mut vision(Precision::F32),
            vision(Precision::Int8),
            |tower| &mut tower.transformer,
            |tower| tower.forward(&pixels, config.vision.patches()).unwrap(),
        );
        let texts: Vec<Vec<u32>> = (1..30_u32)
            .map(|len| {
                let words = (0..len).map(|word| 300 + (len * 97 + word * 131) % 3500);
                [4094].into_iter().chain(words).chain([4095]).collect()
            })
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let text = |precision| TextTower::load(&weights, &config, precision, 1).unwrap();
        let of_text = losses(
            &mut text(Precision::F32),
            text(Precision::Int8),
            |tower| &mut tower.transformer,
            |tower| tower.forward(&weights, &texts).unwrap(),
        );
        for (tower, losses) in [("vision", of_vision), ("text", of_text)] {
            for (layer, lost) in losses.iter().enumerate() {
                eprintln!("{tower}, layer {layer}: 1 - cosine {lost:.1e}");
                // None at all would mean that the layer was not exchanged.
                assert!((1e-9..1e-3).contains(lost), "{tower}, layer {layer}: {lost}");
            }
        }
    }
}
