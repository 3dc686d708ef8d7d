//! The kernels for the instruction sets of x86-64. Each is a table of the same names as
//! [`super::portable`], which says in `use` what it has no instructions of its own for.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avx512_vnni;
mod prefetch;
