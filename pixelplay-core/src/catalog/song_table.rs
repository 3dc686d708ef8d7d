//! The entry point of the catalogue: a table of songs, and the methods that read it or build from
//! it.

use std::fmt;
use std::io::Read;
use std::path::Path;

#[cfg(feature = "arrow")]
use arrow_array::RecordBatchReader;

use super::CatalogError;
use super::clean::{self, CleanReport, Cleaned};
#[cfg(feature = "encoder")]
use super::indexing::{self, BuildOptions, BuildReport};
use super::table::{CleanOptions, Input, write_to};
#[cfg(feature = "encoder")]
use crate::embedding::same_space;
#[cfg(feature = "encoder")]
use crate::encoder::Encoder;
use crate::index::publish::{Draft, folder_of};
#[cfg(feature = "encoder")]
use crate::index::{EditReport, SongIndexEditor};
use crate::progress::Progress;

/// A published table of songs, opened but not yet read.
///
/// Open it with [`open`](Self::open), [`from_reader`](Self::from_reader) or, with the feature
/// `arrow`, `from_batches`. Then set options if the table needs them. One of these methods reads
/// the table, once:
///
/// * [`clean`](Self::clean): songs;
/// * [`read_aligned`](Self::read_aligned): one song per row;
/// * [`write_csv`](Self::write_csv): a cleaned table;
/// * `build_index` (feature `encoder`): an index;
/// * `add_to` (feature `encoder`): more songs in an existing index.
///
#[cfg_attr(feature = "mini", doc = "```")]
#[cfg_attr(not(feature = "mini"), doc = "```ignore")]
/// use pixelplay_core::Encoder;
/// use pixelplay_core::catalog::SongTable;
///
/// # let folder = tempfile::tempdir()?;
/// # let (table, index) = (folder.path().join("songs.csv"), folder.path().join("songs.arrow"));
/// # std::fs::write(&table, "Werk,artist,energy\nDawn,Ana,0.2\nStorm,Ben,0.9\n")?;
/// let encoder = Encoder::mini()?;
/// let (cleaned, built) = SongTable::open(&table)?
///     .columns([("title", "Werk")])
///     .build_index(&encoder, &index, &mut ())?;
/// assert_eq!((cleaned.kept, built.songs), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # How a table is read
/// * **The file** may be gzipped. It may be in UTF-8, Windows-1252 or a mixture of both, or, with a
///   byte order mark, in UTF-16. Any line endings are accepted. A first line `sep=;` names the
///   delimiter, as in Excel.
/// * **Columns** are recognised by their headers, ignoring case and separators. Known headers are
///   those of the public Spotify tables and plain ones (`id`, `title` or `name`, `artist`, ...).
///   Unknown columns go into [`Song::extra`]. Without an id column, each id is derived from artist
///   and title, so it is the same every time.
/// * **Rows** without an id, title or artist are dropped, and so are rows with more or fewer cells
///   than the header. Blank cells beyond the header are ignored.
/// * **Missing** cells are empty or contain `NA`, `N/A`, `NaN`, `null`, `None`, `-` or the like. In
///   text columns only the spellings that programs write count as missing, so a song may be called
///   `Na`, `none` or `-`. A song called `NA` or `None` cannot be distinguished from a missing
///   title, so its row is dropped.
/// * **Numbers** may have a decimal comma, thousands separators and a percent sign. Durations may
///   have the form `3:45` or be in another unit that the header names, and a year may be part of a
///   date. A column of 0-1 features is divided by 100 if its values range from 0 to 100, or if its
///   header contains `%`.
/// * **Invalid** cells, such as text instead of a number or an energy of 3, are emptied.
/// * **Repeats** are rows with the id of an earlier row, or of the same recording under another id
///   (see [`CleanOptions::merge_recordings`]). They fill the empty cells of the first row. If they
///   have other genres, the song keeps the first one as `genre` and gets all of them in the extra
///   column `genres`, as in `pop; rock`. A song with one cell that lists several genres is treated
///   in the same way.
///
/// Each of these cases is counted in the [`CleanReport`], with line numbers.
///
/// Rows are merged as they are read, so memory grows with the number of distinct songs, not with
/// the number of rows or the size of the file. A million songs take about 0.7 GB, and 1.5 GB with
/// five unknown columns.
///
/// [`Song::extra`]: crate::song::Song::extra
#[must_use = "a table does nothing until it is read"]
pub struct SongTable<'a> {
    input: Input<'a>,
    options: CleanOptions,
    #[cfg(feature = "encoder")]
    build_options: Option<BuildOptions>,
}

impl SongTable<'static> {
    /// Opens a CSV or TSV file, plain or gzipped. Nothing is read yet.
    ///
    /// # Errors
    /// Returns [`CatalogError::Read`] if the file does not exist, and [`CatalogError::NotAFile`]
    /// for a folder, a pipe or a device.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CatalogError> {
        Ok(Self::new(Input::open(path.as_ref())?))
    }
}

