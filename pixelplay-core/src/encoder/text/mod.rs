//! Texts: from a text to the token ids for the text tower.
//!
//! * `definition`: the tokenizer of a checkpoint, from `tokenizer.json` or its alternatives.
//! * `tokenize`: tokenizing texts with it.

mod definition;
mod tokenize;

pub(super) use definition::Definition;
pub(super) use tokenize::Tokenize;
