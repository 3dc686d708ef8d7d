//! Builds an index from vectors made by another program, such as clip-retrieval, and a table of
//! their songs.

mod npy;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CatalogError;
use super::clean::{CleanReport, read_aligned};
use super::table::{CleanOptions, Input, refuse_same_file};
use crate::embedding::Fingerprint;
use crate::index::{SongIndexError, SongIndexWriter, WriterOptions};
use crate::progress::Progress;
use crate::song::{COLUMNS, Song, SongId};
use npy::Npy;

/// The names of the vector folders that clip-retrieval writes.
const EMBEDDING_FOLDERS: [&str; 2] = ["img_emb", "text_emb"];

/// Options for building an index from vectors.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The space of the vectors, if it is known: the
    /// [`fingerprint`](crate::index::SongIndex::fingerprint) of an index or an encoder with
    /// comparable vectors.
    pub fingerprint: Option<Fingerprint>,
    /// Whether to scale each vector to length 1. Otherwise a vector of any other length is
    /// rejected.
    pub normalize: bool,
    /// How to read the table.
    pub table: CleanOptions,
    /// See [`WriterOptions::batch_rows`].
    pub batch_rows: usize,
}

impl Default for ImportOptions {
    /// The defaults: an unknown space, vectors of length 1, and the default options of the table
    /// and the writer.
    fn default() -> Self {
        Self {
            fingerprint: None,
            normalize: false,
            table: CleanOptions::default(),
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}

/// The report of [`import`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// The number of songs written.
    pub songs: usize,
    /// The number of dimensions of their vectors.
    pub dim: usize,
    /// The files that the vectors were read from, in order.
    pub files: Vec<PathBuf>,
    /// The report of the table, if there was one.
    pub table: Option<CleanReport>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "{table}")?;
        }
        writeln!(
            f,
            "{} songs written, with vectors of {} dimensions from {} file{}",
            self.songs,
            self.dim,
            self.files.len(),
            if self.files.len() == 1 { "" } else { "s" }
        )
    }
}

