//! The one way into the catalogue: a table of songs, and what can be made of it.

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

/// A table of songs as people publish it, opened and not read yet.
///
/// It is opened by [`open`](Self::open), [`from_reader`](Self::from_reader) or, with the feature
/// `arrow`, `from_batches`. How it is to be read may be said where it does not tell itself. It is
/// read once, by what is made of it:
///
/// * [`clean`](Self::clean): songs;
/// * [`read_aligned`](Self::read_aligned): a song for every row;
/// * [`write_csv`](Self::write_csv): a table again;
/// * `build_index` (feature `encoder`): an index;
/// * `add_to` (feature `encoder`): more songs in an index that is there.
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
/// * **The file** may be gzipped, in UTF-8, Windows-1252 or a mixture, or, with a byte order mark,
///   in UTF-16; lines may end in any way. A first line `sep=;` names the delimiter, as in Excel.
/// * **Columns** are found by the header, whatever its case and separators, under the names of the
///   public Spotify tables or plain ones (`id`, `title` or `name`, `artist`, ...). Unknown columns
///   go into [`Song::extra`]. A table without an id column gets ids made from artist and title, the
///   same each time.
/// * **Rows** are dropped that have no id, title or artist, or not as many cells as the header;
///   blank cells beyond it do no harm.
/// * **Missing** is what is empty or says `NA`, `N/A`, `NaN`, `null`, `None`, `-` and the like. In
///   text only the spellings of programs count, so that a song may be called `Na`, `none` or `-`;
///   one called `NA` or `None` cannot be told from a missing one, and its row is dropped.
/// * **Numbers** may have a decimal comma, thousands and a percent sign, durations the form `3:45`,
///   or another unit that the header names, and a year may be in a date. A column of 0-1 features
///   that holds 0 to 100 all through, or says `%` in its header, is divided by 100.
/// * **Cells** that cannot be right are emptied: text where a number should be, an energy of 3.
/// * **Repeats**, rows with an id that was there before, or of the same recording under another id
///   (see [`CleanOptions::merge_recordings`]), fill what the first row left empty. Where they bring
///   other genres, the song keeps the first as `genre` and gets all of them, `pop; rock`, in the
///   extra column `genres`; so does a song of which one cell lists several.
///
/// Each of these is counted in the [`CleanReport`], with lines to look at.
///
/// Rows are merged as they are read: memory follows the distinct songs, not the rows or the size of
/// the file. A million songs take about 0.7 GB, and 1.5 GB with five unknown columns.
///
/// [`Song::extra`]: crate::song::Song::extra
#[must_use = "a table does nothing until something is made of it"]
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
    /// [`CatalogError::Read`] where there is no such file, and [`CatalogError::NotAFile`] for a
    /// folder, a pipe or a device.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CatalogError> {
        Ok(Self::new(Input::open(path.as_ref())?))
    }
}

impl<'a> SongTable<'a> {
    /// A table that is no file; `name` is what errors and the report call it.
    ///
    /// ```
    /// use pixelplay_core::catalog::SongTable;
    ///
    /// let csv = "track_id,track_name,artist,energy\n1,Holiday,Ana,0.9\n2,NA,Ben,0\n3,Rain,Cem,7\n";
    /// let cleaned = SongTable::from_reader(csv.as_bytes(), "songs.csv").clean(&mut ())?;
    /// assert_eq!(cleaned.songs[0].title.as_deref(), Some("Holiday"));
    /// assert_eq!(cleaned.songs[1].energy, None); // 7 is no energy
    /// assert_eq!((cleaned.report.rows_read, cleaned.report.kept), (3, 2));
    /// # Ok::<(), pixelplay_core::catalog::CatalogError>(())
    /// ```
    pub fn from_reader(reader: impl Read + 'a, name: impl AsRef<Path>) -> Self {
        Self::new(Input::from_reader(reader, name.as_ref()))
    }

