//! The two towers on the CPU: plain passes over weights that are packed once when a tower is
//! loaded.
//!
//! Activations are blocked matrices (see `simd/blocked`) from the first product to the last, so
//! they are never re-ordered. Sequences of different lengths are stacked as rows, so they are not
//! padded. Every value is summed in a fixed order, so a vector has the same bits in any batch and
//! with any number of threads.
//!
//! * [`text`] and [`vision`] are the transformer towers, made of a [`transformer`] and a projection
//!   ([`head`]); [`efficientnet`] is the convolutional vision tower.
//! * The layers of a transformer consist of [`linear`] layers (in 8 bits: [`int8`]) and
//!   [`attention`].
//! * [`matrix`] owns a blocked matrix, [`columns`] assigns columns to its blocks, [`workspace`] has
//!   the buffers of a pass, [`groups`] forms the groups of inputs that go through a tower together,
//!   [`loader`] loads the parts of a tower, and [`batch_norm`] folds batch norms into weights.

mod attention;
mod batch_norm;
mod columns;
mod efficientnet;
mod groups;
mod head;
mod int8;
mod linear;
mod loader;
mod matrix;
mod text;
mod transformer;
mod vision;
mod workspace;

pub(in crate::encoder) use self::efficientnet::EfficientNet;
pub(in crate::encoder) use self::text::TextTower;
pub(in crate::encoder) use self::vision::VisionTower;
use crate::encoder::error::EncodeError;

type Result<T, E = EncodeError> = std::result::Result<T, E>;

#[cfg(all(test, feature = "mini"))]
#[allow(clippy::print_stderr, reason = "the measured losses are worth seeing")]
mod tests {
    use std::path::Path;

    use super::transformer::Transformer;
    use super::*;
    use crate::encoder::Precision;
    use crate::encoder::checkpoint::{Config, VisionConfig, Weights, add_clip_names, made};

    /// A vision tower as wide and deep as a small ViT, because the embedded checkpoint's vision
    /// tower has no transformer.
    const VIT: &[u8] = br#"{
        "model_type": "clip", "projection_dim": 128,
        "vision_config": {
            "hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6,
            "num_attention_heads": 3, "image_size": 96, "patch_size": 12
        },
        "text_config": {
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2, "vocab_size": 8, "max_position_embeddings": 4
        }
    }"#;

    /// Returns, for each layer, the loss when only this layer computes in 8 bits: 1 minus the
    /// cosine of the vectors, for the worst of the inputs.
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
    fn no_layer_loses_much_in_8_bits() {
        let config = Config::parse_clip_model(Path::new("vit"), VIT).unwrap();
        let VisionConfig::Vit(vit) = &config.vision else { panic!("{:?}", config.vision) };
        let weights = Weights::embedded("vit".into(), made::weights(&config)).unwrap();
        let side = vit.image_size;
        let pixels: Vec<f32> = (0..4 * 3 * side * side)
            .map(|at| {
                let (image, x, y) = (at / (3 * side * side), at % side, at / side % side);
                ((x * (image + 1) + y * 2) as f32 / 9.0).sin() + (at % 7) as f32 / 7.0
            })
            .collect();
        let vision = |precision| {
            VisionTower::load(&weights, vit, config.projection_dim, precision, 1).unwrap()
        };
        let of_vision = losses(
            &mut vision(Precision::F32),
            vision(Precision::Int8),
            |tower| &mut tower.transformer,
            |tower| tower.forward(&pixels, vit.patches()).unwrap(),
        );
        let texts: Vec<Vec<u32>> = (1..30_u32)
            .map(|len| {
                let words = (0..len).map(|word| 300 + (len * 97 + word * 131) % 3500);
                [12_286].into_iter().chain(words).chain([12_287]).collect()
            })
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let mini = &pixelplay_models::PIXELPLAY_MINI;
        let config = Config::parse_open_clip(Path::new("mini"), mini.config_json).unwrap();
        let mut weights = Weights::embedded("mini".into(), mini.model_safetensors).unwrap();
        add_clip_names(&mut weights, &config).unwrap();
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
                // A loss of 0 would mean that the layer was not swapped.
                assert!((1e-9..1e-3).contains(lost), "{tower}, layer {layer}: {lost}");
            }
        }
    }
}
