//! Opens the encoder and the index named in the arguments.

use std::env;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};
use pixelplay_core::catalog::{self, CatalogError};
use pixelplay_core::encoder::Precision;
use pixelplay_core::index::EditOptions;
use pixelplay_core::{Encoder, EncoderOptions, SongIndex, SongIndexEditor};

use crate::checkpoint::Checkpoint;
use crate::{output, progress};

#[derive(clap::Args)]
pub(crate) struct EncoderArgs {
    /// The encoder: a Hugging Face CLIPModel folder, an OpenCLIP folder with an EfficientNet-Lite,
    /// or a repository on the Hugging Face Hub (hub:ORG/NAME or hub:ORG/NAME@REVISION); without it,
    /// the embedded pixelplay-mini
    ///
    /// Files from the hub are kept in the cache that all Hugging Face clients share. HF_HOME,
    /// HF_TOKEN, HF_HUB_OFFLINE and HF_ENDPOINT mean what they mean to Python's huggingface_hub.
    #[arg(
        long,
        value_name = "FOLDER|hub:ORG/NAME",
        value_parser = OsStringValueParser::new().map(<Checkpoint as From<OsString>>::from)
    )]
    encoder: Option<Checkpoint>,

    /// The number of threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Numeric precision of the encoder: int8 is faster and takes a quarter of the memory, but is
    /// slightly less accurate
    #[arg(long, value_name = "PRECISION", value_enum, default_value_t = PrecisionArg::F32)]
    precision: PrecisionArg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum PrecisionArg {
    F32,
    Int8,
}

impl EncoderArgs {
    pub(crate) fn open(&self) -> Result<Encoder> {
        let options = EncoderOptions {
            threads: self.threads,
            precision: match self.precision {
                PrecisionArg::F32 => Precision::F32,
                PrecisionArg::Int8 => Precision::Int8,
            },
            ..EncoderOptions::default()
        };
        Ok(match &self.encoder {
            Some(checkpoint) => checkpoint.open(options)?,
            None => Encoder::mini_with(options)?,
        })
    }
}

/// Maps an index into memory.
pub(crate) fn index(path: &Path) -> Result<SongIndex> {
    #[expect(unsafe_code, reason = "mapping requires that the file is not changed in place")]
    // SAFETY: PixelPlay only ever replaces a whole index, by renaming a finished file over it. A
    // user who edits the file by other means while a command runs breaks only that command.
    let opened = unsafe { SongIndex::open_mmap(path) };
    Ok(opened?)
}

/// Maps an index into memory to change it; waits while another process changes it.
pub(crate) fn editor(path: &Path, options: EditOptions) -> Result<SongIndexEditor> {
    // Windows cannot replace a file that is mapped.
    if cfg!(windows) {
        return Ok(SongIndexEditor::open(path, options, &mut progress::bar())?);
    }
    #[expect(unsafe_code, reason = "mapping requires that the file is not changed in place")]
    // SAFETY: as in `index`.
    let opened = unsafe { SongIndexEditor::open_mmap(path, options, &mut progress::bar()) };
    Ok(opened?)
}

/// Opens the index at `path`, or else the starter catalogue, which is built on first use.
pub(crate) fn index_or_starter(path: Option<&Path>, encoder: &Encoder) -> Result<SongIndex> {
    match path {
        Some(path) => {
            let index = index(path)?;
            check_space(&index, encoder, path)?;
            Ok(index)
        }
        None => starter(encoder).context("cannot prepare the starter catalogue"),
    }
}

/// Opens the starter catalogue. If the user's cache folder cannot be used (a service without a home,
/// a read-only one), the catalogue is built for this run alone: a cache is not worth failing for.
fn starter(encoder: &Encoder) -> Result<SongIndex> {
    let refused = match catalog::starter_index(encoder, &mut progress::bar()) {
        // If the user chose a folder, no other folder is used instead.
        Err(refused @ CatalogError::Cache { .. }) if !chosen(env::var_os("PIXELPLAY_CACHE")) => {
            refused
        }
        opened => return Ok(opened?),
    };
    // A new folder that only this user can open: in a folder with a known name, others could have
    // put a file first. The index is read into memory, so the folder is not needed afterwards.
    let Ok(folder) = tempfile::tempdir() else {
        return Err(refused.into());
    };
    output::complain(&format!("{refused}; until then, every run builds it again"));
    Ok(catalog::starter_index_in(folder.path(), encoder, &mut progress::bar())?)
}

fn chosen(folder: Option<OsString>) -> bool {
    folder.is_some_and(|folder| !folder.is_empty())
}

/// Fails if the index is from another encoder. The library would refuse the query as well, but only
/// the command line knows which argument helps.
pub(crate) fn check_space(index: &SongIndex, encoder: &Encoder, path: &Path) -> Result<()> {
    if index.dim() != encoder.dim()
        || index.fingerprint().is_some_and(|space| space != encoder.fingerprint())
    {
        bail!(
            "{} was built with another encoder; pass that encoder with --encoder, or rebuild the index with this one",
            path.display()
        );
    }
    Ok(())
}
