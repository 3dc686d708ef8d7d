//! 16 adjacent `f32` values, in memory and in registers. The encoder's kernels are generic over
//! their representation.

/// The number of values in a vector.
pub(crate) const WIDTH: usize = 16;

/// 16 adjacent values, in one cache line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [f32; WIDTH]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; WIDTH]);
}

/// 16 times 4 adjacent 8-bit values, in one cache line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Codes(pub(crate) [[u8; 4]; WIDTH]);

impl Codes {
    pub(crate) const ZERO: Self = Self([[0; 4]; WIDTH]);
}

/// 16 values in registers of an instruction set; the portable implementation is a plain array.
///
/// # Safety
/// For all functions: the processor must have the instructions of the implementing type.
pub(super) trait Vector: Copy {
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: &Lanes) -> Self;
    unsafe fn store(self, to: &mut Lanes);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once or twice.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `addend - self * factor`, rounded once or twice.
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// Moves the lowest 9 bits to the position of sign and exponent.
    unsafe fn to_exponent(self) -> Self;
    /// Truncates values from 0 to 255 to integers.
    unsafe fn to_bytes(self) -> [u8; WIDTH];
}
