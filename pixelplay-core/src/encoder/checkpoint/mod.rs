//! Checkpoints on the disk: what the model is, and the numbers it is made of.
//!
//! * `config`: what `config.json` says; `expected_tensors`: which tensors follow from it.
//! * `weights`: where all tensors lie; `source` is one file of them, `header` its beginning, and
//!   `tensor` the values of one tensor.
//! * `fingerprint`: the name of the vector space; `self_test`: what a working tower must show.

mod config;
mod expected_tensors;
mod fingerprint;
mod header;
pub(super) mod self_test;
mod source;
mod tensor;
mod weights;

pub(super) use config::{
    Activation, Config, LEGACY_EOS, TextConfig, TransformerConfig, VisionConfig,
};
pub(super) use fingerprint::fingerprint;
pub(super) use weights::Weights;
