//! Gets the bytes of an index file into memory and finds the batches in them.
//!
//! Whatever the file says about itself is checked here before anything acts on it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use arrow_array::Array;
use arrow_buffer::{Buffer, MutableBuffer, ScalarBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Endianness, MetadataVersion};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::columns::{Cells, Text, describe, kind_of, known_kind};
use super::decode::Record;
use super::error::SongIndexError;
use super::format::{self, MetadataHash};
use super::hub_correction;
use super::twin::{self, Twin};
use super::vector_file::VectorFile;
use crate::embedding::Fingerprint;
use crate::song::Kind;

/// Gets the bytes of an open file into memory.
pub(crate) type Load<'a> = &'a dyn Fn(File) -> io::Result<Loaded>;

pub(crate) struct Loaded {
    bytes: Buffer,
    /// The file, where `bytes` is a map of it.
    file: Option<File>,
}

/// Tells a file from one that took its place: how long it is, and when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp(Option<(u64, SystemTime)>);

impl Stamp {
    pub(crate) fn of(metadata: io::Result<fs::Metadata>) -> Self {
        Self(metadata.ok().and_then(|m| Some((m.len(), m.modified().ok()?))))
    }
}

/// One index file.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Of the file when it was opened.
    pub(crate) stamp: Stamp,
    pub(crate) dim: usize,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Whose biases the songs have; see [`hub_correction`].
    pub(crate) query_bank: Option<String>,
    /// The song columns in the file's order, and where each stands in the schema.
    pub(crate) columns: Vec<(String, Kind, usize)>,
    pub(crate) batches: Vec<Batch>,
    /// BLAKE3 of each batch, in hex; `None` in a file of another program.
    pub(crate) checksums: Option<Vec<String>>,
    schema: SchemaRef,
    bytes: Buffer,
    /// Where exactly scored vectors come from, if not from `bytes`.
    vector_file: Option<VectorFile>,
}

/// One batch of rows.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    pub(crate) ids: Text,
    /// Shape `(rows, dim)`, row by row.
    pub(crate) vectors: ScalarBuffer<f32>,
    pub(crate) twin: Option<Twin>,
    pub(crate) biases: Option<ScalarBuffer<f32>>,
    /// One for each of [`Segment::columns`], decoded when first asked for.
    cells: Vec<OnceLock<Result<Cells, String>>>,
    place: Place,
    record: Record,
}

/// Where a batch lies in the file; checked to be inside it.
#[derive(Debug, Clone)]
struct Place {
    message: Range<usize>,
    body: Range<usize>,
}

impl Segment {
    pub(crate) fn open(path: &Path, load: Load<'_>) -> Result<Self, SongIndexError> {
        // Before it is opened, since opening a pipe waits for somebody to write into it.
        let metadata = fs::metadata(path).map_err(SongIndexError::io("open", path))?;
        if !metadata.is_file() {
            return Err(SongIndexError::unusable(
                path,
                "it is neither a regular file nor a folder",
            ));
        }
        let file = File::open(path).map_err(SongIndexError::io("open", path))?;
        let stamp = Stamp::of(file.metadata());
        let Loaded { bytes, file } = load(file).map_err(SongIndexError::io("read", path))?;
        let mut segment = Parser { path, bytes }.parse()?;
        segment.stamp = stamp;
        // Without a twin all vectors are screened, so that they are touched anyway.
        if segment.batches.iter().all(|batch| batch.twin.is_some()) {
            let vectors = segment.batches.iter().map(|batch| batch.vectors.len());
            let bytes = vectors.sum::<usize>() * size_of::<f32>();
            segment.vector_file = file.and_then(|file| VectorFile::new(file, bytes));
        }
        Ok(segment)
    }

