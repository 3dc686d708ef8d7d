//! 16 values of `f32` side by side, in memory and in registers: what the kernels of the encoder are
//! written over.

use super::product::{self, Finish, Multiply, Piece, Source};

/// How many values stand side by side.
pub(crate) const WIDTH: usize = 16;

/// 16 neighbouring values, in one cache line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [f32; WIDTH]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; WIDTH]);
}

/// 16 times 4 neighbouring values of 8 bits, in one cache line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Codes(pub(crate) [[u8; 4]; WIDTH]);

impl Codes {
    pub(crate) const ZERO: Self = Self([[0; 4]; WIDTH]);
}

/// 16 values in registers of some instruction set; the portable twin is a plain array.
///
/// # Safety
/// Of all functions here: the processor must have the instructions of the implementing type.
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
    /// Moves the lowest 9 bits to where sign and exponent stand.
    unsafe fn to_exponent(self) -> Self;
    /// Cuts off what is behind the point of values from 0 to 255.
    unsafe fn to_bytes(self) -> [u8; WIDTH];
    /// [`product::piece`], compiled for this type alone.
    unsafe fn float_piece<const R: usize, const P: usize>(
        from: Source<Lanes>,
        out: &mut Piece<Lanes>,
    );
    /// [`product::finish`], compiled for this type alone.
    unsafe fn finish(sums: &[Lanes], bias: Option<&Lanes>, finish: Finish<'_>, out: &mut [Lanes]);
}

impl Vector for [f32; WIDTH] {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(from: &Lanes) -> Self {
        from.0
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut Lanes) {
        to.0 = self;
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] - other[i])
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] * other[i])
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] / other[i])
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        std::array::from_fn(|i| self[i] * factor[i] + addend[i])
    }

    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        std::array::from_fn(|i| addend[i] - self[i] * factor[i])
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        std::array::from_fn(|i| if self[i] > other[i] { self[i] } else { other[i] })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        std::array::from_fn(|i| if self[i] < other[i] { self[i] } else { other[i] })
    }

    #[inline(always)]
    unsafe fn to_exponent(self) -> Self {
        std::array::from_fn(|i| f32::from_bits(self[i].to_bits() << 23))
    }

    #[inline(always)]
    unsafe fn to_bytes(self) -> [u8; WIDTH] {
        std::array::from_fn(|i| self[i] as u8)
    }

    #[inline(never)]
    unsafe fn float_piece<const R: usize, const P: usize>(
        from: Source<Lanes>,
        out: &mut Piece<Lanes>,
    ) {
        // SAFETY: as our caller promises.
        unsafe { product::piece::<Self, R, P>(from, out) }
    }

    #[inline(never)]
    unsafe fn finish(sums: &[Lanes], bias: Option<&Lanes>, finish: Finish<'_>, out: &mut [Lanes]) {
        // SAFETY: as our caller promises.
        unsafe { product::finish::<Self>(sums, bias, finish, out) }
    }
}

impl<V: Vector> Multiply for V {
    type Line = Lanes;
    type Sums = Lanes;
    const ZERO: Lanes = Lanes::ZERO;

    #[inline(always)]
    unsafe fn piece<const R: usize, const P: usize>(from: Source<Lanes>, out: &mut Piece<Lanes>) {
        // SAFETY: as our caller promises.
        unsafe { V::float_piece::<R, P>(from, out) }
    }
}
