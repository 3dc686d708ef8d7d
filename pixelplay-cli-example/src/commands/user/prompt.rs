//! Passwords from a person, or from another program.

use std::io::{self, BufRead, IsTerminal, Read};

use anyhow::{Context, Result, bail};

use crate::output::printable;

/// Far beyond what the library takes: whatever is longer need not be read to be refused.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// A password that there is: from the terminal without echo, or the next line of standard input.
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
            "no password on standard input; give it as a line there, or use a terminal, where it is asked for"
        );
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match str::from_utf8(line) {
        Ok(password) => Ok(password.to_owned()),
        // The error of the conversion would say where, which is part of a secret.
        Err(_) => bail!("the password on standard input is not UTF-8; convert it first"),
    }
}

/// A new password: on a terminal, where nobody sees what is typed, it is asked for twice.
pub(super) fn ask_new(what: &str) -> Result<String> {
    let password = ask(what)?;
    if io::stdin().is_terminal() && prompt("The same once more")? != password {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(password)
}

fn prompt(what: &str) -> Result<String> {
    rpassword::prompt_password(format!("{}: ", printable(what)))
        .context("cannot read the password from the terminal")
}
