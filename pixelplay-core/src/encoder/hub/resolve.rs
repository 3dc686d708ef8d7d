//! Which commit a revision is, and when the converter's pull request stands in for `main`.
//!
//! Many older repositories have only pickled weights on `main`. The hub's converter has opened a
//! pull request in most of them that adds the same weights as safetensors, and transformers takes
//! them from there by itself: so do we, and say so.

use super::cache::Cache;
use super::collect::{SHARD, collect};
use super::error::HubError;
use super::http::{Answer, Client};
use super::name::{Commit, Repo, Revision};
use crate::encoder::files;

/// Either of them holds the weights, or says where they are.
const WEIGHTS: [&str; 2] = [files::WEIGHTS, files::WEIGHTS_INDEX];

/// Where all files are taken from.
pub(super) struct Resolved {
    pub(super) revision: Revision,
    pub(super) commit: Commit,
    /// The commit of the revision asked for: another one where a pull request stands in for it.
    pub(super) requested: Commit,
}

/// What is asked for.
pub(super) struct Request<'a> {
    pub(super) repo: &'a Repo,
    pub(super) revision: &'a Revision,
    /// Whether the converter's pull request may stand in for it.
    pub(super) follow: bool,
}

impl Request<'_> {
    /// What the cache holds completely, or else the first file that is not there.
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
        // Where weights are only not there yet, `main` may well have its own.
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
                // The cache does not say who opened a pull request, so there must be nothing to
                // choose.
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

    /// What the hub says.
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

/// The commit of a revision whose snapshot is complete, or else the first file that is not there.
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

/// Whether the hub itself says that a commit has no weights that we read; a 404 of anybody in
/// between does not lead to other weights.
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

/// The converter's pull request, if there is one. A hub that has no list of them, such as a mirror,
/// is as one without it; one that is down may have one.
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
