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
use std::path::{Path, PathBuf};

use safetensors::Dtype;

use super::expected_tensors::TensorSpec;
use super::header::{Header, read_header};
use super::source::{Bytes, Location, Source};
use super::tensor::{RawTensor, Tensor};
use crate::encoder::error::EncodeError;
use crate::encoder::files;

const READ_BUFFER: usize = 1 << 20;

/// Where the tensors of a checkpoint lie.
#[derive(Default)]
pub(in crate::encoder) struct Weights {
    sources: Vec<Source>,
    tensors: BTreeMap<String, Location>,
}

impl Weights {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
    pub(in crate::encoder) fn open(dir: &Path) -> Result<Self, EncodeError> {
        let mut weights = Self::default();
        if dir.join(files::WEIGHTS).exists() {
            weights.add_file(dir.join(files::WEIGHTS))?;
        } else if dir.join(files::WEIGHTS_INDEX).exists() {
            for shard in shards(&dir.join(files::WEIGHTS_INDEX))? {
                weights.add_file(dir.join(shard))?;
            }
        } else {
            for pickle in files::PICKLES {
                if dir.join(pickle).exists() {
                    return Err(EncodeError::PickledWeights { dir: dir.to_owned(), file: pickle });
                }
            }
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: files::WEIGHTS });
        }
        Ok(weights)
    }

    /// Takes the bytes of a safetensors file.
    #[cfg(feature = "mini")]
    pub(in crate::encoder) fn embedded(
        path: PathBuf,
        bytes: &'static [u8],
    ) -> Result<Self, EncodeError> {
        let mut weights = Self::default();
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
    pub(in crate::encoder) fn path(&self) -> &Path {
        self.sources.first().map_or(Path::new(""), |s| &s.path)
    }

    /// Checks that the tensors are exactly those in `specs`, in types that can be computed with.
    pub(in crate::encoder) fn check(&self, specs: &[TensorSpec]) -> Result<(), EncodeError> {
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
    pub(in crate::encoder) fn read(&self, name: &str) -> Result<RawTensor, EncodeError> {
        let location = self.locate(name)?;
        let mut bytes = Vec::with_capacity(location.len);
        self.for_each_chunk(location, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(RawTensor { dtype: location.dtype, shape: location.shape.clone(), bytes })
    }

    /// The hash of the content of a tensor: its name, type, shape and bytes.
    ///
    /// Not of the place in the file, so that the same tensors in shards hash alike.
    pub(in crate::encoder) fn hash(&self, name: &str) -> Result<blake3::Hash, EncodeError> {
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
    pub(in crate::encoder) fn scalar(&self, name: &str) -> Result<Option<f64>, EncodeError> {
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
    pub(in crate::encoder) fn non_finite(&self, name: &str) -> Result<u64, EncodeError> {
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
    pub(in crate::encoder) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The tensors' types, each once.
    pub(in crate::encoder) fn types(&self) -> Vec<String> {
        let types: BTreeSet<String> =
            self.tensors.values().map(|tensor| format!("{:?}", tensor.dtype)).collect();
        types.into_iter().collect()
    }

    /// A tensor whose values are read piece by piece.
    pub(in crate::encoder) fn tensor<'a>(
        &'a self,
        name: &'a str,
    ) -> Result<Tensor<'a>, EncodeError> {
        let location = self.locate(name)?;
        Ok(Tensor { name, source: &self.sources[location.source], location })
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

/// The files that an index lists, each once.
fn shards(index: &Path) -> Result<BTreeSet<String>, EncodeError> {
    let json = std::fs::read(index).map_err(EncodeError::io(index))?;
    files::shards_in(&json).map_err(EncodeError::bad_json(index))
}
