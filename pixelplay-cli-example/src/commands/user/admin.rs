//! `user list`, `show`, `unlock`, `disable`, `enable`, `set-password`, `end-sessions`,
//! `expire-hashes`, `backup` and `restore`: commands for the operator of a database. Anyone who can
//! write the file may run them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use comfy_table::{Table, presets};
use indicatif::HumanDuration;
use pixelplay_core::UserStore;
use pixelplay_core::users::Account;
use serde_json::{Value, json};

use super::account::NameArgs;
use super::prompt;
use super::session::{ago, millis};
use super::store::StoreArgs;
use crate::output;
use crate::output::printable;

/// How many accounts are read at once.
const PAGE: usize = 1000;

#[derive(clap::Args)]
pub(super) struct EndSessionsArgs {
    #[command(flatten)]
    name: NameArgs,

    /// End only the session with this id, as `show` lists it
    #[arg(long)]
    id: Option<i64>,
}

#[derive(clap::Args)]
pub(super) struct ExpireArgs {
    /// Only accounts that were imported at least this many days ago
    #[arg(long, value_name = "DAYS", default_value_t = 180)]
    older_than: u64,
}

#[derive(clap::Args)]
pub(super) struct BackupArgs {
    /// The file to write; it must not exist yet
    path: PathBuf,
}

#[derive(clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup, or any other database of accounts
    backup: PathBuf,

    /// Overwrite the database of accounts if there is one
    #[arg(long)]
    replace: bool,
}

pub(super) fn list(store: &StoreArgs, json: bool) -> Result<()> {
    let users = store.open()?;
    let mut accounts: Vec<Account> = Vec::new();
    loop {
        let after = accounts.last().map(|account| account.username.clone());
        let page = users.accounts(after.as_deref(), PAGE)?;
        let is_last = page.len() < PAGE;
        accounts.extend(page);
        if is_last {
            break;
        }
    }
    if json {
        let listed: Vec<Value> = accounts.iter().map(in_json).collect();
        return output::line(&serde_json::to_string_pretty(&json!({ "accounts": listed }))?);
    }
    if accounts.is_empty() {
        return output::line("no accounts; create one with `pixelplay user register NAME`");
    }
    let mut table = Table::new();
    let header = ["name", "registered", "password", ""];
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header);
    for account in &accounts {
        table.add_row([
            printable(&account.username),
            ago(account.created),
            account.hash_kind.clone().unwrap_or_else(|| "none".to_owned()),
            if account.disabled.is_some() { "disabled" } else { "" }.to_owned(),
        ]);
    }
    output::line(&table.to_string())
}

pub(super) fn show(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let users = store.open()?;
    let account = users.account(args.name()?)?;
    let sessions = users.sessions(&account.username)?;
    let wait = users.log_in_wait(&account.username)?;
    if json {
        let mut document = in_json(&account);
        document["log_in_wait_ms"] = json!(wait.as_millis());
        document["sessions"] = sessions
            .iter()
            .map(|session| {
                json!({
                    "id": session.id,
                    "label": session.label,
                    "created_ms": millis(session.created),
                    "last_seen_ms": millis(session.last_seen),
                    "ends_ms": millis(session.ends),
                })
            })
            .collect();
        return output::line(&serde_json::to_string_pretty(&document)?);
    }
    let mut text = format!(
        "{}\nregistered: {}\npassword: {}",
        printable(&account.username),
        ago(account.created),
        account.hash_kind.as_deref().unwrap_or("none")
    );
    if let Some(external_id) = &account.external_id {
        text += &format!("\nexternal id: {}", printable(external_id));
    }
    if let Some(since) = account.disabled {
        text += &format!("\ndisabled: {}; `pixelplay user enable` enables it", ago(since));
    }
    if !wait.is_zero() {
        text += &format!(
            "\nlog-in: after failed attempts, an unknown device has to wait {}; `pixelplay user unlock` ends the wait",
            HumanDuration(wait)
        );
    }
    for session in &sessions {
        let label = printable(session.label.as_deref().unwrap_or("unknown"));
        text += &format!("\nsession {}: {label}, last used {}", session.id, ago(session.last_seen));
    }
    output::line(&text)
}

pub(super) fn unlock(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    store.open()?.unlock(args.name()?)?;
    done(json, "unlocked", args.name()?)
}

pub(super) fn disable(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    if !store.open()?.disable(args.name()?)? && !json {
        return output::line("it was already disabled");
    }
    done(json, "disabled", args.name()?)
}

pub(super) fn enable(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    if !store.open()?.enable(args.name()?)? && !json {
        return output::line("it was not disabled");
    }
    done(json, "enabled", args.name()?)
}

pub(super) fn set_password(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let name = args.name()?;
    let users = store.open()?;
    users.account(name)?;
    let password = prompt::ask_new(&format!("New password of {name}"))?;
    users.set_password(name, &password)?;
    done(json, "set the password and ended all sessions of", name)
}

pub(super) fn end_sessions(args: EndSessionsArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let (users, name) = (store.open()?, args.name.name()?);
    let ended = match args.id {
        Some(id) if users.revoke(name, id)? => 1,
        Some(id) => bail!(
            "the account has no open session with the id {id}; `pixelplay user show` lists them"
        ),
        None => users.log_out_everywhere(name)?,
    };
    if json {
        return output::line(&json!({ "sessions_ended": ended }).to_string());
    }
    output::line(&format!("{ended} sessions ended"))
}

pub(super) fn expire_hashes(args: ExpireArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let older_than = Duration::from_secs(args.older_than.saturating_mul(24 * 3600));
    let expired = store.open()?.expire_imported_hashes(older_than)?;
    if json {
        return output::line(&json!({ "expired": expired }).to_string());
    }
    output::line(&format!("{expired} accounts need a new password"))
}

pub(super) fn backup(args: BackupArgs, store: &StoreArgs, json: bool) -> Result<()> {
    store.open()?.backup(&args.path)?;
    written(json, "backup", &args.path)
}

pub(super) fn restore(args: RestoreArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let path = store.path_in_folder()?;
    if !args.replace && path.exists() {
        bail!("{} exists; overwrite it with --replace", path.display());
    }
    UserStore::restore(&args.backup, &path, args.replace)?;
    written(json, "restored", &path)
}

fn written(json: bool, what: &str, path: &std::path::Path) -> Result<()> {
    if json {
        return output::line(&json!({ what: path.display().to_string() }).to_string());
    }
    output::line(&format!("{what}: {}", path.display()))
}

fn done(json: bool, what: &str, name: &str) -> Result<()> {
    if json {
        return output::line(&json!({ "username": name, "done": what }).to_string());
    }
    output::line(&format!("{what} {}", printable(name)))
}

fn in_json(account: &Account) -> Value {
    json!({
        "username": account.username,
        "created_ms": millis(account.created),
        "disabled_ms": account.disabled.map(millis),
        "external_id": account.external_id,
        "hash_kind": account.hash_kind,
    })
}
