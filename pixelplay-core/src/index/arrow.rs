//! Songs and indexes as Arrow record batches, for other programs that read Arrow.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, Float64Array, RecordBatch, RecordBatchIterator,
    RecordBatchReader, StringArray, new_null_array,
};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};

use super::file::layout::{self, list_len, value_field};
use super::file::{
    Cells, ColumnBuilder, FileSchema, MAX_BATCH_TEXT, Text, data_type, known_kind, schema,
    text_len, written_kind,
};
use super::{Hits, SongHit, SongIndex, SongIndexError};
use crate::song::{COLUMNS, Kind, Song};

/// The maximum number of rows in a batch of songs.
const BATCH_ROWS: usize = 1 << 16;
/// The columns that a table of hits has in addition to the columns of the index.
const OF_HITS: [&str; 2] = ["score", "match_percent"];

/// A table of songs in Arrow's memory layout.
#[derive(Debug, Clone)]
pub struct ArrowTable {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl ArrowTable {
    /// Creates a table of songs: `id`, every known column, and the extra columns of all songs,
    /// sorted by name, as text.
    ///
    /// # Errors
    /// [`SongIndexError::BadRow`] if an entry of [`Song::extra`] has the name of a known column.
    pub fn new(songs: &[Song]) -> Result<Self, SongIndexError> {
        let mut extra = std::collections::BTreeSet::new();
        for (row, song) in songs.iter().enumerate() {
            for name in song.extra.keys() {
                if name == layout::ID || known_kind(name).is_some() {
                    return Err(SongIndexError::BadRow {
                        row,
                        id: song.id.to_string(),
                        what: format!("`extra` holds {name:?}; set the field of that name instead"),
                    });
                }
                extra.insert(name.as_str());
            }
        }
        let known = COLUMNS.iter().map(|&(name, kind)| (name.to_owned(), kind));
        let extra = extra.into_iter().map(|name| (name.to_owned(), Kind::Text));
        Ok(Self::of_columns(&known.chain(extra).collect::<Vec<_>>(), songs))
    }

    fn of_columns(columns: &[(String, Kind)], songs: &[Song]) -> Self {
        let mut fields = vec![Field::new(layout::ID, data_type(Kind::Text), false)];
        fields.extend(columns.iter().map(|(name, kind)| Field::new(name, data_type(*kind), true)));
        let schema = Arc::new(Schema::new(fields));
        let batches = pieces(songs).map(|songs| {
            let mut arrays: Vec<ArrayRef> = vec![Arc::new(
                songs.iter().map(|song| Some(song.id.as_str())).collect::<StringArray>(),
            )];
            for (name, kind) in columns {
                let mut column = ColumnBuilder::new(*kind);
                songs.iter().for_each(|song| column.append(song.get(name)));
                arrays.push(column.finish());
            }
            RecordBatch::try_new(schema.clone(), arrays)
        });
        #[expect(
            clippy::expect_used,
            reason = "the arrays were made by the schema, one cell per song"
        )]
        let batches =
            batches.collect::<Result<_, ArrowError>>().expect("the arrays fit their schema");
        Self { schema, batches }
    }

    /// Returns the columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the rows, batch by batch.
    #[must_use]
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Returns a reader over the batches, for example for Arrow's C stream interface. The batches
    /// share their memory with the table.
    #[must_use]
    pub fn reader(&self) -> impl RecordBatchReader + Send + use<> {
        RecordBatchIterator::new(self.batches.clone().into_iter().map(Ok), self.schema.clone())
    }
}

