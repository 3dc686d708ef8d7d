//! Checks that run no tests: formatting, warnings, spelling, dependencies, the oldest supported
//! Rust.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::{cargo, light_environment, note, run, step, target_dir};

/// The oldest Rust that the workspace supports, from `rust-version` in Cargo.toml.
const MSRV: &str = env!("CARGO_PKG_RUST_VERSION");

pub(crate) fn lint(root: &Path) -> Result<()> {
    step("format");
    run(&mut cargo(root, &["fmt", "--all", "--check"]))?;
    step("clippy");
    run(&mut cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    step("rustdoc");
    for arguments in [
        &["doc", "--workspace", "--no-deps"][..],
        &["doc", "-p", "pixelplay-core", "--no-deps", "--no-default-features"],
    ] {
        run(cargo(root, arguments).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    step("Python and spelling");
    let python = light_environment(root)?;
    for arguments in
        [&["-m", "ruff", "check", "--quiet"][..], &["-m", "ruff", "format", "--check", "--quiet"]]
    {
        run(Command::new(&python).args(arguments).arg(root))?;
    }
    // The typos wheel contains a program, not a module; it is installed next to the interpreter.
    run(Command::new(python.with_file_name("typos")).current_dir(root))?;
    dependencies(root)?;
    oldest_rust(root)
}

/// Checks licences, bans and sources of all dependencies, and security advisories against them.
fn dependencies(root: &Path) -> Result<()> {
    if !succeeds(&mut cargo(root, &["deny", "--version"])) {
        note("skipped: cargo deny (install it with `cargo install --locked cargo-deny`)");
        return Ok(());
    }
    step("dependencies");
    run(&mut cargo(root, &["deny", "check", "licenses", "bans", "sources"]))?;
    if succeeds(&mut cargo(root, &["deny", "fetch", "db"])) {
        run(&mut cargo(root, &["deny", "check", "advisories"]))
    } else {
        note("skipped: advisories (the RustSec database cannot be fetched)");
        Ok(())
    }
}

fn oldest_rust(root: &Path) -> Result<()> {
    let Some(toolchain) = installed_toolchains().and_then(|list| matching(&list, MSRV)) else {
        note(&format!(
            "skipped: Rust {MSRV}, the oldest (install it: rustup toolchain install {MSRV} --profile minimal)"
        ));
        return Ok(());
    };
    step(&format!("Rust {MSRV}, the oldest"));
    run(Command::new("rustup")
        .args(["run", &toolchain, "cargo", "check", "--workspace", "--locked"])
        // A separate folder: otherwise everything would be rebuilt each time the toolchain changes.
        .env("CARGO_TARGET_DIR", target_dir(root).join("xtask/msrv"))
        .current_dir(root))
}

/// Returns what `rustup toolchain list` prints, or `None` without rustup.
fn installed_toolchains() -> Option<String> {
    let output = Command::new("rustup").args(["toolchain", "list"]).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// Returns the first toolchain of a version in such a list.
fn matching(list: &str, version: &str) -> Option<String> {
    let mut names = list.lines().filter_map(|line| line.split_whitespace().next());
    let is_it =
        |name: &&str| name.strip_prefix(version).is_some_and(|rest| rest.starts_with(['-', '.']));
    names.find(is_it).map(str::to_owned)
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_is_found_by_its_version_alone() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                    1.8-x86_64-unknown-linux-gnu\n\
                    1.90.0-x86_64-unknown-linux-gnu\n\
                    1.89.0-x86_64-unknown-linux-gnu\n";
        let found = |version| matching(list, version);
        assert_eq!(found("1.89").as_deref(), Some("1.89.0-x86_64-unknown-linux-gnu"));
        assert_eq!(found("1.8").as_deref(), Some("1.8-x86_64-unknown-linux-gnu"));
        assert_eq!(found("1.88"), None);
        assert_eq!(matching("", "1.89"), None);
    }
}
