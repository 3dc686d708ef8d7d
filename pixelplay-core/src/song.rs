//! A song and the columns it is made of.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a song within one catalogue: any text that is not empty.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SongId(Arc<str>);

impl SongId {
    /// Names a song, or returns `None` for an empty name.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Option<Self> {
        let id = id.as_ref();
        (!id.is_empty()).then(|| Self(id.into()))
    }

    /// The name itself.
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

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number.
    Integer,
    /// A finite real number.
    Real,
    /// Yes or no.
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
    /// What kind of column this value belongs in.
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

/// The columns stand in this one list: the struct, [`COLUMNS`], [`Song::get`] and [`Song::set`]
/// follow from it.
macro_rules! song {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident($type:ty),)+) => {
        /// A song. Whatever is not known is `None`.
        ///
        /// Audio features are as Spotify defines them: 0 to 1 unless a unit is given.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Song {
            /// Its name in the catalogue, unique there.
            pub id: SongId,
            $($(#[doc = $doc])+ pub $name: Option<$type>,)+
            /// Columns that PixelPlay does not know, carried along as text.
            pub extra: BTreeMap<String, String>,
        }

        /// The known columns beside `id`, in the order in which they are written.
        pub const COLUMNS: &[(&str, Kind)] = &[$((stringify!($name), Kind::$kind),)+];

        impl Song {
            /// A song of which nothing but the name is known.
            #[must_use]
            pub fn new(id: SongId) -> Self {
                Self { id, $($name: None,)+ extra: BTreeMap::new() }
            }

            /// The cell in a column: `id`, a known column, or one of [`Song::extra`].
            #[must_use]
            pub fn get(&self, column: &str) -> Option<Value> {
                match column {
                    "id" => Some(Value::Text(self.id.as_str().to_owned())),
                    $(stringify!($name) => self.$name.clone().map(Value::$kind),)+
                    _ => self.extra.get(column).cloned().map(Value::Text),
                }
            }

            /// Fills a cell of a known column, or puts text into [`Song::extra`].
            ///
            /// Returns `false`, and changes nothing, where the value is not of the column's kind,
            /// or the column is `id`.
            pub fn set(&mut self, column: &str, value: Value) -> bool {
                match (column, value) {
                    ("id", _) => false,
                    $((stringify!($name), Value::$kind(value)) => { self.$name = Some(value); true })+
                    $((stringify!($name), _) => false,)+
                    (_, Value::Text(value)) => { self.extra.insert(column.to_owned(), value); true }
                    _ => false,
                }
            }

            /// Fills what is not known here from another row of the same song.
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
    /// How long it lasts, in milliseconds.
    duration_ms: Integer(i64),
    /// Whether the words are explicit.
    explicit: Flag(bool),
    /// How intense and active it is.
    energy: Real(f64),
    /// How positive it sounds.
    valence: Real(f64),
    /// How well one can dance to it.
    danceability: Real(f64),
    /// How sure it is that the song is acoustic.
    acousticness: Real(f64),
    /// How sure it is that nobody sings.
    instrumentalness: Real(f64),
    /// How sure it is that an audience is present.
    liveness: Real(f64),
    /// How much of it is spoken words.
    speechiness: Real(f64),
    /// Beats a minute.
    tempo: Real(f64),
    /// Average loudness in dB, usually -60 to 0.
    loudness: Real(f64),
    /// The key as a pitch class: 0 is C, 11 is B.
    key: Integer(i64),
    /// 1 for major, 0 for minor.
    mode: Integer(i64),
    /// Where a picture of the cover is.
    artwork_url: Text(String),
    /// Where a short piece can be heard.
    preview_url: Text(String),
    /// Where the whole song can be found.
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
