//! Checkpoint arguments: a folder, or a repository on the Hugging Face Hub.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::encoder::hub::{self, HubOptions, HubSnapshot};
use pixelplay_core::{Encoder, EncoderOptions};

use crate::{output, progress};

#[derive(Clone)]
pub(crate) enum Checkpoint {
    Folder(PathBuf),
    Hub { repo: String, revision: Option<String> },
}

impl From<OsString> for Checkpoint {
    /// Parses `hub:ORG/NAME[@REVISION]`; anything else is a folder. Write a folder whose name
    /// starts with `hub:` as `./hub:...`.
    fn from(argument: OsString) -> Self {
        match argument.to_str().and_then(|text| text.strip_prefix("hub:")) {
            None => Self::Folder(argument.into()),
            Some(name) => {
                let (repo, revision) = match name.split_once('@') {
                    Some((repo, revision)) => (repo, Some(revision.to_owned())),
                    None => (name, None),
                };
                Self::Hub { repo: repo.to_owned(), revision }
            }
        }
    }
}

impl Checkpoint {
    pub(crate) fn open(&self, options: EncoderOptions) -> Result<Encoder> {
        Ok(match self {
            Self::Folder(folder) => Encoder::open_with(folder, options)?,
            Self::Hub { repo, revision } => download(repo, revision.as_deref())?.open(options)?,
        })
    }

    pub(crate) fn folder(&self) -> Result<PathBuf> {
        match self {
            Self::Folder(folder) => Ok(folder.clone()),
            Self::Hub { repo, revision } => Ok(download(repo, revision.as_deref())?.dir),
        }
    }
}

fn download(repo: &str, revision: Option<&str>) -> Result<HubSnapshot> {
    let options = HubOptions { revision: revision.map(str::to_owned), ..HubOptions::default() };
    let snapshot = hub::download(repo, &options, &mut progress::bar())?;
    if let Some(error) = &snapshot.unchecked {
        output::complain(&format!(
            "{error}; using the cached copy of {repo} at commit {}",
            snapshot.commit
        ));
    }
    if snapshot.revision != snapshot.requested {
        output::complain(&format!(
            "{repo} has no safetensors on {}; the weights come from the hub converter's pull request {}, commit {}",
            snapshot.requested, snapshot.revision, snapshot.commit
        ));
    }
    Ok(snapshot)
}
