//! The tensors of a checkpoint: one safetensors file, several shards, or embedded bytes.
//!
//! Files stay open and are read tensor by tensor, so that a tower which is never used is never
//! kept in memory, and a checkpoint replaced by another (renamed over it) is still the one opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
    File(Mutex<File>),
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
        let mut weights = Self {
            sources: Vec::new(),
            tensors: BTreeMap::new(),
        };
        if dir.join(WHOLE).exists() {
            weights.add_file(dir.join(WHOLE))?;
        } else if dir.join(INDEX).exists() {
            for shard in shards(&dir.join(INDEX))? {
                weights.add_file(dir.join(shard))?;
            }
        } else {
            for pickle in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
                if dir.join(pickle).exists() {
                    return Err(EncodeError::PickledWeights {
                        dir: dir.to_owned(),
                        file: pickle,
                    });
                }
            }
            return Err(EncodeError::MissingFile {
                dir: dir.to_owned(),
                file: WHOLE,
            });
        }
        Ok(weights)
    }

    /// Takes the bytes of a safetensors file.
    #[cfg(feature = "mini")]
    pub(super) fn embedded(path: PathBuf, bytes: &'static [u8]) -> Result<Self, EncodeError> {
        let mut weights = Self {
            sources: Vec::new(),
            tensors: BTreeMap::new(),
        };
        let mut reader = bytes;
        let header = read_header(&path, &mut reader, bytes.len() as u64)?;
        weights.add(path, Bytes::Embedded(bytes), &header)?;
        Ok(weights)
    }

    fn add_file(&mut self, path: PathBuf) -> Result<(), EncodeError> {
        let mut file = File::open(&path).map_err(EncodeError::io(&path))?;
        let len = file.metadata().map_err(EncodeError::io(&path))?.len();
        let header = read_header(&path, &mut file, len)?;
        self.add(path, Bytes::File(Mutex::new(file)), &header)
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
        Err(EncodeError::TensorMismatch {
            path: self.path().to_owned(),
            problems,
        })
    }

    /// Reads one tensor.
    pub(super) fn read(&self, name: &str) -> Result<RawTensor, EncodeError> {
        let location = self.locate(name)?;
        let mut bytes = Vec::with_capacity(location.len);
        self.for_each_chunk(location, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(RawTensor {
            dtype: location.dtype,
            shape: location.shape.clone(),
            bytes,
        })
    }

    /// Feeds the content of a tensor to a hasher: its name, type, shape and bytes.
    ///
    /// Not the place in the file, so that the same tensors in shards hash alike.
    pub(super) fn hash(&self, name: &str, hasher: &mut blake3::Hasher) -> Result<(), EncodeError> {
        let location = self.locate(name)?;
        let about = format!("{name} {:?} {:?}\n", location.dtype, location.shape);
        hasher.update(about.as_bytes());
        self.for_each_chunk(location, |chunk| {
            hasher.update(chunk);
        })
    }

    /// The value of a tensor that holds one `f32`, if there is such a tensor.
    pub(super) fn scalar(&self, name: &str) -> Result<Option<f64>, EncodeError> {
        if !self.tensors.contains_key(name) {
            return Ok(None);
        }
        let tensor = self.read(name)?;
        let bytes = <[u8; 4]>::try_from(&*tensor.bytes).ok();
        let value = bytes
            .filter(|_| tensor.dtype == Dtype::F32)
            .map(f32::from_le_bytes);
        Ok(value.map(f64::from))
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
                .map(|value| {
                    value
                        .iter()
                        .rev()
                        .fold(0, |bits, &b| bits << 8 | u32::from(b))
                })
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
        let types: BTreeSet<String> = self
            .tensors
            .values()
            .map(|tensor| format!("{:?}", tensor.dtype))
            .collect();
        types.into_iter().collect()
    }

    fn locate(&self, name: &str) -> Result<&Location, EncodeError> {
        self.tensors
            .get(name)
            .ok_or_else(|| EncodeError::TensorMismatch {
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
        let truncated = || EncodeError::BadWeights {
            path: source.path.clone(),
            source: "the file has become shorter since it was opened".into(),
        };
        match &source.bytes {
            #[cfg(feature = "mini")]
            Bytes::Embedded(bytes) => {
                let chunk = usize::try_from(location.start)
                    .ok()
                    .and_then(|start| bytes.get(start..)?.get(..location.len))
                    .ok_or_else(truncated)?;
                visit(chunk);
            }
            Bytes::File(file) => {
                let io = |e: std::io::Error| match e.kind() {
                    std::io::ErrorKind::UnexpectedEof => truncated(),
                    _ => EncodeError::io(&source.path)(e),
                };
                // A reader that panicked leaves only the file position behind, and that is set here.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(location.start)).map_err(io)?;
                let mut left = location.len;
                let mut buffer = vec![0; left.min(READ_BUFFER)];
                while left > 0 {
                    let chunk = &mut buffer[..left.min(READ_BUFFER)];
                    file.read_exact(chunk).map_err(io)?;
                    visit(chunk);
                    left -= chunk.len();
                }
            }
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
    reader
        .read_exact(&mut prefix)
        .map_err(EncodeError::io(path))?;
    let json_len = u64::from_le_bytes(prefix);
    if json_len > MAX_HEADER {
        return Err(bad(SafeTensorError::HeaderTooLarge));
    }
    let len = json_len + prefix.len() as u64;
    if len > file_len {
        return Err(bad(SafeTensorError::InvalidHeaderLength));
    }
    let mut json = Vec::new();
    reader
        .take(json_len)
        .read_to_end(&mut json)
        .map_err(EncodeError::io(path))?;
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
    let bad = |source: super::error::Cause| EncodeError::BadJson {
        path: index.to_owned(),
        source,
    };
    let json = std::fs::read(index).map_err(EncodeError::io(index))?;
    let index: Index = serde_json::from_slice(&json).map_err(|e| bad(e.into()))?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    // A shard lies beside its index; anything else could name any file of this machine.
    if let Some(outside) = shards
        .iter()
        .find(|s| Path::new(s).file_name() != Some(s.as_ref()))
    {
        return Err(bad(
            format!("the shard {outside:?} is no plain file name").into()
        ));
    }
    if shards.is_empty() {
        return Err(bad("it lists no shards".into()));
    }
    Ok(shards)
}
