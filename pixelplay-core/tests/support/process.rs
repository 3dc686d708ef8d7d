//! Children that are killed, run out of disk or have fewer rights: this test binary again, told by
//! environment variables what to be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const ROLE: &str = "PIXELPLAY_TEST_ROLE";
const PLACE: &str = "PIXELPLAY_TEST_PLACE";

/// This test binary as one of its tests, which is ignored otherwise.
pub(crate) fn own_test(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// [`own_test`] in a role, a word and an argument, working at `place`.
pub(crate) fn actor(test: &str, role: &str, place: &Path) -> Command {
    let mut command = own_test(test);
    command.env(ROLE, role).env(PLACE, place);
    command
}

/// The role of this process, its argument, and the place to work at; `None` where it is no actor.
pub(crate) fn role() -> Option<(String, String, PathBuf)> {
    let role = std::env::var(ROLE).ok()?;
    let place = PathBuf::from(std::env::var_os(PLACE).unwrap());
    let (role, argument) = role.split_once(' ').unwrap_or((&role, ""));
    Some((role.to_owned(), argument.to_owned(), place))
}
