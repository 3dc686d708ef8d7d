//! The values of one tensor.

use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::Dtype;

use super::source::{Location, Source};
use crate::encoder::error::EncodeError;

/// One tensor as stored in the file: little-endian, row-major.
pub(in crate::encoder) struct RawTensor {
    pub(in crate::encoder) dtype: Dtype,
    pub(in crate::encoder) shape: Vec<usize>,
    pub(in crate::encoder) bytes: Vec<u8>,
}

/// A tensor whose values are read piece by piece, as `f32`.
pub(in crate::encoder) struct Tensor<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a Source,
    pub(super) location: &'a Location,
}

impl Tensor<'_> {
    /// Reads a range of the values, in row-major order. `bytes` is reusable scratch space.
    pub(in crate::encoder) fn read(
        &self,
        values: Range<usize>,
        bytes: &mut Vec<u8>,
        out: &mut Vec<f32>,
    ) -> Result<(), EncodeError> {
        let unknown =
            || EncodeError::forward(format!("{} has type {:?}", self.name, self.location.dtype));
        let size = match self.location.dtype {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            // `Weights::check` has rejected everything else.
            _ => return Err(unknown()),
        };
        if values.end * size > self.location.len {
            return Err(EncodeError::forward(format!("{} has no value {}", self.name, values.end)));
        }
        let start = self.location.start + (values.start * size) as u64;
        let bytes = self.source.bytes_at(start, values.len() * size, bytes)?;
        out.clear();
        match self.location.dtype {
            Dtype::F32 => {
                let (values, _) = bytes.as_chunks();
                out.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
            }
            Dtype::BF16 => {
                let (values, _) = bytes.as_chunks();
                let bits = values.iter().map(|v| u32::from(u16::from_le_bytes(*v)) << 16);
                out.extend(bits.map(f32::from_bits));
            }
            Dtype::F16 => {
                // Converts several values at once, since processors have instructions for this.
                let (values, _) = bytes.as_chunks();
                out.resize(values.len(), 0.0);
                for (values, out) in values.chunks(64).zip(out.chunks_mut(64)) {
                    let mut halves = [f16::ZERO; 64];
                    for (half, value) in halves.iter_mut().zip(values) {
                        *half = f16::from_le_bytes(*value);
                    }
                    halves[..out.len()].convert_to_f32_slice(out);
                }
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}
