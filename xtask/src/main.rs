//! The project's own tasks: `cargo xtask test`, `lint`, `readme`, `parity` and `soak`.

mod lint;
mod package;
mod python;
mod soak;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

/// Run the project's own tasks: tests, lints, parity checks and fuzzing
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, Rust and Python; creates its own virtual environments under target/
    Test,
    /// Run rustfmt, clippy, rustdoc, ruff and typos, with warnings as errors; also cargo-deny and
    /// the oldest supported Rust if they are installed (needs rustfmt and clippy)
    Lint,
    /// Update the program outputs shown in README.md and docs/
    Readme,
    /// Compare the encoder with transformers and OpenCLIP on full-size models (installs both:
    /// gigabytes)
    Parity,
    /// Fuzz every parser, and run the tests on damaged files with all their cases (takes hours;
    /// needs a C++ compiler)
    Soak(soak::Soak),
}

/// Each feature of pixelplay-core must compile without the others.
const FEATURES_ALONE: &[&str] =
    &["", "encoder", "mini", "catalog", "starter", "users", "hub", "enrich", "arrow"];

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask is not in a workspace")?
        .to_path_buf();
    match Cli::parse().task {
        Task::Test => test(&root),
        Task::Lint => lint::lint(&root),
        Task::Readme => {
            let test = ["test", "--workspace", "--test", "documentation", "outputs"];
            run(cargo(&root, &test).env("PIXELPLAY_UPDATE_DOCS", "1"))
        }
        Task::Parity => parity(&root),
        Task::Soak(options) => soak::soak(&root, &options),
    }
}

fn test(root: &Path) -> Result<()> {
    let shared = root.join("../shared/data");
    let target = target_dir(root);
    let mut tests = cargo(root, &["test", "--workspace"]);
    let python = light_environment(root)?;
    tests.env("PIXELPLAY_HUB_PYTHON", &python);
    if shared.join("photos").is_dir() {
        let reference = target.join("xtask/pillow-reference");
        step("reference pixels of every photo, from Pillow");
        run(Command::new(python)
            .arg(root.join("pixelplay-core/tests/parity/pillow_reference.py"))
            .arg(shared.join("photos"))
            .arg(&reference))?;
        tests.env("PIXELPLAY_PILLOW_REFERENCE", &reference);
    } else {
        note("skipped: comparison with Pillow on real photos (../shared/data/photos is missing)");
    }
    for (part, of) in [
        ("songs/tidytuesday_spotify_songs.csv.gz", "a real catalogue"),
        ("tokenizer/bpe_simple_vocab_16e6.txt.gz", "the full CLIP vocabulary"),
        ("clip_text_vectors", "real CLIP vectors"),
        ("reference", "the published answers of CLIP"),
    ] {
        if !shared.join(part).exists() {
            note(&format!("skipped: tests with {of} (../shared/data/{part} is missing)"));
        }
    }
    step("Rust tests and doctests");
    run(&mut tests)?;
    for features in FEATURES_ALONE {
        step(&format!("pixelplay-core with only these features: [{features}]"));
        run(&mut cargo(
            root,
            &["check", "-p", "pixelplay-core", "--no-default-features", "--features", features],
        ))?;
    }
    package::test(root)?;
    step("all tests passed");
    Ok(())
}

fn parity(root: &Path) -> Result<()> {
    let parity = root.join("pixelplay-core/tests/parity");
    let python = python::environment(
        &target_dir(root).join("xtask/parity-venv"),
        &parity.join("requirements.txt"),
    )?;
    step("live comparison with transformers and OpenCLIP");
    run(Command::new(python).arg(parity.join("live.py")).current_dir(root))
}

/// Returns the Python of the small environment that tests and lints need.
fn light_environment(root: &Path) -> Result<PathBuf> {
    python::environment(&target_dir(root).join("xtask/venv"), &root.join("xtask/requirements.txt"))
}

fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

fn cargo(root: &Path, args: &[&str]) -> Command {
    // Cargo sets this for the programs it runs, so the same toolchain is used.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}

fn step(what: &str) {
    note(&format!("\n== {what}"));
}

#[expect(clippy::print_stderr, reason = "xtask prints messages for people")]
fn note(line: &str) {
    eprintln!("{line}");
}
