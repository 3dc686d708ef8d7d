//! Writes songs as a table.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::catalog::CatalogError;
use crate::index::SongIndexError;
use crate::index::publish::Draft;
use crate::song::{COLUMNS, Song, Value};

/// Writes songs as CSV: `id`, every known column, and the extra columns of all songs, sorted by
/// name.
///
/// The file is UTF-8 and comma-separated, with `\n` line endings. [`SongTable::clean`] reads back
/// the same songs if they came from it. An existing file at `out` is replaced only when everything
/// has been written.
///
/// [`SongTable::clean`]: crate::catalog::SongTable::clean
///
/// # Errors
/// Returns [`CatalogError::Index`] if the file cannot be written.
pub fn write_csv(songs: &[Song], out: impl AsRef<Path>) -> Result<(), CatalogError> {
    let out = out.as_ref();
    let mut draft = Draft::create(out)?;
    let extra = songs.iter().flat_map(|song| song.extra.keys().cloned()).collect();
    write(songs.iter(), &extra, BufWriter::new(&mut draft))
        .map_err(SongIndexError::io("write", out))?;
    Ok(draft.publish()?)
}

/// Writes songs to a draft as they arrive, including the `extra` columns.
pub(crate) fn write_to(
    mut draft: Draft,
    songs: impl Iterator<Item = Result<Song, CatalogError>>,
    extra: &BTreeSet<String>,
    out: &Path,
) -> Result<(), CatalogError> {
    let mut failed = None;
    let songs = songs.map_while(|song| song.map_err(|error| failed = Some(error)).ok());
    write(songs, extra, BufWriter::new(&mut draft)).map_err(SongIndexError::io("write", out))?;
    match failed {
        Some(error) => Err(error),
        None => Ok(draft.publish()?),
    }
}

fn write(
    songs: impl Iterator<Item = impl Borrow<Song>>,
    extra: &BTreeSet<String>,
    out: impl Write,
) -> std::io::Result<()> {
    let known = COLUMNS.iter().map(|&(name, _)| name);
    let extra = extra.iter().map(String::as_str);
    let columns: Vec<_> = std::iter::once("id").chain(known).chain(extra).collect();
    let mut table = csv::Writer::from_writer(out);
    table.write_record(&columns)?;
    for song in songs {
        for column in &columns {
            let cell = match song.borrow().get(column) {
                None => String::new(),
                Some(Value::Text(text)) => text,
                Some(Value::Integer(number)) => number.to_string(),
                Some(Value::Real(number)) => number.to_string(),
                Some(Value::Flag(flag)) => flag.to_string(),
            };
            table.write_field(cell)?;
        }
        table.write_record(None::<&[u8]>)?;
    }
    table.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;

    #[test]
    fn known_columns_are_always_there_and_extra_ones_where_a_song_has_them() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Rain, again".into());
        song.energy = Some(0.1);
        song.explicit = Some(true);
        let mut other = Song::new(SongId::new("b").unwrap());
        other.extra.insert("label".into(), "Blue".into());
        let mut out = Vec::new();
        let extra = BTreeSet::from(["label".to_owned()]);
        write([song, other].iter(), &extra, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].starts_with("id,title,artist,") && lines[0].ends_with(",description,label")
        );
        assert!(lines[1].starts_with("a,\"Rain, again\",,,,,,,true,0.1,"));
        assert!(lines[2].ends_with(",Blue"));
        assert_eq!(lines.len(), 3);
    }
}
