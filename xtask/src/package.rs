//! Tests the Python package: builds its wheel, installs it as users do, and runs the tests on it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{note, python, run, step, target_dir};

pub(crate) fn test(root: &Path) -> Result<()> {
    let package = root.join("pixelplay-py");
    let python = installed(root, "package-venv", &package.join("tests/requirements.txt"))?;
    step("Python tests, on the installed wheel");
    let program = format!("debug/pixelplay{}", env::consts::EXE_SUFFIX);
    run(module(&python, &package, &["pytest"])
        // The Rust tests have built this program; its embeddings must be bit for bit the same.
        .env("PIXELPLAY_PROGRAM", target_dir(root).join(program)))?;
    step("arithmetic of the comparison with other libraries, and of the quality benchmark");
    for folder in ["benches/compare", "benches/quality"] {
        run(&mut module(&python, &root.join(folder), &["pytest", "-q", "-p", "no:cacheprovider"]))?;
    }
    step("Python types");
    run(&mut module(&python, &package, &["mypy"]))?;
    run(module(&python, &package, &["pyright", "--warnings", "--pythonpath"]).arg(&python))?;
    run(&mut module(
        &python,
        &package,
        &["mypy.stubtest", "pixelplay", "--allowlist", "tests/stubtest-allowlist.txt"],
    ))
}

/// Runs the Streamlit example in a real browser, if one is installed.
pub(crate) fn drive_example(root: &Path) -> Result<()> {
    let browser = root.join("pixelplay-py/tests/browser");
    let search = env::var_os("PATH").unwrap_or_default();
    let named = env::var_os("PIXELPLAY_CHROMIUM").is_some();
    if !named && !env::split_paths(&search).any(|folder| has_chromium(&folder)) {
        note(
            "skipped: the Streamlit example in a browser (no Chromium found; set PIXELPLAY_CHROMIUM to one)",
        );
        return Ok(());
    }
    let python = installed(root, "browser-venv", &browser.join("requirements.txt"))?;
    step("the Streamlit example in a browser");
    run(Command::new(python).arg(browser.join("drive_streamlit_app.py")))
}

/// Looks for the same program names as drive_streamlit_app.py.
fn has_chromium(folder: &Path) -> bool {
    ["chromium", "chromium-browser", "google-chrome"].iter().any(|name| folder.join(name).is_file())
}

/// Returns the Python of a virtual environment with the wheel of this working tree installed.
fn installed(root: &Path, venv: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = target_dir(root).join("xtask");
    let python = python::environment(&folder.join(venv), requirements)?;
    step("wheel of the Python package");
    let wheel = wheel(root, &python, &folder.join("wheels"))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        // The reinstallation is forced, because the version is always the same. The dependencies are
        // already installed.
        .args(["--force-reinstall", "--no-deps"])
        .arg(&wheel))?;
    Ok(python)
}

/// Builds the wheel in the release profile, like the published one. `cargo run --release` has
/// built the same dependencies.
fn wheel(root: &Path, python: &Path, folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    run(Command::new(python)
        .args(["-m", "maturin", "build", "--release", "--quiet", "--interpreter"])
        .arg(python)
        .arg("--out")
        .arg(folder)
        .arg("--manifest-path")
        .arg(root.join("pixelplay-py/Cargo.toml"))
        .current_dir(root))?;
    let mut wheels = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    match (wheels.pop(), wheels.is_empty()) {
        (Some(wheel), true) => Ok(wheel),
        _ => bail!("expected one wheel in {}", folder.display()),
    }
}

fn module(python: &Path, package: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.arg("-m").args(arguments).current_dir(package);
    command
}
