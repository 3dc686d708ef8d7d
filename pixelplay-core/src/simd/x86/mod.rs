//! The kernels for the instruction sets of x86-64. Each module is a table with the same names as
//! [`super::portable`]; kernels that it does not implement are imported from another table with
//! `use`.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avx512_vnni;
mod prefetch;
