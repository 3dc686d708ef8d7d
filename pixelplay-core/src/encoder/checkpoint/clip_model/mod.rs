//! The layout of transformers' `CLIPModel`: `config.json` and the names of its tensors. The text
//! tower uses these names for every layout.

mod config;
mod tensors;

pub(super) use tensors::{add_text, add_vision};
