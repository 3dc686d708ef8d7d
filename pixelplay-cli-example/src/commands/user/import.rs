//! `user import`: import accounts from another program.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use pixelplay_core::UserError;
use serde_json::json;

use super::store::StoreArgs;
use crate::output;
use crate::progress::{self, StoppedAfter};

/// How many refused rows are listed one by one.
const SHOWN: usize = 20;

#[derive(clap::Args)]
#[command(
    after_help = "The table is CSV with the columns `name` and `hash`; other columns are ignored. A hash is a \
bcrypt, Argon2, PBKDF2 or scrypt hash in the form that Django, werkzeug, passlib and others write. Quote a hash that \
contains commas, as Argon2 hashes do. YAML and JSON are not read: convert them to CSV first. All users keep their \
passwords; the first log-in of each user replaces the hash with a current one. Delete the table after the import: \
anyone who has it can try to guess the passwords.

Example, with the table users.csv and its import:
  name,hash
  ana,$2b$12$...
  ben,\"$argon2id$v=19$m=4096,t=3,p=1$...\"

  pixelplay user import users.csv"
)]
pub(super) struct Args {
    /// The table of accounts, as CSV
    table: PathBuf,

    /// Skip names that are taken, for example when the same table is imported again
    #[arg(long)]
    skip_taken: bool,
}

#[derive(Default)]
struct Report {
    imported: u64,
    taken: u64,
    refused: u64,
    /// Line number and reason for each of the first refused rows.
    shown: Vec<(u64, String)>,
}

pub(super) fn run(args: Args, store: &StoreArgs, json: bool) -> Result<()> {
    let table = args.table.display();
    let file = File::open(&args.table).with_context(|| format!("cannot read {table}"))?;
    let mut rows = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(file);
    let headers = rows.headers().with_context(|| format!("cannot read {table}"))?.clone();
    let column = |wanted: &str| headers.iter().position(|header| header == wanted);
    let (Some(name), Some(hash)) = (column("name"), column("hash")) else {
        bail!(
            "{table} has no columns `name` and `hash`; `pixelplay user import --help` shows an example"
        );
    };
    let users = store.open_or_make()?;

    let mut report = Report::default();
    let bar = progress::new_bar("importing accounts", None);
    let mut row = StringRecord::new();
    while !progress::interrupted() {
        let line = rows.position().line();
        match rows.read_record(&mut row) {
            Ok(false) => break,
            Ok(true) if row.len() != headers.len() => report.refuse(
                line,
                &format!(
                    "{} cells instead of {}; quote a hash that contains commas",
                    row.len(),
                    headers.len()
                ),
            ),
            Ok(true) => match users.import_account(&row[name], &row[hash]) {
                Ok(()) => report.imported += 1,
                Err(UserError::NameTaken) if args.skip_taken => report.taken += 1,
                Err(error @ (UserError::NameTaken | UserError::Name(_) | UserError::Hash(_))) => {
                    report.refuse(line, &error.to_string());
                }
                Err(error) => return Err(error).with_context(|| report.so_far()),
            },
            Err(error) if matches!(error.kind(), ErrorKind::Utf8 { .. }) => {
                report.refuse(line, "not UTF-8");
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read {table}; {}", report.so_far()));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if progress::interrupted() {
        return Err(StoppedAfter(report.so_far()).into());
    }
    report.print(json)?;
    if report.refused > 0 {
        bail!(
            "{} rows of {table} were not imported; correct them and import the table again with --skip-taken",
            report.refused
        );
    }
    Ok(())
}

impl Report {
    fn refuse(&mut self, line: u64, why: &str) {
        self.refused += 1;
        if self.shown.len() < SHOWN {
            self.shown.push((line, why.to_owned()));
        }
    }

    fn so_far(&self) -> String {
        format!(
            "{} accounts were imported before that and are kept; --skip-taken continues from there",
            self.imported
        )
    }

    fn print(&self, as_json: bool) -> Result<()> {
        if as_json {
            let first: Vec<_> =
                self.shown.iter().map(|(line, why)| json!({ "line": line, "why": why })).collect();
            let document = json!({
                "imported": self.imported,
                "taken": self.taken,
                "refused": { "count": self.refused, "first": first },
            });
            return output::line(&document.to_string());
        }
        let mut text = format!("{} imported", self.imported);
        if self.taken > 0 {
            text += &format!(", {} skipped because the name is taken", self.taken);
        }
        if self.refused > 0 {
            text += &format!(", {} refused", self.refused);
        }
        for (line, why) in &self.shown {
            text += &format!("\n  line {line}: {why}");
        }
        output::line(&text)
    }
}
