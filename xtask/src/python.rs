//! Virtual environments, made once and made anew when their requirements change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::{run, step};

/// The Python of a virtual environment at `venv` that holds exactly what `requirements` lists.
pub(crate) fn environment(venv: &Path, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let python =
        if cfg!(windows) { venv.join("Scripts/python.exe") } else { venv.join("bin/python") };
    // Written last, so a half-made environment is never taken for a whole one.
    let stamp = venv.join("pixelplay-requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    step(&format!("virtual environment {}", venv.display()));
    let system = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(venv))
        .context("a Python 3.10 or newer with venv is needed; name one with PYTHON=...")?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(requirements))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}
