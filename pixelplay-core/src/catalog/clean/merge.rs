//! Rows that are the same song, made one as they come.

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

/// The column in which the genres of a song's repeats are collected, `pop; rock`.
pub(super) const GENRES: &str = "genres";

/// The songs so far. Memory follows the distinct songs, not the rows.
///
/// A song is put away when its first row comes, and what its repeats know more is kept apart, so
/// that the songs need not be in memory.
pub(super) struct Songs {
    rows: Rows,
    by_recording: bool,
    /// Which song an id or a recording is.
    known: HashMap<Digest, u32>,
    /// What the first rows are called, to tell a repeat of another name.
    names: Vec<Digest>,
    more: BTreeMap<u32, More>,
    seen_genres: HashSet<Digest>,
    extra: BTreeSet<String>,
    /// About how much memory all this takes.
    pub(super) bytes: usize,
}

/// Where the first rows wait until all have been read.
enum Rows {
    Memory(Vec<Song>),
    File(Spool),
}

/// What the repeats of a song know more than its first row, or otherwise.
struct More {
    /// The first of them that knows a cell.
    cells: Song,
    /// The first value of each feature that is possible on 0-1.
    on_unit: UnitCells,
    /// The genres of the repeats, each once.
    genres: Vec<String>,
}

/// What a song takes without its text.
const SONG_BYTES: usize = size_of::<Song>() + 64;
/// What telling a song from others takes: its keys, with the room that a table leaves free, and its
/// name.
const KEYS_BYTES: usize = 5 * size_of::<(Digest, u32)>() + size_of::<Digest>();
/// What a cell of an unknown column takes without its text: two strings on the heap, in a tree.
const EXTRA_BYTES: usize = 2 * size_of::<String>() + 96;

impl Songs {
    /// Songs that stay in memory; rows of one recording are one song where `by_recording` says so,
    /// and not only those of one id.
    pub(super) fn in_memory(by_recording: bool) -> Self {
        Self::new(Rows::Memory(Vec::new()), by_recording)
    }

    /// Songs that wait in a file in `folder`, which nobody sees and which goes with them.
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

    /// Adds the song of a row, or what it knows more than an earlier row of the same song.
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

    /// The key of the recording of a row, where recordings are asked for and it tells.
    fn recording(&self, row: &Song) -> Option<Digest> {
        let (title, artist) = (row.title.as_ref()?, row.artist.as_ref()?);
        let recording = self.by_recording.then(|| recording::key(title, artist))??;
        Some(key("recording", &[&recording]))
    }

    /// Keeps what a repeat of the song at `at` knows more.
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

    /// All rows were read: the songs can be had.
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

/// Songs in the order of their first rows, each to be completed when it is taken out.
pub(crate) struct Merged {
    /// How many there are.
    pub(crate) count: usize,
    /// The unknown columns that may have a cell.
    pub(crate) extra: BTreeSet<String>,
    rows: Rows,
    more: BTreeMap<u32, More>,
    scales: UnitScales,
}

impl Merged {
    /// All songs at once.
    pub(crate) fn into_vec(self) -> Result<Vec<Song>, CatalogError> {
        let mut all = Vec::with_capacity(self.count);
        for song in self.songs()? {
            all.push(song?);
        }
        Ok(all)
    }

    /// The songs, one by one; memory is given back on the way.
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

/// Adds what the repeats know, and brings features to 0-1.
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
