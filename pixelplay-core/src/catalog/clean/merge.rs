//! Merges rows of the same song as they are read.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::report::CleanReport;
use super::spool::Spool;
use super::unit_scale::{UnitCells, UnitScaleStats, UnitScales, note_on_unit};
use crate::catalog::CatalogError;
use crate::catalog::digest::{Digest, digest};
use crate::catalog::table::Row;
use crate::recording;
use crate::song::Song;

/// The column that collects the genres of a song and its repeats, such as `pop; rock`.
pub(super) const GENRES: &str = "genres";

/// The songs read so far. Memory grows with the number of distinct songs, not with the number of
/// rows.
///
/// A song is stored when its first row is read. Values from its repeats are kept separately, so the
/// songs need not be in memory.
pub(super) struct Songs {
    rows: Rows,
    by_recording: bool,
    /// Maps ids and recordings to songs.
    known: HashMap<Digest, u32>,
    /// The names of the first rows, to recognise a repeat with another name.
    names: Vec<Digest>,
    more: BTreeMap<u32, More>,
    seen_genres: HashSet<Digest>,
    extra: BTreeSet<String>,
    /// An estimate of the memory used by these fields.
    pub(super) bytes: usize,
}

/// Where the first rows are stored until all rows have been read.
enum Rows {
    Memory(Vec<Song>),
    File(Spool),
}

/// The values that a song's repeats add to its first row, or that differ from it.
struct More {
    /// For each cell, the first value among the repeats.
    cells: Song,
    /// The first value of each feature that is valid on the 0-1 scale.
    on_unit: UnitCells,
    /// The genres of the repeats, without duplicates.
    genres: Vec<String>,
}

/// The memory that a song takes, not counting its text.
const SONG_BYTES: usize = size_of::<Song>() + 64;
/// The memory for identifying a song: its keys, including the free space of the hash table, and its
/// name.
const KEYS_BYTES: usize = 5 * size_of::<(Digest, u32)>() + size_of::<Digest>();
/// The memory that a cell of an unknown column takes, not counting its text: two heap-allocated
/// strings in a tree.
const EXTRA_BYTES: usize = 2 * size_of::<String>() + 96;

impl Songs {
    /// Keeps songs in memory. With `by_recording`, rows of the same recording are merged into one
    /// song, even if their ids differ.
    pub(super) fn in_memory(by_recording: bool) -> Self {
        Self::new(Rows::Memory(Vec::new()), by_recording)
    }

    /// Keeps songs in an unnamed file in `folder`, which is deleted with them.
    pub(super) fn in_file(folder: &Path, by_recording: bool) -> Result<Self, CatalogError> {
        Ok(Self::new(Rows::File(Spool::create(folder)?), by_recording))
    }

