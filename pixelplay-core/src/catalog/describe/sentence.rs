//! A sentence that describes a song, and what it was made from.

use std::fmt;

use serde::Serialize;

/// A sentence that describes a song.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Sentence {
    /// The sentence. It could be the caption of a photograph.
    pub text: String,
    /// The part of the song's data that the sentence was made from.
    pub source: Source,
}

/// The part of a song's data that a [`Sentence`] was made from. `Display` completes "this song was
/// found by ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Source {
    /// Genre and year.
    Genre,
    /// Energy, valence and mode.
    Mood,
    /// A feature that stands out, such as acousticness, tempo or length.
    Trait,
    /// A description that came with the song, or from a custom describer.
    Description,
    /// The title.
    Title,
    /// A column of tags.
    Tags,
    /// A column of lyrics.
    Lyrics,
}

impl Source {
    /// Returns the name of the source: `genre`, `mood`, `trait`, `description`, `title`, `tags`,
    /// `lyrics`.
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

    /// Returns whether the sentence was made from the song's own words rather than from its
    /// features.
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

/// Creates a sentence from a text alone, with the source [`Source::Description`].
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
