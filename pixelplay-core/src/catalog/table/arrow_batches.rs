//! Reads a table in Arrow record batches as if it had been saved as CSV.
//!
//! This way a data frame is cleaned by the same rules as a file: header, units, missing cells,
//! repeats and the report are handled as for text, and a table yields the same songs in either
//! form.

use std::io::{self, Cursor, Read};

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader, make_array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType};

/// How many rows are converted to text at once.
const ROWS: usize = 1024;

/// Reads record batches as comma-separated text.
///
/// Numbers are written so that they can be read back exactly, dates as ISO 8601 (in UTC),
/// dictionaries as their values, and lists of texts as Python would write them; nulls become empty
/// cells. Line `n` of a report is row `n - 2`, counted from 0, as long as no text has line breaks.
pub(super) struct BatchText<R> {
    reader: R,
    /// The positions of the columns that are read.
    columns: Vec<usize>,
    left_out: Vec<String>,
    /// The current batch, and its next row.
    batch: Option<(RecordBatch, usize)>,
    text: Cursor<Vec<u8>>,
}

impl<R: RecordBatchReader> BatchText<R> {
    /// Creates the reader. It leaves out columns of vectors, structures and raw bytes, because
    /// songs have no such fields.
    pub(super) fn new(reader: R) -> Self {
        let schema = reader.schema();
        let mut columns = Vec::new();
        let mut left_out = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            if is_text(field.data_type()) {
                columns.push(at);
            } else {
                left_out.push(field.name().clone());
            }
        }
        let mut header = writer();
        // Writing into memory cannot fail.
        let _ = header.write_record(columns.iter().map(|&at| schema.field(at).name()));
        Self {
            reader,
            columns,
            left_out,
            batch: None,
            text: Cursor::new(header.into_inner().unwrap_or_default()),
        }
    }

    /// The names of the columns that are left out.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Writes the next rows into `text`; returns `false` at the end.
    fn next_rows(&mut self) -> Result<bool, ArrowError> {
        let (batch, row) = match self.batch.take() {
            Some(current) => current,
            None => match self.reader.next().transpose()? {
                Some(batch) => (batch, 0),
                None => return Ok(false),
            },
        };
        let rows = batch.slice(row, ROWS.min(batch.num_rows() - row));
        self.text = Cursor::new(self.write(&rows)?);
        let next = row + rows.num_rows();
        self.batch = (next < batch.num_rows()).then_some((batch, next));
        Ok(true)
    }

    fn write(&self, rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let options = FormatOptions::new().with_display_error(false);
        // Strings in lists are quoted as in Python, because names may contain any characters.
        let of_lists = options.clone().with_quoted_strings(true).with_null("None");
        let arrays = self
            .columns
            .iter()
            .map(|&at| {
                // Columns are looked up by position: two may have the same name, and the reader of
                // the text decides how to handle that.
                let column = rows.columns().get(at).ok_or_else(|| {
                    ArrowError::SchemaError("a batch lacks a column of its schema".to_owned())
                })?;
                without_zone(column)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let columns = arrays
            .iter()
            .map(|column| {
                let is_list = is_list(column.data_type());
                ArrayFormatter::try_new(column.as_ref(), if is_list { &of_lists } else { &options })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut text = writer();
        let mut cell = String::new();
        for row in 0..rows.num_rows() {
            for (column, array) in columns.iter().zip(&arrays) {
                cell.clear();
                if !array.is_null(row) {
                    column.value(row).write(&mut cell)?;
                }
                text.write_field(&cell).map_err(external)?;
            }
            text.write_record(None::<&[u8]>).map_err(external)?;
        }
        text.into_inner().map_err(|error| external(error.into_error()))
    }
}

impl<R: RecordBatchReader> Read for BatchText<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(buffer)?;
            if read > 0 || buffer.is_empty() || !self.next_rows().map_err(io::Error::other)? {
                return Ok(read);
            }
        }
    }
}

/// Writes every cell in quotes, so that no header can be mistaken for something else, such as
/// Excel's `sep=;`.
fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new())
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ArrowError {
    ArrowError::ExternalError(Box::new(error))
}

/// Converts a column of times with a zone to UTC, because writing the zone would require a time
/// zone database.
fn without_zone(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let DataType::Timestamp(unit, Some(_)) = column.data_type() else {
        return Ok(ArrayRef::clone(column));
    };
    let data = column.to_data().into_builder();
    let data = data.data_type(DataType::Timestamp(*unit, None)).build()?;
    Ok(make_array(data))
}

fn is_list(data_type: &DataType) -> bool {
    use DataType as D;
    matches!(data_type, D::List(_) | D::LargeList(_) | D::ListView(_) | D::LargeListView(_))
}

