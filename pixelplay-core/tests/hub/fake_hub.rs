//! A fake hub. Its `resolve` replies and errors have the headers that huggingface_hub 2.4 reads
//! (`file_download.py`, `utils/_http.py`).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha1::Digest;

use crate::server::{Manners, Reply, Request, Server};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const NEWER: &str = "76543210fedcba9876543210fedcba9876543210";
pub(crate) const CONVERTED: &str = "89abcdef0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "hf_the_right_one";

/// A file, in git or in Git LFS.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_lfs: bool,
}

impl File {
    pub(crate) fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            bytes: bytes.into(),
            is_lfs: name.ends_with(".safetensors") || name.ends_with(".bin"),
        }
    }

    pub(crate) fn etag(&self) -> String {
        if self.is_lfs {
            return hex(&sha2::Sha256::digest(&self.bytes));
        }
        let mut hasher = sha1::Sha1::new();
        hasher.update(format!("blob {}\0", self.bytes.len()));
        hasher.update(&self.bytes);
        hex(&hasher.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The state that a test can change while the servers run.
pub(crate) struct World {
    pub(crate) repo: String,
    /// The commit of `main`.
    pub(crate) commit: String,
    pub(crate) files: Vec<File>,
    pub(crate) is_private: bool,
    pub(crate) ignores_ranges: bool,
    /// The pull requests, as the hub's API lists them.
    pub(crate) discussions: Value,
    /// The number of one pull request, and its files at the commit [`CONVERTED`].
    pub(crate) pull: Option<(u64, Vec<File>)>,
}

/// A pull request as the hub's API lists it, in the form used for openai/clip-vit-base-patch32.
pub(crate) fn pull_request(number: u64, author: &str, status: &str) -> Value {
    json!({
        "num": number, "status": status, "isPullRequest": true, "author": {"name": author},
        "title": "Adding `safetensors` variant of this model",
    })
}

type Fault = Box<dyn FnMut(&Request, Reply) -> Reply + Send>;

/// The hub, and the host to which it redirects for large files.
pub(crate) struct FakeHub {
    pub(crate) hub: Server,
    pub(crate) cdn: Server,
    pub(crate) world: Arc<Mutex<World>>,
    fault: Arc<Mutex<Fault>>,
}

impl FakeHub {
    pub(crate) fn start(repo: &str, files: Vec<File>) -> Self {
        let world = Arc::new(Mutex::new(World {
            repo: repo.to_owned(),
            commit: COMMIT.to_owned(),
            files,
            is_private: false,
            ignores_ranges: false,
            discussions: Value::Null,
            pull: None,
        }));
        let fault: Arc<Mutex<Fault>> = Arc::new(Mutex::new(Box::new(|_, reply| reply)));
        let cdn = Server::start({
            let (world, fault) = (Arc::clone(&world), Arc::clone(&fault));
            move |request| {
                let reply = world.lock().unwrap().cdn(request);
                fault.lock().unwrap()(request, reply)
            }
        });
        let hub = Server::start({
            let (world, fault, cdn) = (Arc::clone(&world), Arc::clone(&fault), cdn.url());
            move |request| {
                let reply = world.lock().unwrap().hub(request, &cdn);
                fault.lock().unwrap()(request, reply)
            }
        });
        Self { hub, cdn, world, fault }
    }

    /// Passes every later reply through `fault`, which may change it.
    pub(crate) fn fault(&self, fault: impl FnMut(&Request, Reply) -> Reply + Send + 'static) {
        *self.fault.lock().unwrap() = Box::new(fault);
    }

    pub(crate) fn heal(&self) {
        self.fault(|_, reply| reply);
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    /// The number of GET requests to both hosts.
    pub(crate) fn gets(&self) -> usize {
        let all = [self.hub.requests(), self.cdn.requests()].concat();
        all.iter().filter(|request| request.method == "GET").count()
    }
}

impl World {
    /// Moves the safetensors from `main` into an open pull request of the hub's converter.
    pub(crate) fn convert(&mut self, number: u64) {
        self.pull = Some((number, self.files.clone()));
        self.discussions = json!([pull_request(number, "SFconvertbot", "open")]);
        self.files.retain(|file| !file.name.ends_with(".safetensors"));
    }

    /// The commit and files of a revision, which is URL-encoded.
    fn tree(&self, revision: &str) -> Option<(&str, &[File])> {
        match &self.pull {
            Some((number, files))
                if revision == CONVERTED || revision == format!("refs%2Fpr%2F{number}") =>
            {
                Some((CONVERTED, files))
            }
            _ => ["main", "refs%2Fpr%2F1", &self.commit]
                .contains(&revision)
                .then_some((&self.commit, &self.files)),
        }
    }

    fn hub(&self, request: &Request, cdn: &str) -> Reply {
        let authorized = request.header("authorization") == Some(&format!("Bearer {TOKEN}"));
        let path = request.target.split('?').next().unwrap_or_default();
        if path == format!("/api/models/{}/discussions", self.repo) {
            return Reply::new(200).body(json!({"discussions": self.discussions}).to_string());
        }
        let moved = path.strip_prefix("/api/resolve-cache/models");
        let Some(rest) = moved.unwrap_or(path).strip_prefix(&format!("/{}/", self.repo)) else {
            // The hub does not reveal which private repositories exist.
            let status = if authorized { 404 } else { 401 };
            return Reply::new(status).with("X-Error-Code", "RepoNotFound");
        };
        if self.is_private && !authorized {
            return Reply::new(401).with("X-Error-Code", "GatedRepo");
        }
        let rest = rest.strip_prefix("resolve/").unwrap_or(rest);
        let (revision, name) = rest.split_once('/').unwrap();
        let Some((commit, files)) = self.tree(revision) else {
            return Reply::new(404).with("X-Error-Code", "RevisionNotFound");
        };
        let Some(file) = files.iter().find(|file| file.name == name) else {
            return Reply::new(404)
                .with("X-Error-Code", "EntryNotFound")
                .with("X-Repo-Commit", commit);
        };
        let described = Reply::default().with("X-Repo-Commit", commit);
        let quoted = format!("\"{}\"", file.etag());
        if file.is_lfs {
            let location = format!("{cdn}/{}?signature=secret", file.etag());
            return Reply { status: 302, ..described }
                .with("Location", location)
                .with("X-Linked-Etag", quoted)
                .with("X-Linked-Size", file.bytes.len().to_string());
        }
        if name == "tokenizer.json" && moved.is_none() {
            // As the hub does for files in git: a relative redirect without metadata headers.
            let location = format!("/api/resolve-cache/models/{}/{}/{name}", self.repo, commit);
            return Reply::new(307).with("Location", location);
        }
        let content = self.content(file, request).with("ETag", quoted);
        content.with("X-Repo-Commit", commit)
    }

    fn cdn(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let converted = self.pull.iter().flat_map(|(_, files)| files);
        let mut files = self.files.iter().chain(converted);
        let file = files.find(|file| path[1..] == file.etag());
        file.map_or(Reply::new(404), |file| self.content(file, request))
    }

    fn content(&self, file: &File, request: &Request) -> Reply {
        let from = request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        match from {
            Some(from) if !self.ignores_ranges => {
                let len = file.bytes.len();
                if from >= len {
                    return Reply::new(416).with("Content-Range", format!("bytes */{len}"));
                }
                Reply::new(206)
                    .with("Content-Range", format!("bytes {from}-{}/{len}", len - 1))
                    .body(&file.bytes[from..])
            }
            _ => Reply::new(200).body(file.bytes.as_slice()),
        }
    }
}

/// Applies `change` to the first `times` replies whose request `matches`.
pub(crate) fn first(
    mut times: usize,
    matches: impl Fn(&Request) -> bool + Send + 'static,
    change: impl Fn(Reply) -> Reply + Send + 'static,
) -> impl FnMut(&Request, Reply) -> Reply + Send + 'static {
    move |request, reply| {
        if times > 0 && matches(request) {
            times -= 1;
            return change(reply);
        }
        reply
    }
}

pub(crate) fn cut_after(len: usize) -> impl Fn(Reply) -> Reply + Send + 'static {
    move |reply| reply.sent(Manners::CutAfter(len))
}