    /// A vector for an exact score, which may be read into `room`.
    pub(crate) fn vector<'a>(
        &'a self,
        batch: &'a Batch,
        row: usize,
        room: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], SongIndexError> {
        let mapped = &batch.vectors[row * self.dim..(row + 1) * self.dim];
        let Some(file) = &self.vector_file else {
            return Ok(mapped);
        };
        let from_start = |start: usize| mapped.as_ptr().addr().checked_sub(start);
        let Some(at) = from_start(self.bytes.as_ptr().addr())
            .filter(|&at| at + size_of_val(mapped) <= self.bytes.len())
        else {
            // They were not aligned, and copied when the file was opened.
            return Ok(mapped);
        };
        room.resize(self.dim, 0.0);
        file.read(at, room).map_err(SongIndexError::io("read", &self.path))?;
        Ok(room)
    }

    /// The cells of a column of a batch; `column` counts through [`Segment::columns`].
    pub(crate) fn cells(&self, batch: &Batch, column: usize) -> Result<Cells, SongIndexError> {
        let (name, kind, at) = &self.columns[column];
        batch.cells[column]
            .get_or_init(|| {
                let field = self.schema.field(*at);
                let array = batch.record.array(&self.bytes, *at, field.data_type())?;
                Cells::new(&array, *kind)
            })
            .clone()
            .map_err(|what| {
                SongIndexError::damaged(&self.path, format_args!("column {name:?} {what}"))
            })
    }

    /// The bytes that the checksum of a batch covers.
    pub(crate) fn batch_bytes(&self, batch: &Batch) -> &[u8] {
        &self.bytes[batch.place.message.start..batch.place.body.end]
    }

    /// A column of a type that no cell has, and which is no helper.
    pub(crate) fn foreign_column(&self) -> Option<&str> {
        let known: HashSet<usize> = self.columns.iter().map(|(_, _, at)| *at).collect();
        let fields = self.schema.fields().iter().enumerate();
        fields.filter(|(at, _)| !known.contains(at)).map(|(_, field)| field.name().as_str()).find(
            |name| {
                ![format::ID, format::EMBEDDING].contains(name)
                    && !name.starts_with(format::HELPER_PREFIX)
            },
        )
    }
}

/// Reads a whole file into memory that is aligned as Arrow wants it, which a `Vec<u8>` is not.
pub(crate) fn read(mut file: File) -> io::Result<Loaded> {
    let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
    let len = usize::try_from(file.metadata()?.len()).map_err(|_| too_large())?;
    let mut bytes = MutableBuffer::try_from_len_zeroed(len).map_err(|_| too_large())?;
    file.read_exact(&mut bytes)?;
    Ok(Loaded { bytes: bytes.into(), file: None })
}

/// Maps a whole file.
///
/// # Safety
/// While the buffer, or anything made of it, is there, no process may truncate the file or write
/// into it.
#[expect(unsafe_code, reason = "what the caller must promise stands in the signature")]
pub(crate) unsafe fn map(file: File) -> io::Result<Loaded> {
    // SAFETY: our caller promises it for as long as the buffer lives, and the map lives no longer.
    let map = unsafe { crate::mmap::map_file(&file)? };
    Ok(Loaded { bytes: Buffer::from(bytes::Bytes::from_owner(map)), file: Some(file) })
}

struct Parser<'a> {
    path: &'a Path,
    bytes: Buffer,
}

