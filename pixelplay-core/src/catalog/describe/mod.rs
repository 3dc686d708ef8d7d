//! Turns a song's features and own words into sentences that could be captions of photographs.
//!
//! * `sentence`: a sentence, and what it was made from.
//! * `sentences`: makes a song's sentences from its columns.
//! * `own_words`: the sentences made from its title, tags and lyrics.
//! * `templates`: the phrases, read from TOML (`templates.toml` is embedded).
//! * `dice`: chooses among the phrases, depending on the id of the song.
//! * `describer`: custom ways to describe songs.

mod describer;
mod dice;
mod own_words;
mod sentence;
mod sentences;
mod templates;

pub use describer::Describer;
#[cfg(feature = "encoder")]
pub(super) use describer::lines;
pub use sentence::{Sentence, Source};
pub use sentences::describe;
pub use templates::Templates;