    /// A table in Arrow record batches, read as the CSV that it would be; `name` is what errors and
    /// the report call it.
    ///
    /// Numbers are read exactly, dates by ISO 8601 (in UTC), dictionaries as what they stand for,
    /// lists of texts as several names; what is null is missing. Columns of vectors, structures and
    /// raw bytes, which no song has, are left out and reported as
    /// [`ignored`](CleanReport::ignored). Line `n` of a report is row `n - 2`, counted from 0, as
    /// long as no text has line breaks.
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

    /// Says which header is which column of a song, where the names do not tell:
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

    /// Says what stands between two cells; see [`CleanOptions::delimiter`].
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.options.delimiter = Some(delimiter);
        self
    }

    /// Whether rows of one recording are one song although their ids differ; see
    /// [`CleanOptions::merge_recordings`].
    pub fn merge_recordings(mut self, merge: bool) -> Self {
        self.options.merge_recordings = merge;
        self
    }

    /// Sets all that can be said about how the table is read, its limits too, in place of what was
    /// said before: of columns and delimiter too, so say this first.
    pub fn options(mut self, options: CleanOptions) -> Self {
        self.options = options;
        self
    }

    /// Says how songs become an index, for [`build_index`](Self::build_index) and
    /// [`add_to`](Self::add_to).
    #[cfg(feature = "encoder")]
    pub fn build_options(mut self, options: BuildOptions) -> Self {
        self.build_options = Some(options);
        self
    }

    /// Reads the songs of the table.
    ///
    /// # Errors
    /// Where this is no table of songs: unreadable, empty, not text, without a column for the title
    /// or the artist, or beyond one of the limits in [`CleanOptions`]; and
    /// [`CatalogError::Cancelled`].
    pub fn clean(self, progress: &mut dyn Progress) -> Result<Cleaned, CatalogError> {
        clean::clean(self.input, &self.options, progress)
    }

    /// Reads a table of which no row may be left out, since something else counts on their order:
    /// song `i` comes from row `i`. A row has an id, that of the table or its own number from 0;
    /// nothing else is needed. Cells are read as by [`clean`](Self::clean).
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
    /// [`CatalogError::BadRow`] for a row that cannot be read or whose id an earlier one has;
    /// otherwise as [`clean`](Self::clean).
    pub fn read_aligned(self, progress: &mut dyn Progress) -> Result<Cleaned, CatalogError> {
        clean::read_aligned(self.input, &self.options, progress)
    }

    /// Cleans the table and writes it to `out`; [`clean`](Self::clean) and
    /// [`write_csv`](super::write_csv) in one.
    ///
    /// # Errors
    /// As theirs, [`CatalogError::Spool`], and [`CatalogError::OutIsTable`] where it would replace
    /// the table.
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

    /// Cleans the table and writes an index of its songs to `out`, whose vectors live in the space
    /// of `encoder`; [`clean`](Self::clean) and [`build_index`](super::build_index) in one. Returns
    /// what both report.
    ///
    /// The songs wait in a file beside `out`, of some 300 bytes each, so that memory need not hold
    /// them: a million take less than a gigabyte in all.
    ///
    /// # Errors
    /// As the two of them, [`CatalogError::Spool`], and [`CatalogError::OutIsTable`] where the
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

    /// Cleans the table and adds its songs to an index; [`clean`](Self::clean),
    /// [`build_index`](super::build_index) and [`SongIndexEditor::add`] in one. Returns what the
    /// three report.
    ///
    /// The songs are described as those of the index [were](crate::index::SongIndex::recipe),
    /// whatever the [`WordWeights`](super::WordWeights) of the options say. Of a describer of one's
    /// own an index cannot tell which it was: give the same one.
    ///
    /// Other writers of the index wait while the songs are encoded; readers do not. The new songs
    /// go through a file in the folder for temporary files.
    ///
    /// # Errors
    /// As the three of them; before anything is encoded, [`CatalogError::Embedding`] if the index
    /// is of another encoder, [`CatalogError::OtherRecipe`] if its songs were described with other
    /// templates or by another version, and [`SongIndexError::KnownIds`] if it has songs of the
    /// table that are not to be replaced.
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