/// Splits songs into pieces whose text fits the 32-bit offsets of text columns.
fn pieces(songs: &[Song]) -> impl Iterator<Item = &[Song]> {
    let mut rest = songs;
    std::iter::from_fn(move || {
        let mut text = 0_usize;
        let fits = rest.iter().take(BATCH_ROWS).take_while(|song| {
            text = text.saturating_add(text_len(song));
            text <= MAX_BATCH_TEXT
        });
        let len = fits.count().max(1).min(rest.len());
        let (piece, behind) = rest.split_at(len);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

impl SongIndex {
    /// Returns the whole index as a table with `id`, the song columns and `embedding`. The batches
    /// are those of the index, and ids, numbers, texts and vectors share its memory. Only columns
    /// that another program wrote with other types are converted.
    ///
    /// ```
    /// # use pixelplay_core::index::{SongIndex, WriterOptions, write_index};
    /// # use pixelplay_core::{Song, SongId};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("songs.arrow");
    /// # write_index(&path, &[Song::new(SongId::new("a").unwrap())], &[0.6, 0.8], WriterOptions::new(2))?;
    /// let table = SongIndex::open(&path)?.to_table()?;
    /// assert_eq!(table.num_rows(), 1);
    /// assert!(table.schema().field_with_name("embedding").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a column turns out to be damaged when it is decoded.
    pub fn to_table(&self) -> Result<ArrowTable, SongIndexError> {
        let schema = Arc::new(schema(&FileSchema {
            dim: self.opened.dim,
            fingerprint: self.opened.fingerprint.clone(),
            recipe: self.opened.recipe.clone(),
            columns: self.opened.columns.clone(),
            batch_rows: 1,
            quantized: false,
            query_bank: None,
        }));
        let mut batches = Vec::with_capacity(self.opened.batches.len());
        for at in &self.opened.batches {
            let (shard, batch) = self.batch(*at);
            let damaged = |error: ArrowError| SongIndexError::damaged(&shard.segment.path, error);
            let mut arrays = vec![text_array(&batch.ids, batch.rows)];
            for (column, (_, kind)) in self.opened.columns.iter().enumerate() {
                arrays.push(match self.cells(shard, batch, column)? {
                    Cells::Text(text) => text_array(&text, batch.rows),
                    Cells::Integer(array) => Arc::new(array),
                    Cells::Real(array) => Arc::new(array),
                    Cells::Flag(array) => Arc::new(array),
                    Cells::Missing => new_null_array(&data_type(*kind), batch.rows),
                });
            }
            let values = Float32Array::new(batch.vectors.clone(), None);
            let vectors = FixedSizeListArray::try_new(
                value_field(),
                list_len(self.opened.dim),
                Arc::new(values),
                None,
            );
            arrays.push(Arc::new(vectors.map_err(damaged)?));
            batches.push(RecordBatch::try_new(schema.clone(), arrays).map_err(damaged)?);
        }
        Ok(ArrowTable { schema, batches })
    }
}

impl Hits {
    /// Returns the hits as a table in the same order, with the columns `id`, `score` and
    /// `match_percent`, followed by the columns of the index, except any that has one of these
    /// names.
    ///
    /// # Errors
    /// If a column turns out to be damaged when it is decoded.
    pub fn to_table(&self) -> Result<ArrowTable, SongIndexError> {
        let songs = self.iter().map(SongHit::song).collect::<Result<Vec<_>, _>>()?;
        // `song` returns values of the column's kind, or text for columns that `Song` has no field
        // for.
        let kind = |name: &String| (name.clone(), written_kind(name));
        let columns: Vec<_> = self
            .index()
            .columns()
            .iter()
            .filter(|(name, _)| !OF_HITS.contains(&name.as_str()))
            .map(|(name, _)| kind(name))
            .collect();
        let mut table = ArrowTable::of_columns(&columns, &songs);
        let mut fields: Vec<_> = table.schema.fields().iter().cloned().collect();
        for (at, name) in OF_HITS.into_iter().enumerate() {
            fields.insert(at + 1, Arc::new(Field::new(name, data_type(Kind::Real), false)));
        }
        table.schema = Arc::new(Schema::new(fields));
        let mut first = 0;
        for batch in &mut table.batches {
            let of_batch = &self[first..first + batch.num_rows()];
            first += batch.num_rows();
            let mut arrays = batch.columns().to_vec();
            let numbers = |number: fn(&SongHit) -> f64| -> ArrayRef {
                Arc::new(of_batch.iter().map(|hit| Some(number(hit))).collect::<Float64Array>())
            };
            arrays.insert(1, numbers(|hit| hit.score));
            arrays.insert(2, numbers(|hit| hit.match_percent));
            *batch = RecordBatch::try_new(table.schema.clone(), arrays)
                .map_err(|error| SongIndexError::damaged(self.index().path(), error))?;
        }
        Ok(table)
    }
}

fn text_array(text: &Text, rows: usize) -> ArrayRef {
    match text {
        Text::Utf8(array) => Arc::new(array.clone()),
        _ => Arc::new(
            (0..rows)
                .map(|row| (!text.is_null(row)).then(|| text.value(row)))
                .collect::<StringArray>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float32Type;

    use super::*;
    use crate::embedding::Embedding;
    use crate::index::{SearchOptions, SongIndexWriter, WriterOptions};
    use crate::song::SongId;

    fn songs() -> Vec<Song> {
        let mut songs = ["a", "b", "c"].map(|id| Song::new(SongId::new(id).unwrap()));
        songs[0].year = Some(1999);
        songs[1].title = Some("Rain".to_owned());
        songs[2].extra.insert("label".to_owned(), "Blue".to_owned());
        songs.into()
    }

    fn index() -> (tempfile::TempDir, SongIndex) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("songs.arrow");
        let mut options = WriterOptions { batch_rows: 2, ..WriterOptions::new(2) };
        options.columns.push("label".to_owned());
        let mut writer = SongIndexWriter::create(&path, options).unwrap();
        for (song, vector) in songs().iter().zip([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]) {
            writer.push(song, &vector).unwrap();
        }
        writer.finish().unwrap();
        let index = SongIndex::open(&path).unwrap();
        (folder, index)
    }

    #[test]
    fn an_index_is_a_table_without_copying_its_vectors() {
        let (_folder, index) = index();
        let table = index.to_table().unwrap();
        assert_eq!((table.num_rows(), table.batches().len()), (3, 2));
        for (batch, chunk) in table.batches().iter().zip(index.vector_chunks()) {
            let vectors = batch["embedding"].as_fixed_size_list();
            let values = vectors.values().as_primitive::<Float32Type>().values();
            assert_eq!(values.as_ptr(), chunk.as_ptr());
        }
        assert_eq!(table.batches()[0]["title"].as_string::<i32>().value(1), "Rain");
        assert!(table.batches()[0]["label"].is_null(0));
        let metadata = table.schema().metadata();
        assert_eq!(metadata.get(layout::KEY_DIM).map(String::as_str), Some("2"));
    }

    #[test]
    fn songs_and_hits_are_tables_too() {
        let table = ArrowTable::new(&songs()).unwrap();
        assert_eq!(table.reader().count(), 1);
        let batch = &table.batches()[0];
        assert_eq!(batch.num_columns(), 2 + COLUMNS.len());
        assert_eq!(batch["label"].as_string::<i32>().value(2), "Blue");
        assert_eq!(ArrowTable::new(&[]).unwrap().num_rows(), 0);

        let (_folder, index) = index();
        let query = Embedding::new(vec![0.0, 1.0], None).unwrap();
        let hits = index.search(&query, &SearchOptions::default()).unwrap();
        let table = hits.to_table().unwrap();
        let batch = &table.batches()[0];
        let ids: Vec<_> = batch["id"].as_string::<i32>().iter().flatten().collect();
        assert_eq!(ids, ["c", "b", "a"]);
        assert_eq!(table.schema().field(1).name(), "score");
        assert_eq!(batch["label"].as_string::<i32>().value(0), "Blue");
    }

    #[test]
    fn a_song_whose_extra_hides_a_column_is_refused() {
        let mut song = songs().remove(0);
        song.extra.insert("title".to_owned(), "x".to_owned());
        assert!(matches!(ArrowTable::new(&[song]), Err(SongIndexError::BadRow { .. })));
    }
}
