//! `user register`, `export` and `delete`: create, print and delete an account.

use std::ffi::OsString;

use anyhow::{Result, bail};
use serde_json::json;

use super::prompt;
use super::store::{Person, StoreArgs};
use crate::output;
use crate::output::printable;

#[derive(clap::Args)]
pub(super) struct NameArgs {
    /// The user name, such as ana
    name: String,

    /// What is typed here is most likely a password. Clap's own error about a surplus argument
    /// would repeat it
    #[arg(hide = true)]
    surplus: Vec<OsString>,
}

impl NameArgs {
    pub(super) fn name(&self) -> Result<&str> {
        if !self.surplus.is_empty() {
            bail!(
                "pass one name and nothing else; the password is asked for. If you passed it as an argument, others \
                 may have seen it, and your shell may have stored it: choose another"
            );
        }
        Ok(&self.name)
    }
}

pub(super) fn register(args: NameArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let name = args.name()?;
    let users = store.open_or_make()?;
    let password = prompt::ask_new(&format!("Password for {name}"))?;
    users.register(name, &password)?;
    let username = users.account(name)?.username;
    if json {
        return output::line(&json!({ "username": username }).to_string());
    }
    let name = printable(&username);
    output::line(&format!("registered {name}; next: pixelplay user login {name}"))
}

pub(super) fn export(store: &StoreArgs) -> Result<()> {
    let Person { users, session } = store.person()?;
    output::line(&users.export(&session.username)?)
}

pub(super) fn delete(store: &StoreArgs, json: bool) -> Result<()> {
    let Person { users, session } = store.person()?;
    let name = &session.username;
    let password = prompt::ask(&format!(
        "Password of {name}, to delete the account with its favourites and its taste for good"
    ))?;
    // An open session alone must not be enough to delete an account.
    let again = users.log_in(name, &password)?;
    users.delete_account(&again.session.username)?;
    store.forget()?;
    if json {
        return output::line(&json!({ "deleted": name }).to_string());
    }
    output::line(&format!("deleted {} and all its data", printable(name)))
}
