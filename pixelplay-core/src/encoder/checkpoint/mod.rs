//! Checkpoints on the disk: what the model is, and the numbers it is made of.
//!
//! * `config`: what a checkpoint's configuration says, in whichever layout it is written.
//! * `clip_model` and `open_clip`: the two layouts, how each writes its configuration and names its
//!   tensors. `efficientnet`: the shapes of the convolutional vision towers.
//! * `weights`: where all tensors lie; `source` is one file of them, `header` its beginning, and
//!   `tensor` the values of one tensor; `eight_bits` is one that is stored in eight bits.
//! * `fingerprint`: the name of the vector space; `self_test`: what a working tower must show.

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
