//! OpenCLIP's layout: `open_clip_config.json`, and tensors as its `CLIP` and `CustomTextCLIP` name
//! them.
//!
//! * `config`: what the configuration says, and what of it cannot be run.
//! * `tensors`: which tensors follow from it.
//! * `names`: the same tensors by the names of a `CLIPModel`, which the text tower knows.

mod config;
mod names;
mod section;
mod tensors;

pub(in crate::encoder) use names::add_clip_names;
pub(super) use tensors::add_text;
