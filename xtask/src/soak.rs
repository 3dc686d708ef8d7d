//! Long-running checks: fuzzing, the tests on damaged files with all their cases and under a
//! sanitizer, and the Streamlit example in a browser.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{cargo, note, package, run, step, target_dir};

const TARGETS: [&str; 8] = [
    "open_index",
    "decode_image",
    "read_checkpoint",
    "clean_csv",
    "import_npy",
    "filter",
    "query",
    "read_answer",
];

/// The same flags as cargo-fuzz: LLVM's coverage counters for libFuzzer, and traces of comparisons
/// that it learns from.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";
const SANITIZER: &str = "-Zsanitizer=address";

#[derive(clap::Args)]
pub(crate) struct Soak {
    /// Minutes of fuzzing for each target; 0 skips fuzzing
    #[arg(long, default_value_t = 60.0, value_name = "MINUTES")]
    minutes: f64,
    /// Fuzz only these targets
    #[arg(long = "target", value_name = "NAME", value_parser = TARGETS)]
    targets: Vec<String>,
    /// Skip the long tests and the browser test
    #[arg(long)]
    only_fuzz: bool,
}

pub(crate) fn soak(root: &Path, options: &Soak) -> Result<()> {
    let duration = Duration::try_from_secs_f64(options.minutes * 60.0)
        .context("--minutes must be a number of minutes, 0 or more")?;
    if !options.only_fuzz {
        full_counts(root)?;
        package::drive_example(root)?;
    }
    if duration.is_zero() {
        return Ok(());
    }
    fuzz(root, options, duration)
}

/// Runs the tests that read `PIXELPLAY_SOAK`. Tests of files run a second time under
/// AddressSanitizer, which detects reads out of bounds.
fn full_counts(root: &Path) -> Result<()> {
    step("tests with full counts");
    run(cargo(root, &["test", "--workspace", "--", "--nocapture"]).env("PIXELPLAY_SOAK", "1"))?;
    let Some(host) = sanitized_host()? else {
        note("skipped: tests under AddressSanitizer (not available on this platform)");
        return Ok(());
    };
    step("tests of index files under AddressSanitizer");
    let arguments = [
        "test",
        "-p",
        "pixelplay-core",
        "--no-default-features",
        "--test",
        "index_file",
        "--test",
        "index_edit",
        "--profile",
        "soak",
        "--target",
        &host,
        "--",
        "--nocapture",
    ];
    run(instrumented(root, &arguments, SANITIZER).env("PIXELPLAY_SOAK", "1"))
}

fn fuzz(root: &Path, options: &Soak, duration: Duration) -> Result<()> {
    step("build the fuzz targets (needs a C++ compiler for libFuzzer)");
    let host = host()?;
    let flags = match sanitized_host()? {
        Some(_) => format!("{COVERAGE} {SANITIZER}"),
        None => {
            note("skipped: AddressSanitizer (not available on this platform)");
            COVERAGE.to_owned()
        }
    };
    run(&mut instrumented(
        root,
        &[
            "build",
            "-p",
            "pixelplay-fuzz",
            "--features",
            "libfuzzer",
            "--bins",
            "--profile",
            "soak",
            "--target",
            &host,
        ],
        &flags,
    ))?;
    let folder = target_dir(root).join("soak");
    let programs = folder.join(&host).join("soak");
    let seeds = folder.join("seeds");
    run(Command::new(programs.join("seeds")).arg(&seeds))?;

    let mut failed = Vec::new();
    for target in TARGETS {
        if !options.targets.is_empty() && !options.targets.iter().any(|name| name == target) {
            continue;
        }
        step(&format!("fuzz {target} for {} minutes", options.minutes));
        // Kept between runs, so each continues where the last one stopped.
        let corpus = folder.join("corpus").join(target);
        let artifacts = folder.join("artifacts").join(target);
        fs::create_dir_all(&corpus)
            .and_then(|()| fs::create_dir_all(&artifacts))
            .with_context(|| format!("cannot create {}", corpus.display()))?;
        let finished = run_quietly(
            Command::new(programs.join(target))
                .arg(&corpus)
                .arg(seeds.join(target))
                .arg(format!("-max_total_time={}", duration.as_secs().max(1)))
                .arg(format!("-artifact_prefix={}/", artifacts.display()))
                .args([
                    "-timeout=30",
                    "-rss_limit_mb=6144",
                    "-malloc_limit_mb=2048",
                    "-max_len=65536",
                    "-print_final_stats=1",
                ])
                // libFuzzer learns most from deterministic runs, and threads are not deterministic.
                .env("RAYON_NUM_THREADS", "1"),
        );
        if let Err(error) = finished {
            note(&format!("{target}: {error:#}"));
            failed.push(target);
        }
    }
    if failed.is_empty() {
        step("no target failed");
        return Ok(());
    }
    bail!(
        "{} failed; copy the inputs from {} to pixelplay-core/fuzz/regressions/TARGET/, where the tests replay them",
        failed.join(", "),
        folder.join("artifacts").display()
    )
}

/// Runs a target and passes on its output, without the line that it prints for each of thousands of
/// new inputs.
fn run_quietly(command: &mut Command) -> Result<()> {
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line.context("cannot read the target's output")?;
            let line = String::from_utf8_lossy(&line);
            let words = ["\tNEW ", "\tREDUCE ", "\tNEW_FUNC", "\tNEW_PC", "\tRELOAD"];
            if !words.iter().any(|word| line.contains(word)) {
                note(&line);
            }
        }
    }
    let status = child.wait().context("cannot wait for the target")?;
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(())
}

/// Returns a cargo command whose build products do not mix with the ordinary ones.
///
/// The sanitizer's run-time library is part of every stable toolchain, but its flag is not stable
/// yet. `RUSTC_BOOTSTRAP` makes the stable compiler accept the flag, so no second toolchain is
/// needed.
fn instrumented(root: &Path, arguments: &[&str], flags: &str) -> Command {
    let mut command = cargo(root, arguments);
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", target_dir(root).join("soak"));
    command
}

/// Returns the platform of this machine. It is named on cargo's command line, so that build scripts
/// and macros are built without the flags.
fn host() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("cannot start rustc")?;
    let text = String::from_utf8(output.stdout).context("the output of rustc -vV is not UTF-8")?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not name its host")
}

/// Returns the platform of this machine, or `None` if it has no AddressSanitizer.
fn sanitized_host() -> Result<Option<String>> {
    const WITH: [&str; 4] = [
        "x86_64-unknown-linux-gnu",
        "aarch64-unknown-linux-gnu",
        "x86_64-apple-darwin",
        "aarch64-apple-darwin",
    ];
    Ok(Some(host()?).filter(|host| WITH.contains(&host.as_str())))
}
