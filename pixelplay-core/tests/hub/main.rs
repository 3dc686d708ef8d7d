//! Downloads checkpoints from a hub that behaves, misbehaves or is missing: a real HTTP server on
//! the loopback interface with a small real checkpoint.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

mod cache;
#[allow(dead_code, reason = "the tests of the encoder use the rest")]
#[path = "../support/checkpoints.rs"]
mod checkpoints;
mod conversion;
mod downloads;
#[path = "../support/explain.rs"]
mod explain;
mod fake_hub;
mod faults;
mod refusals;
#[path = "../support/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pixelplay_core::HttpProxy;
use pixelplay_core::encoder::hub::{HubError, HubOptions, HubSnapshot, HubToken, download};
use tempfile::TempDir;

use checkpoints::Checkpoint;
use explain::explain;
use fake_hub::{FakeHub, File};

pub(crate) const REPO: &str = "org/clip";

/// A hub with one good checkpoint, and an empty cache.
pub(crate) struct Scene {
    pub(crate) hub: FakeHub,
    pub(crate) cache: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { hub: FakeHub::start(REPO, checkpoint_files()), cache: tempfile::tempdir().unwrap() }
    }

    /// Options that do not depend on the environment.
    pub(crate) fn options(&self) -> HubOptions {
        HubOptions {
            cache: Some(self.cache.path().to_owned()),
            endpoint: Some(self.hub.hub.url()),
            token: HubToken::None,
            offline: Some(false),
            proxy: HttpProxy::Direct,
            timeout: Some(Duration::from_secs(5)),
            retries: 2,
            retry_wait: Duration::from_millis(1),
            ..HubOptions::default()
        }
    }

    pub(crate) fn get(&self) -> Result<HubSnapshot, HubError> {
        self.get_with(&self.options())
    }

    pub(crate) fn get_with(&self, options: &HubOptions) -> Result<HubSnapshot, HubError> {
        download(REPO, options, &mut ())
    }

    pub(crate) fn fails(&self) -> String {
        explain(&self.get().unwrap_err())
    }

    pub(crate) fn offline(&self) -> HubOptions {
        HubOptions { offline: Some(true), ..self.options() }
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.cache.path().join("models--org--clip")
    }

    pub(crate) fn blob(&self, file: &str) -> PathBuf {
        self.repo().join("blobs").join(self.etag(file))
    }

    pub(crate) fn partial(&self, file: &str) -> PathBuf {
        let name = format!("{}.incomplete", self.etag(file));
        self.repo().join("blobs").join(name)
    }

    fn etag(&self, file: &str) -> String {
        let world = self.hub.world.lock().unwrap();
        let found = world.files.iter().find(|known| known.name == file);
        found.unwrap().etag()
    }
}

pub(crate) fn checkpoint_files() -> Vec<File> {
    let checkpoint = Checkpoint::small();
    vec![
        File::new("config.json", checkpoint.config.to_string()),
        File::new("preprocessor_config.json", checkpoint.preprocessor.to_string()),
        File::new("tokenizer.json", checkpoint.tokenizer.to_string()),
        File::new("model.safetensors", checkpoint.weights()),
        // These are never requested.
        File::new("README.md", "# CLIP"),
        File::new("pytorch_model.bin", "a pickle"),
    ]
}

/// All files in a folder and its subfolders, as sorted relative paths.
pub(crate) fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap();
                found.push(relative.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// Checks that a failed download left nothing that could be mistaken for a checkpoint.
pub(crate) fn assert_nothing_is_published(scene: &Scene, file: &str) {
    assert!(!scene.blob(file).exists());
    let published: Vec<_> = tree(&scene.repo())
        .into_iter()
        .filter(|path| path.starts_with("refs/") || path.ends_with(file))
        .collect();
    assert!(published.is_empty(), "{published:?}");
    let offline = scene.get_with(&scene.offline());
    assert!(matches!(offline, Err(HubError::NotCached { .. })), "{offline:?}");
}
