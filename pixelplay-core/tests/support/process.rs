//! Child processes that are killed, run out of disk space or have fewer privileges. A child is this
//! test binary, with its role in environment variables.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const ROLE: &str = "PIXELPLAY_TEST_ROLE";
const PLACE: &str = "PIXELPLAY_TEST_PLACE";

/// A command that runs one test of this binary, which is otherwise ignored.
pub(crate) fn own_test(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A command that runs [`own_test`] in a role (a word and an argument) at `place`.
pub(crate) fn actor(test: &str, role: &str, place: &Path) -> Command {
    let mut command = own_test(test);
    command.env(ROLE, role).env(PLACE, place);
    command
}

/// The role of this process, its argument and its place; `None` if it was not started by [`actor`].
pub(crate) fn role() -> Option<(String, String, PathBuf)> {
    let role = std::env::var(ROLE).ok()?;
    let place = PathBuf::from(std::env::var_os(PLACE).unwrap());
    let (role, argument) = role.split_once(' ').unwrap_or((&role, ""));
    Some((role.to_owned(), argument.to_owned(), place))
}