impl<'a> SongTable<'a> {
    /// Creates a table from a reader. Errors and the report call it `name`.
    ///
    /// ```
    /// use pixelplay_core::catalog::SongTable;
    ///
    /// let csv = "track_id,track_name,artist,energy\n1,Holiday,Ana,0.9\n2,NA,Ben,0\n3,Rain,Cem,7\n";
    /// let cleaned = SongTable::from_reader(csv.as_bytes(), "songs.csv").clean(&mut ())?;
    /// assert_eq!(cleaned.songs[0].title.as_deref(), Some("Holiday"));
    /// assert_eq!(cleaned.songs[1].energy, None); // 7 is not a valid energy
    /// assert_eq!((cleaned.report.rows_read, cleaned.report.kept), (3, 2));
    /// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
    /// ```
    pub fn from_reader(reader: impl Read + 'a, name: impl AsRef<Path>) -> Self {
        Self::new(Input::from_reader(reader, name.as_ref()))
    }

    /// Creates a table from Arrow record batches, which are read as if they had been saved as CSV.
    /// Errors and the report call it `name`.
    ///
    /// Numbers are read exactly, dates as ISO 8601 (in UTC), dictionaries as their values, and
    /// lists of texts as several names; nulls are missing cells. Columns of vectors, structures and
    /// raw bytes are left out and reported as [`ignored`](CleanReport::ignored), because a song
    /// cannot have them. Line `n` of a report is row `n - 2`, counted from 0, as long as no text
    /// has line breaks.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{Float32Array, RecordBatch, RecordBatchIterator, StringArray};
    /// use pixelplay_core::catalog::SongTable;
    ///
    /// let batch = RecordBatch::try_from_iter([
    ///     ("track_name", Arc::new(StringArray::from(vec!["Dawn", "Rain"])) as _),
    ///     ("artists", Arc::new(StringArray::from(vec!["Ana", "Ben"])) as _),
    ///     ("energy", Arc::new(Float32Array::from(vec![Some(0.2), None])) as _),
    /// ])?;
    /// let batches = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    /// let cleaned = SongTable::from_batches(batches, "a table").clean(&mut ())?;
    /// assert_eq!(cleaned.songs[0].energy, Some(0.2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "arrow")]
    pub fn from_batches(batches: impl RecordBatchReader + 'a, name: impl AsRef<Path>) -> Self {
        Self::new(Input::from_batches(batches, name.as_ref()))
    }

    fn new(input: Input<'a>) -> Self {
        Self {
            input,
            options: CleanOptions::default(),
            #[cfg(feature = "encoder")]
            build_options: None,
        }
    }

    /// Maps columns of a song to headers that are not recognised by name, as in
    /// `[("title", "Werk")]`; see [`CleanOptions::columns`].
    pub fn columns<C, H>(mut self, columns: impl IntoIterator<Item = (C, H)>) -> Self
    where
        C: Into<String>,
        H: Into<String>,
    {
        let columns = columns.into_iter();
        self.options.columns.extend(columns.map(|(column, header)| (column.into(), header.into())));
        self
    }