impl Parser<'_> {
    fn damaged(&self, what: impl ToString) -> SongIndexError {
        SongIndexError::damaged(self.path, what)
    }

    fn unusable(&self, what: impl ToString) -> SongIndexError {
        SongIndexError::unusable(self.path, what)
    }

    fn parse(self) -> Result<Segment, SongIndexError> {
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
        let layout = self.layout(&schema)?;

        let schema = SchemaRef::new(schema);
        let mut batches = Vec::new();
        let mut after = format::MAGIC.len();
        for block in footer.recordBatches().iter().flatten() {
            let place = self.place(block, after..footer_range.start)?;
            after = place.body.end;
            batches.push(self.batch(&schema, &layout, place)?);
        }

        let entry = |key: &str| {
            footer
                .custom_metadata()
                .into_iter()
                .flatten()
                .find(|entry| entry.key() == Some(key))
                .and_then(|entry| entry.value())
        };
        let has_format = schema.metadata.contains_key(format::KEY_FORMAT);
        let incomplete = || {
            self.damaged("it has some of PixelPlay's metadata (keys `pixelplay.*`), but not all")
        };
        let checksums = if let [Some(rows), Some(batch_checksums), Some(checksum)] =
            format::FOOTER_KEYS.map(entry)
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
            // Searched for in the bytes, because the reference to all of them may be what is
            // damaged.
            let footer = &bytes[footer_range];
            let any_footer_key = format::FOOTER_KEYS
                .iter()
                .any(|key| footer.windows(key.len()).any(|found| found == key.as_bytes()));
            let mut schema_keys = schema.metadata.keys();
            let any_schema_key = schema_keys.any(|key| key.starts_with(format::KEY_PREFIX));
            let complete = has_format && schema.metadata.contains_key(format::KEY_DIM);
            if any_footer_key || any_schema_key && !complete {
                return Err(incomplete());
            }
            // Another program may have changed the vectors and copied what we had made of them.
            for batch in &mut batches {
                batch.twin = None;
                batch.biases = None;
            }
            None
        };
        Ok(Segment {
            path: self.path.to_owned(),
            stamp: Stamp::default(),
            dim: layout.dim,
            fingerprint: layout.fingerprint,
            query_bank: layout.biases.map(|(_, bank)| bank),
            columns: layout.columns,
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
        if !bytes.starts_with(&format::MAGIC) {
            return Err(not_arrow(foreign(bytes)));
        }
        let end =
            "it does not end with a footer and ARROW1, so it was cut short or is not finished";
        let rest = bytes[format::MAGIC.len()..]
            .strip_suffix(&format::MAGIC)
            .ok_or_else(|| not_arrow(end))?;
        let (rest, len) = rest.split_last_chunk().ok_or_else(|| not_arrow(end))?;
        let footer_end = format::MAGIC.len() + rest.len();
        let footer_start = usize::try_from(i32::from_le_bytes(*len))
            .ok()
            .and_then(|len| footer_end.checked_sub(len))
            .filter(|&start| start >= format::MAGIC.len())
            .ok_or_else(|| self.damaged("the length of its footer is impossible"))?;
        Ok(footer_start..footer_end)
    }

    /// Checks the schema and our metadata in it.
    fn layout(&self, schema: &Schema) -> Result<Layout, SongIndexError> {
        if schema.fields().len() > format::MAX_COLUMNS {
            return Err(self.unusable(format_args!(
                "it has {} columns, expected at most {}",
                schema.fields().len(),
                format::MAX_COLUMNS
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
                return Err(self.unusable(format_args!("it has two columns {name:?}")));
            }
            if name == format::ID {
                if kind != Some(Kind::Text) {
                    let found = field.data_type();
                    return Err(self.unusable(format_args!(
                        "column \"id\" has type {found}, expected text (utf8)"
                    )));
                }
                id = Some(at);
            } else if name == format::EMBEDDING {
                embedding = Some((at, self.dim(field.data_type())?));
            } else if name.starts_with(format::HELPER_PREFIX) {
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

        if let Some(found) = schema.metadata.get(format::KEY_FORMAT) {
            let found: u64 =
                found.parse().map_err(|_| self.damaged("its format is not a number"))?;
            if found > format::FORMAT {
                return Err(SongIndexError::NewerFormat {
                    path: self.path.to_owned(),
                    found,
                    supported: format::FORMAT,
                });
            }
            if found == 0 {
                return Err(self.damaged("its format is 0"));
            }
        }
        if let Some(stated) = schema.metadata.get(format::KEY_DIM)
            && *stated != dim.to_string()
        {
            return Err(self.damaged(format_args!(
                "its metadata says {stated:?} dimensions, its vectors have {dim}"
            )));
        }
        let fingerprint = schema
            .metadata
            .get(format::KEY_FINGERPRINT)
            .map(Fingerprint::new)
            .transpose()
            .map_err(|error| self.damaged(error))?;
        Ok(Layout {
            id,
            embedding,
            twin: twin::find(schema, dim),
            biases: hub_correction::find(schema),
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
                .filter(|dim| (1..=format::MAX_DIM).contains(dim))
                .ok_or_else(|| {
                    self.unusable(format_args!(
                        "its vectors have {dim} dimensions, expected 1 to {}",
                        format::MAX_DIM
                    ))
                });
        }
        Err(self.unusable(format_args!(
            "column \"embedding\" has type {found}, expected fixed_size_list<float32>[dim]"
        )))
    }

    /// Checks that a batch lies within `room` and that its message and buffers lie within it.
    fn place(&self, block: &arrow_ipc::Block, room: Range<usize>) -> Result<Place, SongIndexError> {
        let outside =
            || self.damaged("its footer points outside the file or at overlapping batches");
        let start = usize::try_from(block.offset()).map_err(|_| outside())?;
        let message_len = usize::try_from(block.metaDataLength()).map_err(|_| outside())?;
        let body_len = usize::try_from(block.bodyLength()).map_err(|_| outside())?;
        let body_start = start.checked_add(message_len).ok_or_else(outside)?;
        let end = body_start.checked_add(body_len).ok_or_else(outside)?;
        if start < room.start || end > room.end {
            return Err(outside());
        }
        let stated = format::message_len(&self.bytes[start..body_start]);
        if stated.is_none_or(|stated| stated > message_len) {
            return Err(self.damaged(
                "a batch does not begin with a message of the length that the footer states",
            ));
        }
        Ok(Place { message: start..body_start, body: body_start..end })
    }

    fn batch(
        &self,
        schema: &Schema,
        layout: &Layout,
        place: Place,
    ) -> Result<Batch, SongIndexError> {
        let header = batch_header(&self.bytes, &place).map_err(|what| self.damaged(what))?;
        if header.compression().is_some() {
            return Err(self.unusable("it is compressed; write it without compression"));
        }
        let record = Record::new(&header, schema.fields(), &place.body)
            .map_err(|what| self.damaged(what))?;
        let id_type = schema.field(layout.id).data_type();
        let ids = record
            .array(&self.bytes, layout.id, id_type)
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
            .lists(&self.bytes, layout.embedding, layout.dim)
            .map_err(|what| self.unusable(what))?;
        let twin = layout
            .twin
            .filter(|_| rows > 0)
            .and_then(|columns| Twin::read(&record, &self.bytes, columns, layout.dim).ok());
        let biases = layout
            .biases
            .as_ref()
            .and_then(|(column, _)| record.numbers(&self.bytes, *column).ok());
        Ok(Batch {
            rows,
            ids,
            vectors,
            twin,
            biases,
            cells: layout.columns.iter().map(|_| OnceLock::new()).collect(),
            place,
            record,
        })
    }

    /// Checks the checksum over everything but the bodies; returns the checksums of the batches.
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
            return Err(self.damaged("it has more or fewer batches than checksums of batches"));
        }

        let no_schema = || self.damaged("the schema at its start cannot be read");
        let room = self.bytes[..footer_start].get(format::SCHEMA_AT..).ok_or_else(no_schema)?;
        let len =
            format::message_len(room).filter(|&len| len <= room.len()).ok_or_else(no_schema)?;
        let message = arrow_ipc::root_as_message(&room[8..len]).map_err(|_| no_schema())?;
        let first = message.header_as_schema().ok_or_else(no_schema)?;
        let first = try_fb_to_schema(first).map_err(|_| no_schema())?;
        if first != *schema {
            return Err(self.damaged("the schema in its footer differs from the one at its start"));
        }

        let mut hash = MetadataHash::new(&self.bytes[..format::SCHEMA_AT + len]);
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

/// What a file is that does not begin as an Arrow file does, and what to do about it.
fn foreign(bytes: &[u8]) -> &'static str {
    const MOST: usize = 1024;
    let start = &bytes[..bytes.len().min(MOST)];
    let is_text = |byte: &u8| !byte.is_ascii_control() || b"\t\r\n".contains(byte);
    if start.starts_with(b"PAR1") {
        "it is a Parquet file; an index of its songs has to be built first"
    } else if start.starts_with(b"\x93NUMPY") {
        "it is a NumPy array; import it into an index first"
    } else if start.starts_with(b"\x1f\x8b") {
        "it is gzip-compressed; if it is a table of songs, build an index of it first (build-index)"
    } else if start.iter().all(is_text) {
        "it is text; if it is a table of songs, build an index of it first (build-index)"
    } else {
        "it does not start with ARROW1"
    }
}

/// What the schema and its metadata say.
struct Layout {
    id: usize,
    embedding: usize,
    twin: Option<[usize; 5]>,
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
    let len = format::message_len(message).unwrap_or(0);
    let message = message.get(8..len).ok_or_else(|| "a batch has no message".to_owned())?;
    let message = arrow_ipc::root_as_message(message)
        .map_err(|error| format!("the message of a batch cannot be read ({error})"))?;
    if usize::try_from(message.bodyLength()) != Ok(place.body.len()) {
        return Err("a batch and the footer disagree about its length".to_owned());
    }
    message
        .header_as_record_batch()
        .ok_or_else(|| "the footer points at something that is no batch".to_owned())
}
