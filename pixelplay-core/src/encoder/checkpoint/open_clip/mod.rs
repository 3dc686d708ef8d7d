//! OpenCLIP's layout: `open_clip_config.json`, and tensors named as in its `CLIP` and
//! `CustomTextCLIP`.
//!
//! * `config`: parses the configuration and rejects what is not supported.
//! * `tensors`: the tensors that the text tower requires.
//! * `names`: adds the tensor names of a `CLIPModel`, which the text tower uses.

mod config;
mod names;
mod section;
mod tensors;

pub(in crate::encoder) use names::add_clip_names;
pub(super) use tensors::add_text;
