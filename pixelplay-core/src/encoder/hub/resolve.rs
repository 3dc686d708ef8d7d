//! Resolves a revision to a commit, and decides when to use the converter's pull request instead of
//! `main`.
//!
//! Many older repositories have only pickled weights on `main`. In most of them the hub's converter
//! has opened a pull request that adds the same weights as safetensors. Like transformers, we take
//! them from there automatically, and report it.

use super::cache::Cache;
use super::collect::{SHARD, collect};
use super::error::HubError;
use super::http::{Answer, Client};
use super::name::{Commit, Repo, Revision};
use crate::encoder::files;

/// Files with the weights, or with the list of their shards.
const WEIGHTS: [&str; 2] = [files::WEIGHTS, files::WEIGHTS_INDEX];

/// The repository revision from which all files are taken.
pub(super) struct Resolved {
    pub(super) revision: Revision,
    pub(super) commit: Commit,
    /// The commit of the requested revision. It differs from `commit` if a pull request is used
    /// instead.
    pub(super) requested: Commit,
}

/// The requested checkpoint.
pub(super) struct Request<'a> {
    pub(super) repo: &'a Repo,
    pub(super) revision: &'a Revision,
    /// Whether the converter's pull request may be used instead.
    pub(super) follow: bool,
}

impl Request<'_> {
    /// Returns a complete snapshot in the cache, or else the first missing file.
    pub(super) fn in_cache(&self, cache: &Cache) -> Result<Result<Resolved, String>, HubError> {
        let lacking = match complete(cache, self.revision)? {
            Ok(commit) => {
                return Ok(Ok(Resolved {
                    revision: self.revision.clone(),
                    requested: commit.clone(),
                    commit,
                }));
            }
            Err(lacking) => lacking,
        };
        // The pull request is used only if `main` is known to lack weights: they may merely not be
        // cached yet.
        let is_known_to_lack =
            |commit: &Commit| WEIGHTS.iter().all(|file| cache.is_known_missing(commit, file));
        if self.follow
            && let Some(requested) = cache.commit_of(self.revision).filter(is_known_to_lack)
        {
            let mut found: Option<Resolved> = None;
            for revision in cache.pull_requests() {
                let Ok(commit) = complete(cache, &revision)? else {
                    continue;
                };
                // The cache does not record who opened a pull request, so the choice must be
                // unambiguous.
                if found.as_ref().is_some_and(|other| other.commit != commit) {
                    return Ok(Err(lacking));
                }
                found.get_or_insert(Resolved { revision, commit, requested: requested.clone() });
            }
            if let Some(found) = found {
                return Ok(Ok(found));
            }
        }
        Ok(Err(lacking))
    }

    /// Resolves the request by asking the hub.
    pub(super) fn on_hub(
        &self,
        client: &Client<'_>,
        cache: &Cache,
        retries: u32,
        on_tick: &mut dyn FnMut() -> Result<(), HubError>,
    ) -> Result<Resolved, HubError> {
        let requested = self.commit_on_hub(self.revision, client, retries, on_tick)?;
        if self.follow
            && lacks_safetensors(&requested, client, cache, retries, on_tick)?
            && let Some(revision) = conversion(client, retries, on_tick)?
        {
            return Ok(Resolved {
                commit: self.commit_on_hub(&revision, client, retries, on_tick)?,
                revision,
                requested,
            });
        }
        Ok(Resolved { revision: self.revision.clone(), commit: requested.clone(), requested })
    }

    fn commit_on_hub(
        &self,
        revision: &Revision,
        client: &Client<'_>,
        retries: u32,
        on_tick: &mut dyn FnMut() -> Result<(), HubError>,
    ) -> Result<Commit, HubError> {
        let file = files::CONFIG;
        match client.with_retries(retries, on_tick, || client.metadata(revision, file))? {
            Answer::Here(metadata) => Ok(metadata.commit),
            Answer::Missing { .. } => Err(HubError::MissingFile {
                repo: self.repo.as_str().to_owned(),
                commit: revision.as_str().to_owned(),
                file,
            }),
        }
    }
}

/// Returns the commit of a revision whose snapshot is complete, or else the first missing file.
fn complete(cache: &Cache, revision: &Revision) -> Result<Result<Commit, String>, HubError> {
    let Some(commit) = cache.commit_of(revision) else {
        return Ok(Err(files::CONFIG.to_owned()));
    };
    let mut last = None;
    let lacking = collect(&mut |file| {
        let path = cache.file(&commit, file);
        if path.is_none() {
            last = Some(file.to_owned());
        }
        Ok(path)
    })?;
    Ok(match lacking {
        None => Ok(commit),
        Some(SHARD) => Err(last.unwrap_or_default()),
        Some(file) => Err(file.to_owned()),
    })
}

/// Returns whether the hub itself says that a commit has no weights that we can read. A 404 from a
/// host in between must not lead to other weights.
fn lacks_safetensors(
    commit: &Commit,
    client: &Client<'_>,
    cache: &Cache,
    retries: u32,
    on_tick: &mut dyn FnMut() -> Result<(), HubError>,
) -> Result<bool, HubError> {
    let revision = Revision::parse(commit.as_str())?;
    for file in WEIGHTS {
        if cache.file(commit, file).is_some() {
            return Ok(false);
        }
        if cache.is_known_missing(commit, file) {
            continue;
        }
        match client.with_retries(retries, on_tick, || client.metadata(&revision, file))? {
            Answer::Missing { is_certain: true } => cache.set_missing(commit, file),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Returns the converter's pull request, if there is one. A hub without a list of pull requests,
/// such as a mirror, counts as having none. A hub that is down may have one, so that is an error.
fn conversion(
    client: &Client<'_>,
    retries: u32,
    on_tick: &mut dyn FnMut() -> Result<(), HubError>,
) -> Result<Option<Revision>, HubError> {
    match client.with_retries(retries, on_tick, || client.conversion()) {
        Err(error) if error.is_transient() || matches!(error, HubError::Cancelled) => Err(error),
        found => Ok(found.unwrap_or_default()),
    }
}
