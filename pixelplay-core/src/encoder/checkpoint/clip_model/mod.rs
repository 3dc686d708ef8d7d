//! The layout of transformers' `CLIPModel`: `config.json` and the names of its tensors, by which
//! the text tower knows them in every layout.

mod config;
mod tensors;

pub(super) use tensors::{add_text, add_vision};
