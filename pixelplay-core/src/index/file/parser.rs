//! Finds the batches in the bytes of an index file.
//!
//! All lengths, offsets and metadata in the file are checked here before they are used.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use arrow_array::Array;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Endianness, MetadataVersion};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::batch_reader::Record;
use super::cells::{Text, describe, kind_of, known_kind};
use super::checksum::MetadataHash;
use super::layout;
use super::segment::{Batch, Place, Segment, Stamp};
use crate::embedding::Fingerprint;
use crate::index::error::SongIndexError;
use crate::index::hubness;
use crate::index::quantized::{self, QuantizedVectors};
use crate::song::Kind;

pub(super) struct Parser<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: Buffer,
}

impl Parser<'_> {
    fn damaged(&self, what: impl ToString) -> SongIndexError {
        SongIndexError::damaged(self.path, what)
    }

    fn unusable(&self, what: impl ToString) -> SongIndexError {
        SongIndexError::unusable(self.path, what)
    }

    pub(super) fn parse(self) -> Result<Segment, SongIndexError> {
        let bytes = &self.bytes;
        let footer_range = self.footer_range()?;
        let footer = arrow_ipc::root_as_footer(&bytes[footer_range.clone()])
            .map_err(|error| self.damaged(format_args!("its footer cannot be read ({error})")))?;
        if footer.version() != MetadataVersion::V5 {
            return Err(self.unusable("it has an Arrow version other than 5"));
        }
        let raw_schema = footer.schema().ok_or_else(|| self.damaged("its footer has no schema"))?;
        if raw_schema.endianness() != Endianness::Little {
            return Err(self.unusable("its numbers are big-endian"));
        }
        let schema = try_fb_to_schema(raw_schema)
            .map_err(|error| self.damaged(format_args!("its schema cannot be read ({error})")))?;
        let parsed = self.parse_schema(&schema)?;

        let schema = SchemaRef::new(schema);
        let mut batches = Vec::new();
        let mut after = layout::MAGIC.len();
        for block in footer.recordBatches().iter().flatten() {
            let place = self.place(block, after..footer_range.start)?;
            after = place.body.end;
            batches.push(self.batch(&schema, &parsed, place)?);
        }

        let entry = |key: &str| {
            footer
                .custom_metadata()
                .into_iter()
                .flatten()
                .find(|entry| entry.key() == Some(key))
                .and_then(|entry| entry.value())
        };
        let has_format = schema.metadata.contains_key(layout::KEY_FORMAT);
        let incomplete = || {
            self.damaged("it has some of PixelPlay's metadata keys (`pixelplay.*`), but not all")
        };
        let checksums = if let [Some(rows), Some(batch_checksums), Some(checksum)] =
            layout::FOOTER_KEYS.map(entry)
        {
            if !has_format {
                return Err(incomplete());
            }
            Some(self.check_metadata(
                &schema,
                &batches,
                footer_range.start,
                checksum,
                rows,
                batch_checksums,
            )?)
        } else {
            // Search the raw bytes, because the reference to the metadata may itself be damaged.
            let footer = &bytes[footer_range];
            let any_footer_key = layout::FOOTER_KEYS
                .iter()
                .any(|key| footer.windows(key.len()).any(|found| found == key.as_bytes()));
            let mut schema_keys = schema.metadata.keys();
            let any_schema_key = schema_keys.any(|key| key.starts_with(layout::KEY_PREFIX));
            let complete = has_format && schema.metadata.contains_key(layout::KEY_DIM);
            if any_footer_key || any_schema_key && !complete {
                return Err(incomplete());
            }
            // Another program may have changed the vectors but copied our quantized vectors.
            for batch in &mut batches {
                batch.quantized = None;
                batch.biases = None;
            }
            None
        };
        Ok(Segment {
            path: self.path.to_owned(),
            stamp: Stamp::default(),
            dim: parsed.dim,
            fingerprint: parsed.fingerprint,
            recipe: schema.metadata.get(layout::KEY_RECIPE).cloned(),
            query_bank: parsed.biases.map(|(_, bank)| bank),
            columns: parsed.columns,
            batches,
            checksums,
            schema,
            bytes: self.bytes,
            vector_file: None,
        })
    }

    fn footer_range(&self) -> Result<Range<usize>, SongIndexError> {
        let not_arrow = |what| SongIndexError::NotArrow { path: self.path.to_owned(), what };
        let bytes = self.bytes.as_slice();
        if bytes.is_empty() {
            return Err(not_arrow("it is empty"));
        }
        if !bytes.starts_with(&layout::MAGIC) {
            return Err(not_arrow(foreign(bytes)));
        }
        let end = "it does not end with a footer and ARROW1, so it was truncated or never finished";
        let rest = bytes[layout::MAGIC.len()..]
            .strip_suffix(&layout::MAGIC)
            .ok_or_else(|| not_arrow(end))?;
        let (rest, len) = rest.split_last_chunk().ok_or_else(|| not_arrow(end))?;
        let footer_end = layout::MAGIC.len() + rest.len();
        let footer_start = usize::try_from(i32::from_le_bytes(*len))
            .ok()
            .and_then(|len| footer_end.checked_sub(len))
            .filter(|&start| start >= layout::MAGIC.len())
            .ok_or_else(|| self.damaged("the length of its footer is impossible"))?;
        Ok(footer_start..footer_end)
    }

    /// Checks the schema and our metadata.
    fn parse_schema(&self, schema: &Schema) -> Result<ParsedSchema, SongIndexError> {
        if schema.fields().len() > layout::MAX_COLUMNS {
            return Err(self.unusable(format_args!(
                "it has {} columns, expected at most {}",
                schema.fields().len(),
                layout::MAX_COLUMNS
            )));
        }
        let mut names = HashSet::new();
        let mut columns = Vec::new();
        let mut id = None;
        let mut embedding = None;
        for (at, field) in schema.fields().iter().enumerate() {
            let name = field.name().as_str();
            let kind = kind_of(field.data_type());
            if !names.insert(name) {
                return Err(self.unusable(format_args!("it has two columns named {name:?}")));
            }
            if name == layout::ID {
                if kind != Some(Kind::Text) {
                    let found = field.data_type();
                    return Err(self.unusable(format_args!(
                        "column \"id\" has type {found}, expected text (utf8)"
                    )));
                }
                id = Some(at);
            } else if name == layout::EMBEDDING {
                embedding = Some((at, self.dim(field.data_type())?));
            } else if name.starts_with(layout::HELPER_PREFIX) {
            } else if let Some(expected) = known_kind(name) {
                let fits = kind == Some(expected)
                    || matches!(expected, Kind::Integer | Kind::Real)
                        && matches!(kind, Some(Kind::Integer | Kind::Real));
                if !fits {
                    return Err(self.unusable(format_args!(
                        "column {name:?} has type {}, expected {}; convert or rename it",
                        field.data_type(),
                        describe(expected)
                    )));
                }
                columns.push((name.to_owned(), expected, at));
            } else if let Some(kind) = kind {
                columns.push((name.to_owned(), kind, at));
            }
        }
        let id = id.ok_or_else(|| self.unusable("it has no column \"id\""))?;
        let (embedding, dim) =
            embedding.ok_or_else(|| self.unusable("it has no column \"embedding\""))?;

        if let Some(found) = schema.metadata.get(layout::KEY_FORMAT) {
            let found: u64 =
                found.parse().map_err(|_| self.damaged("its format is not a number"))?;
            if found > layout::FORMAT {
                return Err(SongIndexError::NewerFormat {
                    path: self.path.to_owned(),
                    found,
                    supported: layout::FORMAT,
                });
            }
            if found == 0 {
                return Err(self.damaged("its format is 0"));
            }
        }
        if let Some(stated) = schema.metadata.get(layout::KEY_DIM)
            && *stated != dim.to_string()
        {
            return Err(self.damaged(format_args!(
                "its metadata says {stated:?} dimensions, its vectors have {dim}"
            )));
        }
        let fingerprint = schema
            .metadata
            .get(layout::KEY_FINGERPRINT)
            .map(Fingerprint::new)
            .transpose()
            .map_err(|error| self.damaged(error))?;
        Ok(ParsedSchema {
            id,
            embedding,
            quantized: quantized::find(schema, dim),
            biases: hubness::find(schema),
            dim,
            fingerprint,
            columns,
        })
    }

    fn dim(&self, found: &DataType) -> Result<usize, SongIndexError> {
        if let DataType::FixedSizeList(item, dim) = found
            && *item.data_type() == DataType::Float32
        {
            return usize::try_from(*dim)
                .ok()
                .filter(|dim| (1..=layout::MAX_DIM).contains(dim))
                .ok_or_else(|| {
                    self.unusable(format_args!(
                        "its vectors have {dim} dimensions, expected 1 to {}",
                        layout::MAX_DIM
                    ))
                });
        }
        Err(self.unusable(format_args!(
            "column \"embedding\" has type {found}, expected fixed_size_list<float32>[dim]"
        )))
    }

    /// Checks that a batch lies within the range `within`, and its message and buffers within the
    /// batch.
    fn place(
        &self,
        block: &arrow_ipc::Block,
        within: Range<usize>,
    ) -> Result<Place, SongIndexError> {
        let outside =
            || self.damaged("its footer points outside the file or at overlapping batches");
        let start = usize::try_from(block.offset()).map_err(|_| outside())?;
        let message_len = usize::try_from(block.metaDataLength()).map_err(|_| outside())?;
        let body_len = usize::try_from(block.bodyLength()).map_err(|_| outside())?;
        let body_start = start.checked_add(message_len).ok_or_else(outside)?;
        let end = body_start.checked_add(body_len).ok_or_else(outside)?;
        if start < within.start || end > within.end {
            return Err(outside());
        }
        let stated = layout::message_len(&self.bytes[start..body_start]);
        if stated.is_none_or(|stated| stated > message_len) {
            return Err(self.damaged(
                "a batch does not start with a message of the length stated in the footer",
            ));
        }
        Ok(Place { message: start..body_start, body: body_start..end })
    }

    fn batch(
        &self,
        schema: &Schema,
        parsed: &ParsedSchema,
        place: Place,
    ) -> Result<Batch, SongIndexError> {
        let header = batch_header(&self.bytes, &place).map_err(|what| self.damaged(what))?;
        if header.compression().is_some() {
            return Err(self.unusable("it is compressed; write it without compression"));
        }
        let record = Record::new(&header, schema.fields(), &place.body)
            .map_err(|what| self.damaged(what))?;
        let id_type = schema.field(parsed.id).data_type();
        let ids = record
            .array(&self.bytes, parsed.id, id_type)
            .map_err(|what| self.damaged(format_args!("column \"id\" {what}")))?;
        if ids.null_count() > 0 {
            return Err(self.unusable("a row has no id"));
        }
        let ids = Text::new(&ids).ok_or_else(|| self.damaged("its ids are not text"))?;
        let rows = record.rows;
        if let Some(row) = (0..rows).find(|&row| ids.value(row).is_empty()) {
            return Err(self.unusable(format_args!("row {row} of a batch has an empty id")));
        }
        let vectors = record
            .lists(&self.bytes, parsed.embedding, parsed.dim)
            .map_err(|what| self.unusable(what))?;
        let quantized = parsed.quantized.filter(|_| rows > 0).and_then(|columns| {
            QuantizedVectors::read(&record, &self.bytes, columns, parsed.dim).ok()
        });
        let biases = parsed
            .biases
            .as_ref()
            .and_then(|(column, _)| record.numbers(&self.bytes, *column).ok());
        Ok(Batch {
            rows,
            ids,
            vectors,
            quantized,
            biases,
            cells: parsed.columns.iter().map(|_| OnceLock::new()).collect(),
            place,
            record,
        })
    }

    /// Verifies the checksum over everything but the bodies, and returns the checksums of the
    /// batches.
    fn check_metadata(
        &self,
        schema: &Schema,
        batches: &[Batch],
        footer_start: usize,
        expected: &str,
        rows: &str,
        batch_checksums: &str,
    ) -> Result<Vec<String>, SongIndexError> {
        let stated_rows: u64 =
            rows.parse().map_err(|_| self.damaged("its number of rows is not a number"))?;
        let checksums: Vec<String> =
            batch_checksums.split_ascii_whitespace().map(str::to_owned).collect();
        if checksums.len() != batches.len() {
            return Err(
                self.damaged("its number of batches differs from its number of batch checksums")
            );
        }

        let no_schema = || self.damaged("the schema at its start cannot be read");
        let rest = self.bytes[..footer_start].get(layout::SCHEMA_AT..).ok_or_else(no_schema)?;
        let len =
            layout::message_len(rest).filter(|&len| len <= rest.len()).ok_or_else(no_schema)?;
        let message = arrow_ipc::root_as_message(&rest[8..len]).map_err(|_| no_schema())?;
        let first = message.header_as_schema().ok_or_else(no_schema)?;
        let first = try_fb_to_schema(first).map_err(|_| no_schema())?;
        if first != *schema {
            return Err(self.damaged("the schema in its footer differs from the one at its start"));
        }

        let mut hash = MetadataHash::new(&self.bytes[..layout::SCHEMA_AT + len]);
        for (batch, checksum) in batches.iter().zip(&checksums) {
            let Place { message, body } = batch.place.clone();
            hash.batch(message.start as u64, body.len() as u64, &self.bytes[message], checksum);
        }
        if hash.finish(stated_rows) != expected {
            return Err(self.damaged("its metadata does not match its checksum"));
        }
        let rows: usize = batches.iter().map(|batch| batch.rows).sum();
        if stated_rows != rows as u64 {
            return Err(self.damaged(format_args!(
                "its metadata says {stated_rows} rows, its batches have {rows}"
            )));
        }
        Ok(checksums)
    }
}

