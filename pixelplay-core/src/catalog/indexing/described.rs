//! A song and what it is described by.

use super::options::BuildOptions;
use crate::catalog::CatalogError;
use crate::catalog::describe::lines;
use crate::song::Song;

/// A song with the sentences it is described by.
pub(super) struct Described {
    pub(super) song: Song,
    pub(super) sentences: Vec<String>,
}

impl Described {
    pub(super) fn new(song: Song, options: &BuildOptions) -> Result<Self, CatalogError> {
        let sentences = description(&song, options)?;
        Ok(Self { song, sentences })
    }
}

fn description(song: &Song, options: &BuildOptions) -> Result<Vec<String>, CatalogError> {
    let mut sentences: Vec<_> = lines(song.description.as_deref().unwrap_or_default()).collect();
    if sentences.is_empty() {
        sentences = options.describer.sentences(song)?;
    }
    if options.names
        && let (Some(title), Some(artist)) = (&song.title, &song.artist)
    {
        sentences.push(format!("{title} by {artist}"));
    }
    Ok(sentences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Templates, describe};
    use crate::song::SongId;

    #[test]
    fn own_descriptions_go_before_templates_and_names_come_when_asked() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Rain".into());
        song.artist = Some("Ana".into());
        song.energy = Some(0.5);
        let mut options = BuildOptions::default();
        let templated = description(&song, &options).unwrap();
        assert_eq!(templated, describe(&song, &Templates::default()));
        song.description = Some(" \n".into());
        assert_eq!(description(&song, &options).unwrap(), templated);
        song.description = Some("rain on a window\n\n a dark street ".into());
        assert_eq!(description(&song, &options).unwrap(), ["rain on a window", "a dark street"]);
        options.names = true;
        assert_eq!(description(&song, &options).unwrap()[2], "Rain by Ana");
    }
}