    /// Sets the delimiter between cells; see [`CleanOptions::delimiter`].
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.options.delimiter = Some(delimiter);
        self
    }

    /// Sets whether rows for the same recording are merged even if their ids differ; see
    /// [`CleanOptions::merge_recordings`].
    pub fn merge_recordings(mut self, merge: bool) -> Self {
        self.options.merge_recordings = merge;
        self
    }

    /// Sets all options for reading the table, including the limits. This replaces columns and a
    /// delimiter that were set before, so call it first.
    pub fn options(mut self, options: CleanOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the options for building an index, used by [`build_index`](Self::build_index) and
    /// [`add_to`](Self::add_to).
    #[cfg(feature = "encoder")]
    pub fn build_options(mut self, options: BuildOptions) -> Self {
        self.build_options = Some(options);
        self
    }

    /// Reads the songs of the table.
    ///
    /// # Errors
    /// Returns an error if this is not a table of songs: if it is unreadable, empty or not text,
    /// has no column for the title or the artist, or exceeds one of the limits in [`CleanOptions`].
    /// Returns [`CatalogError::Cancelled`] if the progress callback asks to stop.
    pub fn clean(self, progress: &mut dyn Progress) -> Result<Cleaned, CatalogError> {
        clean::clean(self.input, &self.options, progress)
    }

    /// Reads one song per row: song `i` comes from row `i`. Use this if something else, such as a
    /// file of vectors, has the same order. Ids come from the id column, or else are row numbers
    /// from 0; no other column is needed. Cells are read as in [`clean`](Self::clean).
    ///
    /// ```
    /// use pixelplay_core::catalog::SongTable;
    ///
    /// let csv = "title,energy\nHoliday,0.9\n,\n,0.2\n";
    /// let table = SongTable::from_reader(csv.as_bytes(), "songs.csv");
    /// let songs = table.read_aligned(&mut ())?.songs;
    /// assert_eq!((songs[2].id.as_str(), songs[2].energy), ("2", Some(0.2)));
    /// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`CatalogError::BadRow`] for a row that cannot be read or whose id is a duplicate;
    /// also returns the errors of [`clean`](Self::clean).
    pub fn read_aligned(self, progress: &mut dyn Progress) -> Result<Cleaned, CatalogError> {
        clean::read_aligned(self.input, &self.options, progress)
    }

    /// Cleans the table and writes it to `out`: [`clean`](Self::clean) and
    /// [`write_csv`](super::write_csv) in one call.
    ///
    /// # Errors
    /// Returns the errors of both, [`CatalogError::Spool`], and [`CatalogError::OutIsTable`] if the
    /// cleaned table would replace the original.
    pub fn write_csv(
        self,
        out: impl AsRef<Path>,
        progress: &mut dyn Progress,
    ) -> Result<CleanReport, CatalogError> {
        let out = out.as_ref();
        self.input.refuse_as_output(out)?;
        let draft = Draft::create(out)?;
        let (merged, report) =
            clean::clean_spooled(self.input, &self.options, folder_of(out), progress)?;
        let extra = merged.extra.clone();
        write_to(draft, merged.songs()?, &extra, out)?;
        Ok(report)
    }

    /// Cleans the table and writes an index of its songs to `out`, with vectors in the space of
    /// `encoder`: [`clean`](Self::clean) and [`build_index`](super::build_index) in one call.
    /// Returns both reports.
    ///
    /// During the build, the songs are stored in a temporary file next to `out`, at about 300 bytes
    /// each, and not in memory: building an index of a million songs takes less than a gigabyte of
    /// memory.
    ///
    /// # Errors
    /// Returns the errors of both, [`CatalogError::Spool`], and [`CatalogError::OutIsTable`] if the
    /// index would replace the table.
    #[cfg(feature = "encoder")]
    pub fn build_index(
        self,
        encoder: &Encoder,
        out: impl AsRef<Path>,
        progress: &mut dyn Progress,
    ) -> Result<(CleanReport, BuildReport), CatalogError> {
        let out = out.as_ref();
        self.input.refuse_as_output(out)?;
        let options = self.build_options.unwrap_or_default();
        options.words.check()?;
        indexing::check_place(out)?;
        let (merged, cleaned) =
            clean::clean_spooled(self.input, &self.options, folder_of(out), progress)?;
        let built = indexing::build_merged(merged, encoder, out, &options, progress)?;
        Ok((cleaned, built))
    }

    /// Cleans the table and adds its songs to an index: [`clean`](Self::clean),
    /// [`build_index`](super::build_index) and [`SongIndexEditor::add`] in one call. Returns the
    /// three reports.
    ///
    /// The songs are described like [those of the index](crate::index::SongIndex::recipe),
    /// regardless of the [`WordWeights`](super::WordWeights) in the options. An index does not
    /// record which custom describer was used, so pass the same one.
    ///
    /// Other writers of the index wait while the songs are encoded; readers do not. The new songs
    /// are first written to a temporary file in the system's folder for temporary files.
    ///
    /// # Errors
    /// Returns the errors of the three calls. Before anything is encoded, returns
    /// [`CatalogError::Embedding`] if the index is from another encoder,
    /// [`CatalogError::OtherRecipe`] if its songs were described with other templates or by another
    /// version, and [`SongIndexError::KnownIds`] if it already contains songs from the table that
    /// are not to be replaced.
    ///
    /// [`SongIndexError::KnownIds`]: crate::index::SongIndexError::KnownIds
    #[cfg(feature = "encoder")]
    pub fn add_to(
        self,
        editor: SongIndexEditor,
        encoder: &Encoder,
        progress: &mut dyn Progress,
    ) -> Result<(CleanReport, BuildReport, EditReport), CatalogError> {
        let index = editor.index();
        same_space(
            (index.dim(), index.fingerprint()),
            (encoder.dim(), Some(encoder.fingerprint())),
        )?;
        let Cleaned { songs, report } = clean::clean(self.input, &self.options, progress)?;
        editor.known_rows(songs.iter().map(|song| song.id.as_str()))?;
        let options = self.build_options.unwrap_or_default();
        let (built, edited) = indexing::add_songs(&songs, editor, encoder, options, progress)?;
        Ok((report, built, edited))
    }
}

impl fmt::Debug for SongTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SongTable")
            .field("name", &self.input.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