/// Describes a file that does not start like an Arrow file, and what to do about it.
fn foreign(bytes: &[u8]) -> &'static str {
    const MOST: usize = 1024;
    let start = &bytes[..bytes.len().min(MOST)];
    let is_text = |byte: &u8| !byte.is_ascii_control() || b"\t\r\n".contains(byte);
    if start.starts_with(b"PAR1") {
        "it is a Parquet file; build an index from its songs first"
    } else if start.starts_with(b"\x93NUMPY") {
        "it is a NumPy array; import it into an index first"
    } else if start.starts_with(b"\x1f\x8b") {
        "it is gzip-compressed; if it is a table of songs, build an index from it first (build-index)"
    } else if start.iter().all(is_text) {
        "it is text; if it is a table of songs, build an index from it first (build-index)"
    } else {
        "it does not start with ARROW1"
    }
}

/// The contents of the schema and its metadata.
struct ParsedSchema {
    id: usize,
    embedding: usize,
    quantized: Option<[usize; 5]>,
    biases: Option<(usize, String)>,
    dim: usize,
    fingerprint: Option<Fingerprint>,
    columns: Vec<(String, Kind, usize)>,
}

fn batch_header<'a>(
    bytes: &'a Buffer,
    place: &Place,
) -> Result<arrow_ipc::RecordBatch<'a>, String> {
    let message = &bytes.as_slice()[place.message.clone()];
    let len = layout::message_len(message).unwrap_or(0);
    let message = message.get(8..len).ok_or_else(|| "a batch has no message".to_owned())?;
    let message = arrow_ipc::root_as_message(message)
        .map_err(|error| format!("the message of a batch cannot be read ({error})"))?;
    if usize::try_from(message.bodyLength()) != Ok(place.body.len()) {
        return Err("a batch and the footer disagree about its length".to_owned());
    }
    message
        .header_as_record_batch()
        .ok_or_else(|| "the footer points to something that is not a batch".to_owned())
}
