//! Checkpoints on disk: the configuration and the weights of a model.
//!
//! * `config`: the configuration of a checkpoint, independent of its layout.
//! * `clip_model` and `open_clip`: the two layouts, each with its form of the configuration and its
//!   tensor names. `efficientnet`: the shapes of the convolutional vision towers.
//! * `weights`: the locations of all tensors; `source` is one file of weights, `header` reads its
//!   header, `tensor` reads the values of one tensor, and `eight_bits` handles tensors stored in
//!   eight bits.
//! * `fingerprint`: the name of the vector space; `self_test`: the test that a working tower must
//!   pass.

mod clip_model;
mod config;
mod efficientnet;
mod eight_bits;
mod expected_tensors;
mod fingerprint;
mod header;
#[cfg(all(test, feature = "mini"))]
pub(super) mod made;
mod open_clip;
pub(super) mod self_test;
mod source;
mod tensor;
mod weights;

pub(super) use config::{
    Activation, Config, LEGACY_EOS, TextConfig, TransformerConfig, VisionConfig, VitConfig,
};
pub(super) use efficientnet::{
    Block, ConvNames, EfficientNetConfig, HEAD, Head, NORM_EPS, STEM, Same,
};
pub(super) use fingerprint::fingerprint;
pub(super) use open_clip::add_clip_names;
pub(super) use weights::Weights;
