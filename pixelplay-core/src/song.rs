//! Songs and their columns.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The id of a song within one catalogue: any text that is not empty.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SongId(Arc<str>);

impl SongId {
    /// Creates an id, or returns `None` if the text is empty.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Option<Self> {
        let id = id.as_ref();
        (!id.is_empty()).then(|| Self(id.into()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SongId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(id).ok_or("the id of a song is empty")
    }
}

impl From<SongId> for String {
    fn from(id: SongId) -> Self {
        id.as_str().to_owned()
    }
}

impl Borrow<str> for SongId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SongId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SongId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SongId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number.
    Integer,
    /// A finite real number.
    Real,
    /// True or false.
    Flag,
}

/// One cell of a song.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A cell of a [`Kind::Text`] column.
    Text(String),
    /// A cell of a [`Kind::Integer`] column.
    Integer(i64),
    /// A cell of a [`Kind::Real`] column.
    Real(f64),
    /// A cell of a [`Kind::Flag`] column.
    Flag(bool),
}

impl Value {
    /// Returns the kind of column that this value belongs in.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Integer(_) => Kind::Integer,
            Self::Real(_) => Kind::Real,
            Self::Flag(_) => Kind::Flag,
        }
    }
}

/// Defines the columns. The struct, [`COLUMNS`], [`Song::get`] and [`Song::set`] are all generated
/// from this list.
macro_rules! song {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident($type:ty),)+) => {
        /// A song. Unknown values are `None`.
        ///
        /// Audio features follow Spotify's definitions: 0 to 1 unless a unit is given.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Song {
            /// The id, unique within the catalogue.
            pub id: SongId,
            $($(#[doc = $doc])+ pub $name: Option<$type>,)+
            /// Columns that PixelPlay does not know, kept as text.
            pub extra: BTreeMap<String, String>,
        }

        /// The known columns other than `id`, in the order in which they are written.
        pub const COLUMNS: &[(&str, Kind)] = &[$((stringify!($name), Kind::$kind),)+];

        impl Song {
            /// Creates a song with an id and nothing else.
            #[must_use]
            pub fn new(id: SongId) -> Self {
                Self { id, $($name: None,)+ extra: BTreeMap::new() }
            }

            /// Returns the cell of a column: `id`, a known column, or one of [`Song::extra`].
            #[must_use]
            pub fn get(&self, column: &str) -> Option<Value> {
                match column {
                    "id" => Some(Value::Text(self.id.as_str().to_owned())),
                    $(stringify!($name) => self.$name.clone().map(Value::$kind),)+
                    _ => self.extra.get(column).cloned().map(Value::Text),
                }
            }

            /// Sets a cell of a known column, or puts text into [`Song::extra`].
            ///
            /// Returns `false`, and changes nothing, if the value is not of the column's kind, or
            /// if the column is `id`.
            pub fn set(&mut self, column: &str, value: Value) -> bool {
                match (column, value) {
                    ("id", _) => false,
                    $((stringify!($name), Value::$kind(value)) => { self.$name = Some(value); true })+
                    $((stringify!($name), _) => false,)+
                    (_, Value::Text(value)) => { self.extra.insert(column.to_owned(), value); true }
                    _ => false,
                }
            }

            /// Fills unknown values from another row of the same song.
            #[cfg(feature = "catalog")]
            pub(crate) fn fill_gaps(&mut self, other: Self) {
                $(if self.$name.is_none() { self.$name = other.$name; })+
                for (name, text) in other.extra {
                    self.extra.entry(name).or_insert(text);
                }
            }
        }
    };
}

song! {
    /// The title.
    title: Text(String),
    /// The artist or artists, as one text.
    artist: Text(String),
    /// The album.
    album: Text(String),
    /// The genre.
    genre: Text(String),
    /// The year of release.
    year: Integer(i64),
    /// How popular the song is, 0 to 100.
    popularity: Real(f64),
    /// The duration in milliseconds.
    duration_ms: Integer(i64),
    /// Whether the lyrics are explicit.
    explicit: Flag(bool),
    /// How intense and active it is.
    energy: Real(f64),
    /// How positive it sounds.
    valence: Real(f64),
    /// How well one can dance to it.
    danceability: Real(f64),
    /// The confidence that the song is acoustic.
    acousticness: Real(f64),
    /// The confidence that the song has no vocals.
    instrumentalness: Real(f64),
    /// The confidence that an audience is present.
    liveness: Real(f64),
    /// The share of spoken words.
    speechiness: Real(f64),
    /// Beats per minute.
    tempo: Real(f64),
    /// Average loudness in dB, usually -60 to 0.
    loudness: Real(f64),
    /// The key as a pitch class: 0 is C, 11 is B.
    key: Integer(i64),
    /// 1 for major, 0 for minor.
    mode: Integer(i64),
    /// The address of the cover image.
    artwork_url: Text(String),
    /// The address of a short audio preview.
    preview_url: Text(String),
    /// The address of the whole song.
    external_url: Text(String),
    /// The text that was embedded.
    description: Text(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_column_takes_its_kind_and_gives_it_back() {
        let mut song = Song::new(SongId::new("a").unwrap());
        for &(name, kind) in COLUMNS {
            assert_eq!(song.get(name), None, "{name}");
            let (good, bad) = match kind {
                Kind::Text => (Value::Text("x".into()), Value::Flag(true)),
                Kind::Integer => (Value::Integer(7), Value::Real(7.0)),
                Kind::Real => (Value::Real(0.5), Value::Text("0.5".into())),
                Kind::Flag => (Value::Flag(true), Value::Integer(1)),
            };
            assert!(!song.set(name, bad), "{name}");
            assert_eq!(song.get(name), None, "{name}");
            assert!(song.set(name, good.clone()), "{name}");
            assert_eq!(song.get(name), Some(good), "{name}");
        }
        assert!(song.extra.is_empty());
    }

    #[test]
    fn unknown_columns_are_text_and_the_id_is_fixed() {
        let mut song = Song::new(SongId::new("a").unwrap());
        assert!(song.set("playlist", Value::Text("p".into())));
        assert!(!song.set("plays", Value::Integer(3)));
        assert!(!song.set("id", Value::Text("b".into())));
        assert_eq!(song.get("playlist"), Some(Value::Text("p".into())));
        assert_eq!(song.get("id"), Some(Value::Text("a".into())));
        assert_eq!(SongId::new(""), None);
    }
}