    fn new(rows: Rows, by_recording: bool) -> Self {
        Self {
            rows,
            by_recording,
            known: HashMap::new(),
            names: Vec::new(),
            more: BTreeMap::new(),
            seen_genres: HashSet::new(),
            extra: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// Adds the song of a row, or merges the row into an earlier song if it is a repeat.
    pub(super) fn add(
        &mut self,
        from: &Row,
        row: Song,
        report: &mut CleanReport,
    ) -> Result<(), CatalogError> {
        let id = key("id", &[row.id.as_str()]);
        if let Some(&at) = self.known.get(&id) {
            report.merged.add(from.line);
            let is_same = self.names[at as usize] == name(&row)
                || self
                    .recording(&row)
                    .is_some_and(|recording| self.known.get(&recording) == Some(&at));
            if !is_same {
                report.conflicting.add(from.line);
            }
            self.merge(at, from, row);
            return Ok(());
        }
        let at = u32::try_from(self.names.len()).map_err(|_| CatalogError::TooManySongs)?;
        if let Some(recording) = self.recording(&row) {
            match self.known.entry(recording) {
                Entry::Vacant(place) => {
                    place.insert(at);
                }
                Entry::Occupied(place) => {
                    let at = *place.get();
                    report.same_recording.add(from.line);
                    self.known.insert(id, at);
                    self.bytes += KEYS_BYTES;
                    self.merge(at, from, row);
                    return Ok(());
                }
            }
        }
        self.known.insert(id, at);
        self.names.push(name(&row));
        self.note_extra(&row);
        self.bytes += KEYS_BYTES;
        match &mut self.rows {
            Rows::Memory(songs) => {
                self.bytes += song_bytes(from, &row);
                songs.push(row);
            }
            Rows::File(spool) => spool.push(&row)?,
        }
        Ok(())
    }

    /// Returns the key of a row's recording, if recordings are merged and the row has title and
    /// artist.
    fn recording(&self, row: &Song) -> Option<Digest> {
        let (title, artist) = (row.title.as_ref()?, row.artist.as_ref()?);
        let recording = self.by_recording.then(|| recording::key(title, artist))??;
        Some(key("recording", &[&recording]))
    }

    /// Stores the values that a repeat adds to the song at `at`.
    fn merge(&mut self, at: u32, from: &Row, mut row: Song) {
        self.note_extra(&row);
        let more = self.more.entry(at).or_insert_with(|| {
            self.bytes += SONG_BYTES;
            More {
                cells: Song::new(row.id.clone()),
                on_unit: UnitCells::default(),
                genres: Vec::new(),
            }
        });
        note_on_unit(&mut more.on_unit, &mut row);
        if let Some(genre) = &row.genre
            && self.seen_genres.insert(key("genre", &[&at.to_string(), genre]))
        {
            self.bytes += 2 * (EXTRA_BYTES + genre.len());
            more.genres.push(genre.clone());
        }
        let before = more.cells.extra.len();
        let is_first = more.cells.title.is_none();
        more.cells.fill_gaps(row);
        let added = more.cells.extra.len() - before;
        if is_first || added > 0 {
            self.bytes += from.text_len() + added * EXTRA_BYTES;
        }
    }

    fn note_extra(&mut self, row: &Song) {
        for name in row.extra.keys() {
            if !self.extra.contains(name) {
                self.extra.insert(name.clone());
            }
        }
    }

    /// Finishes reading and returns the songs.
    pub(super) fn finish(mut self, scales: UnitScaleStats, report: &mut CleanReport) -> Merged {
        report.kept = self.names.len() as u64;
        if self.more.values().any(|more| !more.genres.is_empty()) {
            self.extra.insert(GENRES.to_owned());
        }
        Merged {
            count: self.names.len(),
            extra: self.extra,
            rows: self.rows,
            more: self.more,
            scales: scales.infer(report),
        }
    }
}

/// Songs in the order of their first rows. Each song is completed from its repeats when it is taken
/// out.
pub(crate) struct Merged {
    /// The number of songs.
    pub(crate) count: usize,
    /// The unknown columns in which any song has a cell.
    pub(crate) extra: BTreeSet<String>,
    rows: Rows,
    more: BTreeMap<u32, More>,
    scales: UnitScales,
}

impl Merged {
    /// Returns all songs at once.
    pub(crate) fn into_vec(self) -> Result<Vec<Song>, CatalogError> {
        let mut all = Vec::with_capacity(self.count);
        for song in self.songs()? {
            all.push(song?);
        }
        Ok(all)
    }

    /// Returns the songs one by one, freeing memory along the way.
    pub(crate) fn songs(
        self,
    ) -> Result<impl Iterator<Item = Result<Song, CatalogError>>, CatalogError> {
        let Self { rows, mut more, scales, .. } = self;
        let rows: Box<dyn Iterator<Item = Result<Song, CatalogError>>> = match rows {
            Rows::Memory(songs) => Box::new(songs.into_iter().map(Ok)),
            Rows::File(spool) => Box::new(spool.read()?),
        };
        Ok((0..).zip(rows).map(move |(at, song)| {
            let mut song = song?;
            complete(&mut song, more.remove(&at), &scales);
            Ok(song)
        }))
    }
}

/// Fills empty cells from the repeats, and scales features to 0-1.
fn complete(song: &mut Song, more: Option<More>, scales: &UnitScales) {
    let mut on_unit = UnitCells::default();
    if let Some(More { cells, on_unit: values, mut genres }) = more {
        on_unit = values;
        if let Some(own) = &song.genre {
            genres.retain(|genre| genre != own);
            genres.insert(0, own.clone());
        }
        song.fill_gaps(cells);
        if genres.len() > 1 {
            let all = || genres.join("; ");
            song.extra.entry(GENRES.to_owned()).or_insert_with(all);
        }
    }
    scales.rescale(song, &on_unit);
}

fn song_bytes(from: &Row, song: &Song) -> usize {
    SONG_BYTES + from.text_len() + song.extra.len() * EXTRA_BYTES
}

fn name(song: &Song) -> Digest {
    let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
    key("name", &[&text(&song.title), &text(&song.artist)])
}

fn key(kind: &str, parts: &[&str]) -> Digest {
    let parts = parts.iter().map(|part| part.as_bytes());
    digest([kind.as_bytes()].into_iter().chain(parts))
}
