//! A run in a child process, which can be killed. The child is this test binary, with instructions
//! in environment variables.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pixelplay_core::HttpProxy;
use pixelplay_core::Song;
use pixelplay_core::enrich::{CacheProblem, EnrichError, EnrichOptions, ITunes, enrich_songs};

use crate::process::own_test;
use crate::song;

const SHOP: &str = "PIXELPLAY_TEST_SHOP";
const CACHE: &str = "PIXELPLAY_TEST_CACHE";
const READ_ONLY: &str = "PIXELPLAY_TEST_READ_ONLY";

pub(crate) fn songs() -> Vec<Song> {
    (0..120).map(|n| song(&format!("{n}"), &format!("Rain {n}"), "Ana")).collect()
}

/// Options with 5 ms between requests, and the real clock.
fn options(cache: &Path) -> EnrichOptions {
    EnrichOptions {
        interval: Some(Duration::from_millis(5)),
        proxy: HttpProxy::Direct,
        ..EnrichOptions::new(cache)
    }
}

#[test]
#[ignore = "runs only as a child process of another test"]
fn a_child_process() {
    let (Ok(shop), Some(cache)) = (std::env::var(SHOP), std::env::var_os(CACHE)) else {
        return;
    };
    let provider = ITunes::at(&shop, "US").unwrap();
    let options = options(Path::new(&cache));
    let result = enrich_songs(&mut songs(), &provider, &options, &mut ());
    if std::env::var_os(READ_ONLY).is_some() {
        let error = result.unwrap_err();
        let EnrichError::Cache { problem, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(problem, CacheProblem::ReadOnly), "{problem}");
        return;
    }
    assert_eq!(result.unwrap().matched, 120);
}

fn command(shop: &str, cache: &Path) -> Command {
    let mut command = own_test("child::a_child_process");
    command.env(SHOP, shop).env(CACHE, cache).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub(crate) fn start(shop: &str, cache: &Path) -> Child {
    command(shop, cache).spawn().unwrap()
}

/// Starts a run with a read-only cache and without root privileges; `None` if no other user can run
/// this binary.
pub(crate) fn unprivileged(shop: &str, cache: &Path) -> Option<Child> {
    const NOBODY: u32 = 65_534;
    let mut command = command(shop, cache);
    command.env(READ_ONLY, "1");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(cache).unwrap());
    if owner == 0 {
        command.uid(NOBODY).gid(NOBODY);
        let mut probe = Command::new(std::env::current_exe().unwrap());
        probe.arg("--list").stdout(Stdio::null()).uid(NOBODY).gid(NOBODY);
        if !probe.status().is_ok_and(|status| status.success()) {
            return None;
        }
    }
    Some(command.spawn().unwrap())
}
