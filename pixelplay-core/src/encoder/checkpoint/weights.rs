//! The tensors of a checkpoint: one safetensors file, several shards, or embedded bytes.
//!
//! Files stay open, and values are read when they are needed. So a tower that is never used takes
//! no memory, and if another checkpoint is renamed over the opened one, the opened one is still
//! read.
//!
//! Files are read, not mapped: the values are re-ordered anyway, so an additional copy through the
//! processor's cache costs almost nothing, and if a file is truncated meanwhile, the result is an
//! error and not a crash.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::Dtype;

use super::eight_bits::{EightBits, SCALE};
use super::expected_tensors::TensorSpec;
use super::header::{Header, read_header};
use super::source::{Bytes, Location, Source};
use super::tensor::{RawTensor, Tensor};
use crate::encoder::error::EncodeError;
use crate::encoder::files::{self, WeightFiles};

const READ_BUFFER: usize = 1 << 20;

/// The locations of all tensors of a checkpoint.
#[derive(Default)]
pub(in crate::encoder) struct Weights {
    sources: Vec<Source>,
    tensors: BTreeMap<String, Location>,
}

impl Weights {
    /// Opens the weights file of a layout, or the shards that its index lists.
    pub(in crate::encoder) fn open(dir: &Path, names: &WeightFiles) -> Result<Self, EncodeError> {
        let mut weights = Self::default();
        let (whole, index) = (dir.join(names.whole), names.index.map(|index| dir.join(index)));
        if whole.exists() {
            weights.add_file(whole)?;
        } else if let Some(index) = index.filter(|index| index.exists()) {
            for shard in shards(&index)? {
                weights.add_file(dir.join(shard))?;
            }
        } else {
            for pickle in names.pickles {
                if dir.join(pickle).exists() {
                    return Err(EncodeError::PickledWeights { dir: dir.to_owned(), file: pickle });
                }
            }
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: names.whole });
        }
        Ok(weights)
    }

    /// Uses the bytes of an embedded safetensors file.
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
        self.expand_eight_bits(source)
    }

    /// Replaces the tensors of a file that are stored in eight bits with views of them as floats.
    fn expand_eight_bits(&mut self, source: usize) -> Result<(), EncodeError> {
        let stored: Vec<String> = self
            .tensors
            .iter()
            .filter(|(name, location)| {
                location.source == source
                    && location.dtype == Dtype::I8
                    && self.tensors.contains_key(&format!("{name}{SCALE}"))
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in stored {
            let scale = format!("{name}{SCALE}");
            let mut scales = Vec::new();
            let count = self.locate(&scale)?.shape.iter().product();
            self.tensor(&scale)?.read(0..count, &mut Vec::new(), &mut scales)?;
            let Location { start, len, ref shape, .. } = *self.locate(&name)?;
            let Source { path, bytes } = &self.sources[source];
            let path = path.clone();
            let wrong = || EncodeError::TensorMismatch {
                path: path.clone(),
                problems: vec![format!("{scale} must have one value per row of {name}")],
            };
            if shape.first() != Some(&scales.len()) {
                return Err(wrong());
            }
            let values = match bytes {
                #[cfg(feature = "mini")]
                Bytes::Embedded(bytes) => {
                    let start = usize::try_from(start).map_err(EncodeError::forward)?;
                    Cow::Borrowed(&bytes[start..start + len])
                }
                _ => Cow::Owned(self.read(&name)?.bytes),
            };
            let shape = shape.clone();
            let bytes = EightBits::new(values, scales).map(Bytes::EightBits).ok_or_else(wrong)?;
            let location = Location {
                source: self.sources.len(),
                start: 0,
                len: len * size_of::<f32>(),
                dtype: Dtype::F32,
                shape,
            };
            self.sources.push(Source { path, bytes });
            self.tensors.remove(&scale);
            self.tensors.insert(name, location);
        }
        Ok(())
    }

    /// Returns the path of the file, or of the first shard, for error messages.
    pub(in crate::encoder) fn path(&self) -> &Path {
        self.sources.first().map_or(Path::new(""), |s| &s.path)
    }

    /// Checks that the tensors are exactly those in `specs`, with supported types.
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
            // Buffers from old transformers versions and from batch norms, and parameters that only
            // the training loss uses.
            let harmless = [".position_ids", ".num_batches_tracked"]
                .iter()
                .any(|buffer| name.ends_with(buffer))
                || ["logit_scale", "logit_bias"].contains(&name.as_str());
            if !harmless && !known.contains(name.as_str()) {
                problems.push(format!("{name} is unknown"));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(EncodeError::TensorMismatch { path: self.path().to_owned(), problems })
    }

    /// Makes a tensor available under an additional name.
    pub(super) fn add_name(&mut self, from: &str, name: String) -> Result<(), EncodeError> {
        let location = self.locate(from)?.clone();
        self.tensors.insert(name, location);
        Ok(())
    }

    /// Makes some rows of a tensor available under a name.
    pub(super) fn add_rows(
        &mut self,
        from: &str,
        rows: Range<usize>,
        name: String,
    ) -> Result<(), EncodeError> {
        let mut location = self.locate(from)?.clone();
        let all = location.shape.first().copied().unwrap_or(0);
        if rows.end > all || rows.start > rows.end {
            return Err(EncodeError::forward(format!("{from} has {all} rows, not {rows:?}")));
        }
        let each = location.len / all.max(1);
        location.start += (rows.start * each) as u64;
        location.len = rows.len() * each;
        location.shape[0] = rows.len();
        self.tensors.insert(name, location);
        Ok(())
    }

    /// Adds a transposed copy of a matrix under a new name.
    pub(super) fn add_transposed(&mut self, from: &str, name: String) -> Result<(), EncodeError> {
        let RawTensor { dtype, shape, bytes } = self.read(from)?;
        let &[rows, columns] = &shape[..] else {
            return Err(EncodeError::forward(format!("{from} is not a matrix")));
        };
        let size = bytes.len().checked_div(rows * columns).unwrap_or(0);
        let mut transposed = Vec::with_capacity(bytes.len());
        for column in 0..columns {
            for row in 0..rows {
                transposed.extend_from_slice(&bytes[(row * columns + column) * size..][..size]);
            }
        }
        let location = Location {
            source: self.sources.len(),
            start: 0,
            len: transposed.len(),
            dtype,
            shape: vec![columns, rows],
        };
        let path = self.path().to_owned();
        self.sources.push(Source { path, bytes: Bytes::Owned(transposed) });
        self.tensors.insert(name, location);
        Ok(())
    }

    /// Reads one tensor.
    pub(in crate::encoder) fn read(&self, name: &str) -> Result<RawTensor, EncodeError> {
        let location = self.locate(name)?;
        let mut bytes = Vec::with_capacity(location.len);
        self.for_each_chunk(location, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(RawTensor { dtype: location.dtype, shape: location.shape.clone(), bytes })
    }

    /// Hashes the content of a tensor: its name, type, shape and bytes.
    ///
    /// The position in the file is not hashed, so the same tensors in shards have the same hashes.
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

    /// Returns the value of a tensor that contains one number, if there is such a tensor.
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

    /// Returns how many values of a tensor are NaN or infinite.
    pub(in crate::encoder) fn non_finite(&self, name: &str) -> Result<u64, EncodeError> {
        let location = self.locate(name)?;
        // The bits of the exponent. If all of them are set, the value is NaN or infinite.
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

    /// Returns the names of the tensors.
    pub(in crate::encoder) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns the types of the tensors, each listed once.
    pub(in crate::encoder) fn types(&self) -> Vec<String> {
        let types: BTreeSet<String> =
            self.tensors.values().map(|tensor| format!("{:?}", tensor.dtype)).collect();
        types.into_iter().collect()
    }

    /// Returns a tensor whose values are read piece by piece.
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

/// Returns the files that an index lists, each once.
fn shards(index: &Path) -> Result<BTreeSet<String>, EncodeError> {
    let json = std::fs::read(index).map_err(EncodeError::io(index))?;
    files::shards_in(&json).map_err(EncodeError::bad_json(index))
}
