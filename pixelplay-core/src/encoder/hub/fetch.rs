//! Fetches a single file of a repository into the cache.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::cache::Cache;
use super::error::HubError;
use super::http::{Answer, Client, Metadata, sleep};
use super::name::{Commit, Revision};
use super::settings::Settings;
use crate::cause::Cause;
use crate::http::header;
use crate::progress::{Progress, Stage};

const BUFFER: usize = 1 << 18;
/// The maximum size of a JSON file, far more than needed: CLIP's largest, the tokenizer, has 2 MB.
const LARGEST_JSON: u64 = 1 << 28;
/// How often to check whether another process has finished its download.
const LOCK_POLL: Duration = Duration::from_millis(50);

pub(super) struct Downloads<'a> {
    pub(super) client: Client<'a>,
    pub(super) settings: &'a Settings,
    pub(super) cache: &'a Cache,
    pub(super) commit: Commit,
    pub(super) progress: &'a mut dyn Progress,
}

impl Downloads<'_> {
    /// Fetches a file, unless it is in the cache. Returns `None` if the repository has no such
    /// file.
    pub(super) fn file(&mut self, file: &str) -> Result<Option<PathBuf>, HubError> {
        if let Some(path) = self.cache.file(&self.commit, file) {
            return Ok(Some(path));
        }
        if self.cache.is_known_missing(&self.commit, file) {
            return Ok(None);
        }
        let metadata = match self.ask(file)? {
            Answer::Here(metadata) => metadata,
            Answer::Missing { is_certain } => {
                if is_certain {
                    self.cache.set_missing(&self.commit, file);
                }
                return Ok(None);
            }
        };
        self.check_metadata(file, &metadata)?;
        self.cache.create_dirs(&self.commit)?;
        let mut report =
            Stage::new(self.progress, stage(file), (metadata.size > 0).then_some(metadata.size));
        let _lock =
            self.cache.lock(&metadata.etag, || sleep(LOCK_POLL, &mut || Ok(report.tick()?)))?;
        // The previous holder of the lock may have downloaded it.
        if let Some(path) = self.cache.file(&self.commit, file) {
            return Ok(Some(path));
        }
        let is_new = !self.cache.blob(&metadata.etag).is_file();
        if is_new {
            self.blob(file, &metadata)?;
        }
        let path = self.cache.link(&metadata.etag, &self.commit, file, is_new)?;
        Ok(Some(path))
    }

    /// Returns whether the repository has a file, without downloading it.
    pub(super) fn exists(&mut self, file: &str) -> Result<bool, HubError> {
        Ok(matches!(self.ask(file)?, Answer::Here(_)))
    }

    fn ask(&mut self, file: &str) -> Result<Answer, HubError> {
        let revision = Revision::parse(self.commit.as_str())?;
        let mut report = Stage::new(self.progress, "asking the hub", None);
        self.client.with_retries(self.settings.retries, &mut || Ok(report.tick()?), || {
            self.client.metadata(&revision, file)
        })
    }

    fn check_metadata(&self, file: &str, metadata: &Metadata) -> Result<(), HubError> {
        let url = self.client.url(self.commit.as_str(), file);
        if metadata.commit != self.commit {
            return Err(HubError::bad_response(
                &url,
                format!("it returned a file of commit {}", metadata.commit.as_str()),
            ));
        }
        if !file.ends_with(".safetensors") && metadata.size > LARGEST_JSON {
            let size = metadata.size;
            return Err(HubError::bad_response(
                &url,
                format!("the file has {size} bytes, at most {LARGEST_JSON} are accepted"),
            ));
        }
        Ok(())
    }

    /// Downloads the content to a temporary file, checks it, and only then moves it into place.
    fn blob(&mut self, file: &str, metadata: &Metadata) -> Result<(), HubError> {
        let path = self.cache.partial(&metadata.etag);
        let mut partial = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(HubError::write(&path))?;
        self.fetch_into(file, metadata, &path, &mut partial)?;
        if let Err(error) = self.check(file, metadata, &path, &mut partial) {
            if matches!(error, HubError::Damaged { .. }) {
                fs::remove_file(&path).map_err(HubError::write(&path))?;
            }
            return Err(error);
        }
        partial.sync_all().map_err(HubError::write(&path))?;
        drop(partial);
        let blob = self.cache.blob(&metadata.etag);
        fs::rename(&path, &blob).map_err(HubError::write(&blob))
    }

    /// Downloads the rest of a file, part of which may already be on disk, and retries as long as
    /// bytes arrive.
    fn fetch_into(
        &mut self,
        file: &str,
        metadata: &Metadata,
        path: &Path,
        partial: &mut File,
    ) -> Result<(), HubError> {
        let mut report =
            Stage::new(self.progress, stage(file), (metadata.size > 0).then_some(metadata.size));
        let mut have = partial.seek(SeekFrom::End(0)).map_err(HubError::write(path))?;
        let mut failures = 0;
        loop {
            if have > metadata.size {
                // The partial file belongs to something else, or two programs wrote to it at the
                // same time.
                restart(path, partial)?;
                have = 0;
            }
            report.at(have)?;
            if have == metadata.size {
                return Ok(());
            }
            let before = have;
            let result = self.client.content(&self.commit, file, have).and_then(|response| {
                append(
                    response,
                    metadata.size,
                    &self.client.url(self.commit.as_str(), file),
                    path,
                    partial,
                    &mut have,
                    &mut report,
                )
            });
            match result {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    if have > before {
                        failures = 0;
                    }
                    if failures == self.settings.retries {
                        return Err(error);
                    }
                    self.client.wait_after(error, failures, &mut || Ok(report.tick()?))?;
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Hashes the file on disk, which another process may have written.
    fn check(
        &mut self,
        file: &str,
        metadata: &Metadata,
        path: &Path,
        partial: &mut File,
    ) -> Result<(), HubError> {
        let mut report = Stage::new(
            self.progress,
            "checking the download",
            (metadata.size > 0).then_some(metadata.size),
        );
        let mut hasher = metadata.etag.hasher(metadata.size);
        let mut buffer = vec![0; BUFFER];
        let mut done = 0;
        partial.rewind().map_err(HubError::read(path))?;
        loop {
            let len = partial.read(&mut buffer).map_err(HubError::read(path))?;
            if len == 0 {
                break;
            }
            hasher.update(&buffer[..len]);
            done += len as u64;
            report.at(done)?;
        }
        let (found, expected) = (hasher.finish(), metadata.etag.as_str());
        if found == expected {
            return Ok(());
        }
        Err(HubError::Damaged {
            url: self.client.url(self.commit.as_str(), file),
            problem: format!("its hash is {found}, expected {expected}"),
        })
    }
}

/// Appends the body of an answer to the partial file.
fn append(
    mut response: Response<Body>,
    size: u64,
    url: &str,
    path: &Path,
    partial: &mut File,
    have: &mut u64,
    report: &mut Stage<'_>,
) -> Result<(), HubError> {
    let cut = |source: Cause| HubError::Network { url: url.to_owned(), source };
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = header(&response, "content-range").unwrap_or_default();
            if !range.starts_with(&format!("bytes {have}-")) {
                return Err(HubError::bad_response(
                    url,
                    format!("asked for the bytes from {have} on, it returned {range:?}"),
                ));
            }
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            restart(path, partial)?;
            *have = 0;
            return Err(cut("the server does not have the rest of the file".into()));
        }
        // The server sent the whole file, requested or not.
        _ if *have > 0 => {
            restart(path, partial)?;
            *have = 0;
        }
        _ => {}
    }
    partial.seek(SeekFrom::Start(*have)).map_err(HubError::write(path))?;
    // Reads one byte more than expected, so that an endless body is noticed and not written to
    // disk.
    let mut body = response.body_mut().as_reader().take(size - *have + 1);
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                // The read was interrupted by a signal, perhaps by Ctrl-C.
                report.tick()?;
                continue;
            }
            Err(error) => return Err(cut(error.into())),
        };
        partial.write_all(&buffer[..len]).map_err(HubError::write(path))?;
        *have += len as u64;
        if *have > size {
            fs::remove_file(path).map_err(HubError::write(path))?;
            return Err(HubError::Damaged {
                url: url.to_owned(),
                problem: format!("more than the {size} bytes announced"),
            });
        }
        report.at(*have)?;
    }
    if *have < size {
        return Err(cut(format!("the connection ended after {have} of {size} bytes").into()));
    }
    Ok(())
}

fn restart(path: &Path, partial: &mut File) -> Result<(), HubError> {
    partial.set_len(0).map_err(HubError::write(path))
}

fn stage(file: &str) -> &'static str {
    match file {
        "config.json" => "downloading config.json",
        "preprocessor_config.json" => "downloading preprocessor_config.json",
        "processor_config.json" => "downloading processor_config.json",
        "tokenizer.json" => "downloading tokenizer.json",
        "vocab.json" => "downloading vocab.json",
        "merges.txt" => "downloading merges.txt",
        "model.safetensors" => "downloading model.safetensors",
        "model.safetensors.index.json" => "downloading model.safetensors.index.json",
        _ => "downloading a part of the weights",
    }
}