/// Returns whether values of this type can be written as a cell. Lists of texts can, since a song
/// may have several artists or genres.
fn is_text(data_type: &DataType) -> bool {
    use DataType as D;
    match data_type {
        D::Dictionary(_, values) => is_text(values),
        D::RunEndEncoded(_, values) => is_text(values.data_type()),
        D::List(item) | D::LargeList(item) | D::ListView(item) | D::LargeListView(item) => {
            matches!(item.data_type(), D::Utf8 | D::LargeUtf8 | D::Utf8View)
        }
        D::FixedSizeList(..) | D::Struct(_) | D::Map(..) | D::Union(..) => false,
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::types::Int8Type;
    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, DictionaryArray, FixedSizeListArray, Float64Array,
        Int64Array, RecordBatchIterator, StringArray, StringViewArray, TimestampSecondArray,
    };

    use super::*;
    use crate::catalog::{Cleaned, SongTable};

    fn table(columns: Vec<(&str, ArrayRef)>) -> SongTable<'static> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let schema = batch.schema();
        SongTable::from_batches(RecordBatchIterator::new([Ok(batch)], schema), "a table")
    }

    #[test]
    fn a_table_gives_the_songs_of_its_csv() {
        let energies = [0.1 + 0.2, 1e-9, f64::NAN];
        let genres: DictionaryArray<Int8Type> =
            [Some("pop"), None, Some("pop")].into_iter().collect();
        let vectors = FixedSizeListArray::from_iter_primitive::<
            arrow_array::types::Float32Type,
            _,
            _,
        >([Some([Some(1.0)]), None, None], 1);
        let text = table(vec![
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("Track Name", Arc::new(StringViewArray::from(vec!["say \"hi\", twice", "b\nc", "d"]))),
            ("artists", Arc::new(StringArray::from(vec!["Ana", "Ben", "Cem"]))),
            ("energy", Arc::new(Float64Array::from(energies.to_vec()))),
            ("genre", Arc::new(genres)),
            ("explicit", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            // In days since 1970-01-01; this is 2000-01-01.
            ("release_date", Arc::new(Date32Array::from(vec![Some(10_957), None, None]))),
            ("embedding", Arc::new(vectors)),
        ]);
        let Cleaned { songs, report, .. } = text.clean(&mut ()).unwrap();
        assert_eq!(report.ignored, ["embedding"]);
        assert_eq!(songs[0].title.as_deref(), Some("say \"hi\", twice"));
        assert_eq!(songs[1].title.as_deref(), Some("b c"));
        let found: Vec<_> = songs.iter().map(|song| song.energy).collect();
        assert_eq!(found, [Some(energies[0]), Some(energies[1]), None]);
        assert_eq!(songs[2].genre.as_deref(), Some("pop"));
        assert_eq!((songs[0].year, songs[1].year), (Some(2000), None));
        assert_eq!((songs[0].explicit, songs[1].explicit), (Some(true), Some(false)));
    }

    #[test]
    fn lists_are_names_and_times_may_have_a_zone() {
        let mut artists = ListBuilder::new(StringBuilder::new());
        artists.append_value([Some("Ana \"A\" Sol, Jr."), None, Some("Ben")]);
        artists.append_null();
        artists.append_value([Some("Cem")]);
        let mut genres = ListBuilder::new(StringBuilder::new());
        for genre in ["pop, soft", "rock", "folk"] {
            genres.append_value([Some(genre), Some("jazz")]);
        }
        // 2020-01-01T00:30:00Z.
        let added = TimestampSecondArray::from(vec![Some(1_577_838_600), None, None])
            .with_timezone("Europe/Berlin");
        let text = table(vec![
            ("title", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
            ("artists", Arc::new(artists.finish())),
            ("genres", Arc::new(genres.finish())),
            ("release_date", Arc::new(added)),
        ]);
        let songs = text.clean(&mut ()).unwrap().songs;
        assert_eq!(songs.len(), 2, "the second has no artist");
        assert_eq!(songs[0].artist.as_deref(), Some("Ana \"A\" Sol, Jr., Ben"));
        assert_eq!(songs[0].genre.as_deref(), Some("pop, soft"));
        assert_eq!(songs[0].year, Some(2020));
        assert_eq!(songs[1].artist.as_deref(), Some("Cem"));
    }

    #[test]
    fn batches_of_any_length_follow_each_other() {
        let ids: Vec<i64> = (0..3000).collect();
        let batch = |ids: &[i64]| {
            let text = |at: &i64| format!("t{at}");
            RecordBatch::try_from_iter([
                ("id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
                ("title", Arc::new(ids.iter().map(text).map(Some).collect::<StringArray>())),
                ("artist", Arc::new(ids.iter().map(|_| Some("a")).collect::<StringArray>())),
            ])
            .unwrap()
        };
        let batches = [&ids[..0], &ids[..2500], &ids[2500..], &ids[..0]].map(|ids| Ok(batch(ids)));
        let schema = batch(&[]).schema();
        let text = SongTable::from_batches(RecordBatchIterator::new(batches, schema), "a table");
        let cleaned = text.clean(&mut ()).unwrap();
        assert_eq!(cleaned.songs.len(), 3000);
        assert_eq!(cleaned.songs[2999].id.as_str(), "2999");
    }

    #[test]
    fn a_stream_that_fails_is_no_short_table() {
        let batch = RecordBatch::try_from_iter([
            ("title", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
            ("artist", Arc::new(StringArray::from(vec!["y"]))),
        ])
        .unwrap();
        let schema = batch.schema();
        let failed = Err(ArrowError::ComputeError("gone".to_owned()));
        let batches = RecordBatchIterator::new([Ok(batch), failed], schema);
        assert!(SongTable::from_batches(batches, "a table").clean(&mut ()).is_err());
    }
}