/// Writes an index to `out` from vectors in NumPy files and, optionally, a table of their songs.
///
/// * **Vectors**: a `.npy` file of shape `(songs, dim)`, float16, float32 or float64, in C order;
///   or a folder of such files, ordered by the number in their names (`img_emb_2.npy` before
///   `img_emb_10.npy`); or a folder written by clip-retrieval that contains `img_emb` or
///   `text_emb`.
/// * **Table**: CSV or TSV, plain or gzipped. Its first row below the header belongs to the first
///   vector, and so on. Columns are recognised as in [`SongTable::clean`], and invalid cells are
///   emptied and counted, but no row is dropped or merged. Title and artist may be missing.
///   Parquet, which clip-retrieval writes, is not read:
///   `pandas.read_parquet("metadata_0.parquet").to_csv("metadata.csv", index=False)` converts it to
///   such a table.
/// * **Ids**: those of the table; without a table, or without an id column in it, row numbers from
///   0.
///
/// The import makes one pass over the vectors and keeps about one batch of them in memory. The
/// table is kept in memory as well, at about 1 KB per row.
///
/// ```
/// use pixelplay_core::SongIndex;
/// use pixelplay_core::catalog::{ImportOptions, import};
///
/// # let folder = tempfile::tempdir()?;
/// # let (vectors, table) = (folder.path().join("vectors.npy"), folder.path().join("songs.csv"));
/// # let out = folder.path().join("songs.arrow");
/// # let mut npy = b"\x93NUMPY\x01\x00\x3b\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".to_vec();
/// # npy.extend([3.0_f32, 4.0, 1.0, 0.0].iter().flat_map(|v| v.to_le_bytes()));
/// # std::fs::write(&vectors, npy)?;
/// std::fs::write(&table, "id,title\na,Storm\nb,Dawn\n")?;
/// let options = ImportOptions { normalize: true, ..ImportOptions::default() };
/// import(&vectors, Some(table.as_path()), &out, &options, &mut ())?;
/// let index = SongIndex::open(&out)?;
/// assert_eq!((index.id(0), index.vector(0)), ("a", [0.6, 0.8].as_slice()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Nothing is written if an error occurs. Returns [`CatalogError::BadVectors`] for a file that does
/// not contain such an array; [`CatalogError::RowsDiffer`] if the table has more or fewer rows than
/// there are vectors; [`CatalogError::BadRow`] for a row of the table that cannot be read or whose
/// id is a duplicate; [`SongIndexError::BadVector`], with the row from 0, for a vector that is not
/// finite, all zeros, or not of length 1; and the errors of [`SongTable::clean`] and
/// [`SongIndexWriter`].
///
/// [`SongTable::clean`]: super::SongTable::clean
pub fn import(
    vectors: impl AsRef<Path>,
    table: Option<&Path>,
    out: impl AsRef<Path>,
    options: &ImportOptions,
    progress: &mut dyn Progress,
) -> Result<ImportReport, CatalogError> {
    let (vectors, out) = (vectors.as_ref(), out.as_ref());
    let paths = vector_files(vectors)?;
    for path in &paths {
        refuse_same_file(path, out)?;
    }
    let mut files = paths
        .iter()
        .map(|path| Ok((path.clone(), Npy::open(path)?)))
        .collect::<Result<Vec<_>, CatalogError>>()?;
    let dim = files.first().map_or(0, |(_, file)| file.dim);
    if let Some((path, file)) = files.iter().find(|(_, file)| file.dim != dim) {
        return Err(CatalogError::BadVectors {
            path: path.clone(),
            what: format!(
                "its vectors have {} dimensions, but those of the first file have {dim}",
                file.dim
            ),
        });
    }
    let rows = files.iter().fold(0_usize, |sum, (_, file)| sum.saturating_add(file.rows));

    let (songs, report) = match table {
        None => (None, None),
        Some(table) => {
            refuse_same_file(table, out)?;
            let cleaned = read_aligned(Input::open(table)?, &options.table, progress)?;
            let (songs, report) = (cleaned.songs, cleaned.report);
            if songs.len() != rows {
                return Err(CatalogError::RowsDiffer {
                    table: table.to_owned(),
                    rows: songs.len(),
                    vectors: rows,
                });
            }
            (Some(songs), Some(report))
        }
    };

    let all = songs.iter().flatten();
    let extra: BTreeSet<&String> = all.flat_map(|song| song.extra.keys()).collect();
    let known = COLUMNS.iter().map(|&(name, _)| name.to_owned());
    let writer_options = WriterOptions {
        fingerprint: options.fingerprint.clone(),
        normalize: options.normalize,
        batch_rows: options.batch_rows,
        columns: known.chain(extra.into_iter().cloned()).collect(),
        ..WriterOptions::new(dim)
    };
    let mut writer = SongIndexWriter::create(out, writer_options)?;
    let mut songs = songs.map(Vec::into_iter);
    let mut vector = Vec::with_capacity(dim);
    for (_, file) in &mut files {
        for _ in 0..file.rows {
            let row = writer.len();
            if row.is_multiple_of(1024) {
                progress.at("importing vectors", row as u64, Some(rows as u64))?;
            }
            file.read_row(&mut vector)?;
            let song = match &mut songs {
                Some(songs) => songs.next(),
                None => SongId::new(row.to_string()).map(Song::new),
            };
            // The table has as many songs as there are vectors, as checked above.
            if let Some(song) = song {
                writer.push(&song, &vector)?;
            }
        }
    }
    let songs = writer.len();
    progress.at("importing vectors", songs as u64, Some(rows as u64))?;
    writer.finish()?;
    Ok(ImportReport {
        songs,
        dim,
        files: files.into_iter().map(|(path, _)| path).collect(),
        table: report,
    })
}

/// Returns the NumPy files at a path, in order.
fn vector_files(path: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let metadata = fs::metadata(path).map_err(SongIndexError::io("read", path))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = npy_files(path)?;
    if !files.is_empty() {
        return Ok(files);
    }
    let inner: Vec<_> =
        EMBEDDING_FOLDERS.into_iter().filter(|name| path.join(name).is_dir()).collect();
    let what = match inner.as_slice() {
        [one] => {
            let files = npy_files(&path.join(one))?;
            if !files.is_empty() {
                return Ok(files);
            }
            format!("its folder {one} has no .npy file")
        }
        [] => "the folder has no .npy file".to_owned(),
        both => format!("it has the folders {}; name one of them", both.join(" and ")),
    };
    Err(CatalogError::BadVectors { path: path.to_owned(), what })
}

/// Returns the `.npy` files of a folder. Files `..._0.npy` to `..._10.npy` are ordered by number,
/// others by name.
fn npy_files(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(SongIndexError::io("read", folder))? {
        let path = entry.map_err(SongIndexError::io("read", folder))?.path();
        if path.extension().is_some_and(|ending| ending == "npy") {
            files.push(path);
        }
    }
    files.sort_by_cached_key(|path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: Option<u64> = stem[name.len()..].parse().ok();
        (name.to_owned(), number, stem)
    });
    Ok(files)
}
