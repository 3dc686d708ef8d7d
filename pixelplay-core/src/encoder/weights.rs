//! The tensors of a checkpoint: one safetensors file, several shards, or embedded bytes.
//!
//! Files stay open and are read where a value is wanted, so that a tower which is never used is
//! never kept in memory, and a checkpoint replaced by another (renamed over it) is still the one
//! opened.
//!
//! They are read and not mapped: the values are re-ordered anyway, a copy through the processor's
//! cache costs next to nothing beside that, and a file that is truncated meanwhile is an error and
//! not the end of the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;

use safetensors::{Dtype, SafeTensorError, tensor::Metadata};

use super::checkpoint::TensorSpec;
use super::error::EncodeError;

/// The longest header accepted, as in the safetensors format's own reader.
const MAX_HEADER: u64 = 100_000_000;
const READ_BUFFER: usize = 1 << 20;

/// Where the tensors of a checkpoint lie.
pub(super) struct Weights {
    sources: Vec<Source>,
    tensors: BTreeMap<String, Location>,
}

struct Source {
    path: PathBuf,
    bytes: Bytes,
}

enum Bytes {
    #[cfg(feature = "mini")]
    Embedded(&'static [u8]),
    File(File),
}

struct Location {
    source: usize,
    /// Of the first byte, counted from the start of the file.
    start: u64,
    len: usize,
    dtype: Dtype,
    shape: Vec<usize>,
}

/// One tensor as it lies in the file: little-endian, row-major.
pub(super) struct RawTensor {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Weights {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
    pub(super) fn open(dir: &Path) -> Result<Self, EncodeError> {
        const WHOLE: &str = "model.safetensors";
        const INDEX: &str = "model.safetensors.index.json";
        let mut weights = Self { sources: Vec::new(), tensors: BTreeMap::new() };
        if dir.join(WHOLE).exists() {
            weights.add_file(dir.join(WHOLE))?;
        } else if dir.join(INDEX).exists() {
            for shard in shards(&dir.join(INDEX))? {
                weights.add_file(dir.join(shard))?;
            }
        } else {
            for pickle in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
                if dir.join(pickle).exists() {
                    return Err(EncodeError::PickledWeights { dir: dir.to_owned(), file: pickle });
                }
            }
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: WHOLE });
        }
        Ok(weights)
    }

    /// Takes the bytes of a safetensors file.
    #[cfg(feature = "mini")]
    pub(super) fn embedded(path: PathBuf, bytes: &'static [u8]) -> Result<Self, EncodeError> {
        let mut weights = Self { sources: Vec::new(), tensors: BTreeMap::new() };
        let mut reader = bytes;
        let header = read_header(&path, &mut reader, bytes.len() as u64)?;
        weights.add(path, Bytes::Embedded(bytes), &header)?;
        Ok(weights)
    }

    fn add_file(&mut self, path: PathBuf) -> Result<(), EncodeError> {
        let mut file = File::open(&path).map_err(EncodeError::io(&path))?;
        let len = file.metadata().map_err(EncodeError::io(&path))?.len();
        let header = read_header(&path, &mut file, len)?;
        self.add(path, Bytes::File(file), &header)
    }

    fn add(&mut self, path: PathBuf, bytes: Bytes, header: &Header) -> Result<(), EncodeError> {
        let source = self.sources.len();
        for (name, info) in header.metadata.tensors() {
            let (start, end) = info.data_offsets;
            let location = Location {
                source,
                start: header.len + start as u64,
                len: end - start,
                dtype: info.dtype,
                shape: info.shape.clone(),
            };
            if self.tensors.insert(name.clone(), location).is_some() {
                return Err(EncodeError::TensorMismatch {
                    path,
                    problems: vec![format!("{name} is also in another shard")],
                });
            }
        }
        self.sources.push(Source { path, bytes });
        Ok(())
    }

    /// The file, or the first shard; for errors.
    pub(super) fn path(&self) -> &Path {
        self.sources.first().map_or(Path::new(""), |s| &s.path)
    }

    /// Checks that the tensors are exactly those in `specs`, in types that can be computed with.
    pub(super) fn check(&self, specs: &[TensorSpec]) -> Result<(), EncodeError> {
        let mut problems = Vec::new();
        for spec in specs {
            let Some(found) = self.tensors.get(&spec.name) else {
                problems.push(format!("{} is missing", spec.name));
                continue;
            };
            if found.shape != spec.shape {
                problems.push(format!(
                    "{} has shape {:?}, expected {:?}",
                    spec.name, found.shape, spec.shape
                ));
            } else if !matches!(found.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                problems.push(format!(
                    "{} has type {:?}, expected F32, F16 or BF16",
                    spec.name, found.dtype
                ));
            }
        }
        let known: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        for name in self.tensors.keys() {
            // Buffers of old transformers, and the temperature of the training loss.
            let harmless = name.ends_with(".position_ids") || name == "logit_scale";
            if !harmless && !known.contains(name.as_str()) {
                problems.push(format!("{name} is unknown"));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(EncodeError::TensorMismatch { path: self.path().to_owned(), problems })
    }

    /// Reads one tensor.
    pub(super) fn read(&self, name: &str) -> Result<RawTensor, EncodeError> {
        let location = self.locate(name)?;
        let mut bytes = Vec::with_capacity(location.len);
        self.for_each_chunk(location, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(RawTensor { dtype: location.dtype, shape: location.shape.clone(), bytes })
    }

    /// The hash of the content of a tensor: its name, type, shape and bytes.
    ///
    /// Not of the place in the file, so that the same tensors in shards hash alike.
    pub(super) fn hash(&self, name: &str) -> Result<blake3::Hash, EncodeError> {
        let location = self.locate(name)?;
        let about = format!("{name} {:?} {:?}\n", location.dtype, location.shape);
        let mut hasher = blake3::Hasher::new();
        hasher.update(about.as_bytes());
        self.for_each_chunk(location, |chunk| {
            hasher.update(chunk);
        })?;
        Ok(hasher.finalize())
    }

    /// The value of a tensor that holds one number, if there is such a tensor.
    pub(super) fn scalar(&self, name: &str) -> Result<Option<f64>, EncodeError> {
        let is_number = |found: &Location| {
            found.shape.iter().all(|&n| n == 1)
                && matches!(found.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16)
        };
        if !self.tensors.get(name).is_some_and(is_number) {
            return Ok(None);
        }
        let mut value = Vec::new();
        let tensor = self.tensor(name)?;
        tensor.read(0..1, &mut Vec::new(), &mut value)?;
        Ok(value.first().copied().map(f64::from))
    }

    /// How many values of a tensor are NaN or infinite.
    pub(super) fn non_finite(&self, name: &str) -> Result<u64, EncodeError> {
        let location = self.locate(name)?;
        // The bits of the exponent; all of them set mean that there is no number.
        let (size, exponent) = match location.dtype {
            Dtype::F32 => (4, 0x7F80_0000_u32),
            Dtype::BF16 => (2, 0x7F80),
            Dtype::F16 => (2, 0x7C00),
            _ => return Ok(0),
        };
        let mut count = 0;
        self.for_each_chunk(location, |chunk| {
            count += chunk
                .chunks_exact(size)
                .map(|value| value.iter().rev().fold(0, |bits, &b| bits << 8 | u32::from(b)))
                .filter(|bits| bits & exponent == exponent)
                .count() as u64;
        })?;
        Ok(count)
    }

    /// The tensors' names.
    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The tensors' types, each once.
    pub(super) fn types(&self) -> Vec<String> {
        let types: BTreeSet<String> =
            self.tensors.values().map(|tensor| format!("{:?}", tensor.dtype)).collect();
        types.into_iter().collect()
    }

    fn locate(&self, name: &str) -> Result<&Location, EncodeError> {
        self.tensors.get(name).ok_or_else(|| EncodeError::TensorMismatch {
            path: self.path().to_owned(),
            problems: vec![format!("{name} is missing")],
        })
    }

    fn for_each_chunk(
        &self,
        location: &Location,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), EncodeError> {
        let source = &self.sources[location.source];
        let mut done = 0;
        let mut buffer = Vec::new();
        while done < location.len {
            let len = (location.len - done).min(READ_BUFFER);
            visit(source.bytes_at(location.start + done as u64, len, &mut buffer)?);
            done += len;
        }
        Ok(())
    }
}

impl Source {
    /// Some bytes of the file, which may be read into `buffer`.
    fn bytes_at<'a>(
        &'a self,
        start: u64,
        len: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], EncodeError> {
        let truncated = || EncodeError::BadWeights {
            path: self.path.clone(),
            source: "the file has become shorter since it was opened".into(),
        };
        match &self.bytes {
            #[cfg(feature = "mini")]
            Bytes::Embedded(bytes) => usize::try_from(start)
                .ok()
                .and_then(|start| bytes.get(start..)?.get(..len))
                .ok_or_else(truncated),
            Bytes::File(file) => {
                buffer.resize(len, 0);
                read_exact_at(file, buffer, start).map_err(|e| match e.kind() {
                    std::io::ErrorKind::UnexpectedEof => truncated(),
                    _ => EncodeError::io(&self.path)(e),
                })?;
                Ok(buffer)
            }
        }
    }
}

/// Reads without moving anybody's place in the file.
#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, start)
}

