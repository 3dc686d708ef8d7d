//! Child processes that are killed, run out of disk space or have fewer permissions. Each runs this
//! test binary again, in a role that environment variables set. `PIXELPLAY_SOAK=1` runs as many
//! rounds as promised.

use super::*;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Instant;

#[test]
#[ignore = "only a child of another test has something to do here"]
fn a_child_process() {
    let Some((role, argument, place)) = process::role() else {
        return;
    };
    match role.as_str() {
        "write" => kills::write_until_killed(&place, argument.parse().unwrap()),
        "add" => backups::add_until_killed(&place, &argument),
        "back-up" => backups::back_up_until_killed(&place, &argument),
        "share" => side_by_side::share(&place, argument.parse().unwrap()),
        "touch" => drop(UserStore::open(&place).unwrap()),
        other => faults::act(other, &place),
    }
}

/// Returns a command that runs this test binary in `role` (a word and an argument) on `place`.
pub(super) fn child(role: &str, place: &Path) -> Command {
    process::actor("child::a_child_process", role, place)
}

/// Starts the child through a shell script that ends in `exec "$0" "$@"`.
pub(super) fn through_shell(script: &str, child: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(child.get_program());
    shell.args(child.get_args());
    shell.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// Returns a command that runs the child without root's privileges, or `None` if no other user can
/// run it. If the tests run as root, the user `nobody` must own everything in `place` that the
/// child is meant to write.
pub(super) fn unprivileged(role: &str, place: &Path) -> Option<Command> {
    const NOBODY: u32 = 65_534;
    let mut command = child(role, place);
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(place.parent()?).ok()?);
    if owner == 0 || owner == NOBODY {
        command.uid(NOBODY).gid(NOBODY);
        let mut probe = child("nothing", place);
        probe.env_remove(process::ROLE).uid(NOBODY).gid(NOBODY);
        if !probe.status().is_ok_and(|status| status.success()) {
            println!("skipped: run by root, and no other user may run the tests");
            return None;
        }
    }
    Some(command)
}

/// Returns what the child printed after `outcome: `.
pub(super) fn outcome(mut command: Command) -> String {
    let output = finished(command.spawn().unwrap());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("outcome: "));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Waits for a child that must exit by itself and successfully. A child that hangs is killed, so
/// that a deadlock fails the test instead of hanging it.
pub(super) fn finished(mut child: Child) -> Output {
    const PATIENCE: Duration = Duration::from_secs(300);
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("a child hung\n{}", String::from_utf8_lossy(&output.stderr));
        }
        sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

pub(super) fn wait_for(path: &Path) {
    let came = (0..6000).any(|_| {
        sleep(Duration::from_millis(10));
        path.exists()
    });
    assert!(came, "{} never came", path.display());
}
