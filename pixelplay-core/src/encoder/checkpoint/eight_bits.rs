//! Tensors stored in eight bits: a tensor `name` of signed bytes, and a tensor `name.scale` with
//! one scale per row. A value is its byte times the scale of its row, in `f32`.
//!
//! This takes a quarter of the space of `f32`, so a checkpoint fits into a crate. `Weights` shows
//! such tensors as floats to all other code: a folder with the same numbers as `f32` has the same
//! fingerprint and produces the same vectors.

use std::borrow::Cow;
use std::ops::Range;

/// The suffix that, appended to a tensor's name, names the tensor of its scales.
pub(super) const SCALE: &str = ".scale";

/// One tensor, presented as the bytes of little-endian floats.
pub(super) struct EightBits {
    values: Cow<'static, [u8]>,
    scales: Vec<f32>,
    row: usize,
}

impl EightBits {
    /// Creates the tensor. Returns `None` unless the values can be divided into rows of equal
    /// length, one per scale.
    pub(super) fn new(values: Cow<'static, [u8]>, scales: Vec<f32>) -> Option<Self> {
        let row = values.len().checked_div(scales.len())?;
        (row > 0 && row * scales.len() == values.len()).then_some(Self { values, scales, row })
    }

    /// Returns a range of the bytes of the floats, or `None` if it is out of range.
    pub(super) fn floats<'a>(
        &self,
        bytes: Range<usize>,
        buffer: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        const SIZE: usize = size_of::<f32>();
        let (start, end) = (bytes.start / SIZE, bytes.end.div_ceil(SIZE));
        self.values.get(start..end)?;
        buffer.clear();
        let mut at = start;
        while at < end {
            let row = at / self.row;
            let until = end.min((row + 1) * self.row);
            let scale = self.scales[row];
            let floats = self.values[at..until]
                .iter()
                .flat_map(|&value| (f32::from(value.cast_signed()) * scale).to_le_bytes());
            buffer.extend(floats);
            at = until;
        }
        buffer.get(bytes.start - start * SIZE..)?.get(..bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[i8], scales: &[f32]) -> Option<EightBits> {
        let values = values.iter().map(|value| value.cast_unsigned()).collect();
        EightBits::new(Cow::Owned(values), scales.to_vec())
    }

    #[test]
    fn any_part_is_a_part_of_the_floats() {
        let tensor = of(&[1, -2, 127, -128, 0, 3], &[0.5, 0.25]).unwrap();
        let whole: Vec<u8> =
            [0.5_f32, -1.0, 63.5, -32.0, 0.0, 0.75].iter().flat_map(|v| v.to_le_bytes()).collect();
        for start in 0..=whole.len() {
            for end in start..=whole.len() {
                let part = tensor.floats(start..end, &mut Vec::new()).map(<[u8]>::to_vec);
                assert_eq!(part.as_deref(), Some(&whole[start..end]));
            }
        }
        assert!(tensor.floats(20..28, &mut Vec::new()).is_none());
    }

    #[test]
    fn scales_must_be_one_for_each_row() {
        assert!(of(&[1, 2, 3], &[1.0, 1.0]).is_none());
        assert!(of(&[1, 2], &[]).is_none());
        assert!(of(&[], &[1.0]).is_none());
    }
}