/// Reads; the place in the file moves, and nobody reads from there.
#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, start) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                start += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A tensor whose values are read piece by piece, in `f32`.
pub(super) struct Tensor<'a> {
    name: &'a str,
    source: &'a Source,
    location: &'a Location,
}

impl Weights {
    pub(super) fn tensor<'a>(&'a self, name: &'a str) -> Result<Tensor<'a>, EncodeError> {
        let location = self.locate(name)?;
        Ok(Tensor { name, source: &self.sources[location.source], location })
    }
}

impl Tensor<'_> {
    /// Reads some of the values, counted along the rows. `bytes` is room that is used again.
    pub(super) fn read(
        &self,
        values: Range<usize>,
        bytes: &mut Vec<u8>,
        out: &mut Vec<f32>,
    ) -> Result<(), EncodeError> {
        let unknown =
            || EncodeError::forward(format!("{} has type {:?}", self.name, self.location.dtype));
        let size = match self.location.dtype {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            // `Weights::check` has refused everything else.
            _ => return Err(unknown()),
        };
        if values.end * size > self.location.len {
            return Err(EncodeError::forward(format!("{} has no value {}", self.name, values.end)));
        }
        let start = self.location.start + (values.start * size) as u64;
        let bytes = self.source.bytes_at(start, values.len() * size, bytes)?;
        out.clear();
        match self.location.dtype {
            Dtype::F32 => {
                let (values, _) = bytes.as_chunks();
                out.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
            }
            Dtype::BF16 => {
                let (values, _) = bytes.as_chunks();
                let bits = values.iter().map(|v| u32::from(u16::from_le_bytes(*v)) << 16);
                out.extend(bits.map(f32::from_bits));
            }
            Dtype::F16 => {
                // Several at once, as processors convert them.
                let (values, _) = bytes.as_chunks();
                out.resize(values.len(), 0.0);
                for (values, out) in values.chunks(64).zip(out.chunks_mut(64)) {
                    let mut halves = [f16::ZERO; 64];
                    for (half, value) in halves.iter_mut().zip(values) {
                        *half = f16::from_le_bytes(*value);
                    }
                    halves[..out.len()].convert_to_f32_slice(out);
                }
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

struct Header {
    /// Bytes before the first tensor.
    len: u64,
    metadata: Metadata,
}

/// Reads the header of a safetensors file of `file_len` bytes, and nothing behind it.
///
/// The crate's own reader wants the whole file in memory. What it checks is checked here too:
/// `Metadata` refuses offsets that overlap, leave gaps or do not fit shape and type.
fn read_header(path: &Path, reader: &mut impl Read, file_len: u64) -> Result<Header, EncodeError> {
    let bad = |source: SafeTensorError| EncodeError::BadWeights {
        path: path.to_owned(),
        source: source.into(),
    };
    let mut prefix = [0; 8];
    if file_len < prefix.len() as u64 {
        return Err(bad(SafeTensorError::HeaderTooSmall));
    }
    reader.read_exact(&mut prefix).map_err(EncodeError::io(path))?;
    let json_len = u64::from_le_bytes(prefix);
    if json_len > MAX_HEADER {
        return Err(bad(SafeTensorError::HeaderTooLarge));
    }
    let len = json_len + prefix.len() as u64;
    if len > file_len {
        return Err(bad(SafeTensorError::InvalidHeaderLength));
    }
    let mut json = Vec::new();
    reader.take(json_len).read_to_end(&mut json).map_err(EncodeError::io(path))?;
    let metadata: Metadata = serde_json::from_slice(&json)
        .map_err(|e| bad(SafeTensorError::InvalidHeaderDeserialization(e)))?;
    if len.checked_add(metadata.data_len() as u64) != Some(file_len) {
        return Err(bad(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(Header { len, metadata })
}

/// The files that an index lists, each once.
pub(super) fn shards(index: &Path) -> Result<BTreeSet<String>, EncodeError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let bad = |source: super::error::Cause| EncodeError::BadJson { path: index.to_owned(), source };
    let json = std::fs::read(index).map_err(EncodeError::io(index))?;
    let index: Index = serde_json::from_slice(&json).map_err(|e| bad(e.into()))?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    // A shard lies beside its index; anything else could name any file of this machine.
    if let Some(outside) = shards.iter().find(|s| Path::new(s).file_name() != Some(s.as_ref())) {
        return Err(bad(format!("the shard {outside:?} is no plain file name").into()));
    }
    if shards.is_empty() {
        return Err(bad("it lists no shards".into()));
    }
    Ok(shards)
}
