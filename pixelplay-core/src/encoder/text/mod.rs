//! Words: from a text to the token ids that the text tower reads.
//!
//! * `definition`: the tokenizer that a checkpoint brings, `tokenizer.json` or what stands for it.
//! * `tokenize`: texts cut into ids by it.

mod definition;
mod tokenize;

pub(super) use definition::Definition;
pub(super) use tokenize::Tokenize;
