//! OpenCLIP's layout: `open_clip_config.json`, and tensors named as in its `CLIP` and
//! `CustomTextCLIP`.
//!
//! * `config`: the configuration, and what of it is not supported.
//! * `tensors`: the tensors that it requires.
//! * `names`: adds the names of a `CLIPModel`, under which the text tower looks up its tensors.

mod config;
mod names;
mod section;
mod tensors;

pub(in crate::encoder) use names::add_clip_names;
pub(super) use tensors::add_text;
