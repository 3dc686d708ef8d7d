//! A sentence that a song is described by, and what it was made from.

use std::fmt;

use serde::Serialize;

/// A sentence that a song is described by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Sentence {
    /// The sentence: something a photograph could be captioned with.
    pub text: String,
    /// What it was made from.
    pub source: Source,
}

/// What a [`Sentence`] was made from. Its `Display` completes "this song was found by ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Source {
    /// Genre and year.
    Genre,
    /// Energy, valence and mode.
    Mood,
    /// A feature that stands out: acousticness, tempo, length, ...
    Trait,
    /// A description that came with the song, or that a caller's own describer gave.
    Description,
    /// The title.
    Title,
    /// A column of tags.
    Tags,
    /// A column of lyrics.
    Lyrics,
}

impl Source {
    /// The name of the source: `genre`, `mood`, `trait`, `description`, `title`, `tags`, `lyrics`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Genre => "genre",
            Self::Mood => "mood",
            Self::Trait => "trait",
            Self::Description => "description",
            Self::Title => "title",
            Self::Tags => "tags",
            Self::Lyrics => "lyrics",
        }
    }

    /// Whether it is what the song says of itself, not what its features say.
    #[cfg(feature = "encoder")]
    pub(crate) fn is_own_words(self) -> bool {
        matches!(self, Self::Title | Self::Tags | Self::Lyrics)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Genre => "its genre",
            Self::Mood => "its mood",
            Self::Trait => "what stands out in it",
            Self::Description => "its description",
            Self::Title => "its title",
            Self::Tags => "its tags",
            Self::Lyrics => "its lyrics",
        })
    }
}

impl Sentence {
    pub(super) fn new(source: Source, text: impl Into<String>) -> Self {
        Self { text: text.into(), source }
    }
}

/// A sentence of a caller's own, of which no more is known.
impl<T: AsRef<str>> From<T> for Sentence {
    fn from(text: T) -> Self {
        Self::new(Source::Description, text.as_ref())
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
