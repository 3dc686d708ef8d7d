//! Virtual environments. Each is created once, and created again when its requirements change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::{run, step};

/// Returns the Python of a virtual environment at `venv` with exactly the packages that
/// `requirements` lists.
pub(crate) fn environment(venv: &Path, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let python =
        if cfg!(windows) { venv.join("Scripts/python.exe") } else { venv.join("bin/python") };
    // Written last, so an incomplete environment is never used.
    let stamp = venv.join("pixelplay-requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    step(&format!("virtual environment {}", venv.display()));
    let system = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(venv))
        .context("Python 3.10 or newer with venv is needed; name one with PYTHON=...")?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(requirements))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}
