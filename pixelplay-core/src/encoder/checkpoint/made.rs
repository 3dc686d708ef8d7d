//! Weights of any shape, for tests.

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use super::config::Config;

/// Creates a safetensors file with the tensors of a configuration: all values differ, and the
/// statistics are plausible.
#[allow(clippy::unwrap_used, reason = "only called by tests")]
pub(in crate::encoder) fn weights(config: &Config) -> &'static [u8] {
    let specs = config.tensors();
    let values: Vec<Vec<u8>> = specs
        .iter()
        .enumerate()
        .map(|(seed, spec)| {
            let is_scale = ["running_var", "weight"].iter().any(|end| spec.name.ends_with(end));
            let (base, size) = match spec.shape.len() {
                1 => (if is_scale { 1.0 } else { 0.0 }, 0.2),
                _ => (0.0, 2.0 / (spec.shape[1..].iter().product::<usize>() as f32).sqrt()),
            };
            (0..spec.shape.iter().product::<usize>())
                .flat_map(|at| {
                    let noise = ((at * 7919 + seed * 104_729) % 1009) as f32 / 504.0 - 1.0;
                    half::f16::from_f32(base + noise * size).to_le_bytes()
                })
                .collect()
        })
        .collect();
    let views = specs.iter().zip(&values).map(|(spec, bytes)| {
        (&spec.name, TensorView::new(Dtype::F16, spec.shape.clone(), bytes).unwrap())
    });
    serialize(views, None).unwrap().leak()
}
