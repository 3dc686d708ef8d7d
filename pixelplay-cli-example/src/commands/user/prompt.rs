//! Reads passwords from a person or from another program.

use std::io::{self, BufRead, IsTerminal, Read};

use anyhow::{Context, Result, bail};

use crate::output::printable;

/// Far more than the library accepts: a longer line can be refused without reading all of it.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Asks for an existing password: on the terminal without echo, or as the next line of standard
/// input.
pub(super) fn ask(what: &str) -> Result<String> {
    if io::stdin().is_terminal() {
        return prompt(what);
    }
    let mut line = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_LINE_BYTES)
        .read_until(b'\n', &mut line)
        .context("cannot read the password from standard input")?;
    if line.is_empty() {
        bail!(
            "no password on standard input; write it there as one line, or run the command on a terminal, which asks for it"
        );
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match str::from_utf8(line) {
        Ok(password) => Ok(password.to_owned()),
        // The conversion's own error names the position, which is part of a secret.
        Err(_) => bail!("the password on standard input is not UTF-8; convert it first"),
    }
}

/// Asks for a new password; twice on a terminal, where it is not shown while it is typed.
pub(super) fn ask_new(what: &str) -> Result<String> {
    let password = ask(what)?;
    if io::stdin().is_terminal() && prompt("Repeat the password")? != password {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(password)
}

fn prompt(what: &str) -> Result<String> {
    rpassword::prompt_password(format!("{}: ", printable(what)))
        .context("cannot read the password from the terminal")
}
