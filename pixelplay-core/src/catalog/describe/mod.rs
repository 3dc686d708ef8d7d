//! From a song's features to sentences that a photograph could be captioned with.
//!
//! * `sentences`: which sentences a song gets, from which of its columns.
//! * `templates`: the phrases, read from TOML (`templates.toml` is embedded).
//! * `dice`: the choice among them, which the id of the song decides.
//! * `describer`: a caller's own way to describe songs.

mod describer;
mod dice;
mod sentences;
mod templates;

pub use describer::Describer;
#[cfg(feature = "encoder")]
pub(super) use describer::lines;
pub use sentences::describe;
pub use templates::Templates;
