//! `user login`, `logout`, `password` and `sessions`.

use std::env::consts::OS;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::Subcommand;
use comfy_table::{Table, presets};
use indicatif::HumanDuration;
use pixelplay_core::UserStore;
use pixelplay_core::users::{Client, NewSession, Session, SessionLifetime};
use serde_json::{Value, json};

use super::account::NameArgs;
use super::prompt;
use super::store::{Person, StoreArgs};
use crate::output;
use crate::output::printable;

#[derive(clap::Args)]
pub(super) struct LogOutArgs {
    /// End all your sessions, wherever you logged in
    #[arg(long)]
    everywhere: bool,
}

#[derive(clap::Args)]
pub(super) struct SessionsArgs {
    #[command(subcommand)]
    action: Option<SessionsAction>,
}

#[derive(Subcommand)]
enum SessionsAction {
    /// List your sessions; the default
    List,
    /// End one session
    Revoke {
        /// The id of the session, as `list` shows it
        id: i64,
    },
}

pub(super) fn log_in(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let name = args.name()?;
    let users = store.open()?;
    let password = prompt::ask(&format!("Password of {name}"))?;
    let log_in = with_client(|client| users.log_in_from(name, &password, client))?;
    keep("logged in", &log_in, &users, store, json)
}

pub(super) fn change_password(store: &StoreArgs, json: bool) -> Result<()> {
    let Person { users, session } = store.person()?;
    let old = prompt::ask(&format!("Old password of {}", session.username))?;
    let new = prompt::ask_new("New password")?;
    let log_in =
        with_client(|client| users.change_password_from(&session.username, &old, &new, client))?;
    keep("password changed, logged in", &log_in, &users, store, json)
}

/// The command line is used now and then, by one person, and keeps the token in a file that nobody
/// else can read.
const LIFETIME: SessionLifetime = SessionLifetime { idle_timeout: days(30), max_age: days(365) };

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 3600)
}

fn with_client<T>(run: impl FnOnce(&Client<'_>) -> T) -> T {
    let label = format!("pixelplay on {OS}");
    run(&Client { label: Some(&label), lifetime: Some(LIFETIME), ..Client::default() })
}

fn keep(
    done: &str,
    log_in: &NewSession,
    users: &UserStore,
    store: &StoreArgs,
    json: bool,
) -> Result<()> {
    let file = store.keep(users, log_in)?;
    let username = &log_in.session.username;
    if json {
        let document = json!({
            "username": username,
            "token": log_in.token.expose(),
            "session_file": file.display().to_string(),
            "ends_ms": millis(log_in.session.ends),
        });
        return output::line(&document.to_string());
    }
    let idle = HumanDuration(LIFETIME.idle_timeout);
    output::line(&format!(
        "{done} as {}; the session is in {} and ends after {idle} without use",
        printable(username),
        file.display()
    ))
}

pub(super) fn log_out(args: LogOutArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let ended = if args.everywhere {
        let Person { users, session } = store.person()?;
        users.log_out_everywhere(&session.username)?
    } else {
        let users = store.open()?;
        let Some(token) = store.token()? else {
            return said(json, 0);
        };
        let was_open = users.resume(&token).is_ok();
        users.log_out(&token)?;
        usize::from(was_open)
    };
    store.forget()?;
    said(json, ended)
}

fn said(json: bool, ended: usize) -> Result<()> {
    if json {
        return output::line(&json!({ "sessions_ended": ended }).to_string());
    }
    output::line(&match ended {
        0 => "you were not logged in".to_owned(),
        1 => "logged out".to_owned(),
        _ => format!("logged out; {ended} sessions ended"),
    })
}

pub(super) fn sessions(args: SessionsArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let person = store.person()?;
    match args.action {
        None | Some(SessionsAction::List) => list(&person, json),
        Some(SessionsAction::Revoke { id }) => {
            if !person.users.revoke(&person.session.username, id)? {
                bail!(
                    "you have no open session with the id {id}; `pixelplay user sessions` lists yours"
                );
            }
            if id == person.session.id {
                store.forget()?;
            }
            said(json, 1)
        }
    }
}

fn list(person: &Person, json: bool) -> Result<()> {
    let sessions = person.users.sessions(&person.session.username)?;
    let is_this = |session: &Session| session.id == person.session.id;
    if json {
        let listed: Vec<Value> = sessions
            .iter()
            .map(|session| {
                json!({
                    "id": session.id,
                    "label": session.label,
                    "created_ms": millis(session.created),
                    "last_seen_ms": millis(session.last_seen),
                    "ends_ms": millis(session.ends),
                    "this": is_this(session),
                })
            })
            .collect();
        let document = json!({ "username": person.session.username, "sessions": listed });
        return output::line(&serde_json::to_string_pretty(&document)?);
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "id",
        "client",
        "started",
        "last used",
        "",
    ]);
    for session in &sessions {
        table.add_row([
            session.id.to_string(),
            printable(session.label.as_deref().unwrap_or("unknown")),
            ago(session.created),
            ago(session.last_seen),
            if is_this(session) { "this one" } else { "" }.to_owned(),
        ]);
    }
    output::line(&table.to_string())
}

/// If the clock was set back in between, the time counts as now.
pub(super) fn ago(time: SystemTime) -> String {
    format!("{} ago", HumanDuration(time.elapsed().unwrap_or_default()))
}

/// Milliseconds since 1970 (UTC).
pub(super) fn millis(time: SystemTime) -> u64 {
    let since: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
