//! The padding that TensorFlow calls "same".

/// TensorFlow's "same" padding along one axis: one output per stride, and padding on both sides,
/// with the odd pixel at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encoder) struct Same {
    /// The number of outputs.
    pub(in crate::encoder) outputs: usize,
    /// The number of zeros before the input.
    pub(in crate::encoder) before: usize,
    /// The number of zeros after the input.
    pub(in crate::encoder) after: usize,
}

impl Same {
    pub(in crate::encoder) fn new(inputs: usize, kernel: usize, stride: usize) -> Self {
        let outputs = inputs.div_ceil(stride);
        let missing = ((outputs - 1) * stride + kernel).saturating_sub(inputs);
        Self { outputs, before: missing / 2, after: missing - missing / 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_that_of_tensorflow() {
        // Expected values from timm's `pad_same_arg`.
        for (inputs, kernel, stride, expected) in [
            (192, 3, 2, (96, 0, 1)),
            (75, 3, 2, (38, 1, 1)),
            (24, 5, 2, (12, 1, 2)),
            (7, 5, 2, (4, 2, 2)),
            (7, 5, 1, (7, 2, 2)),
            (1, 5, 2, (1, 2, 2)),
            (2, 3, 2, (1, 0, 1)),
        ] {
            let same = Same::new(inputs, kernel, stride);
            assert_eq!((same.outputs, same.before, same.after), expected, "{inputs}");
        }
    }
}
