//! `user register`, `export` and `delete`: the account itself.

use std::ffi::OsString;

use anyhow::{Result, bail};
use serde_json::json;

use super::prompt;
use super::store::{Person, StoreArgs};
use crate::output;
use crate::output::printable;

#[derive(clap::Args)]
pub(super) struct NameArgs {
    /// The user name
    name: String,

    /// What is typed here is most likely a password, which an error about a surplus argument would
    /// repeat
    #[arg(hide = true)]
    surplus: Vec<OsString>,
}

impl NameArgs {
    pub(super) fn name(&self) -> Result<&str> {
        if !self.surplus.is_empty() {
            bail!(
                "one name and nothing else, please; the password is asked for. If it was among the arguments, others \
                 may have seen it, and your shell remembers it: choose another"
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
        "Password of {name}, to delete the account, its favourites and its taste for good"
    ))?;
    // Whoever finds an open session shall not be able to do this.
    let again = users.log_in(name, &password)?;
    users.delete_account(&again.session.username)?;
    store.forget()?;
    if json {
        return output::line(&json!({ "deleted": name }).to_string());
    }
    output::line(&format!("deleted {} and all of it", printable(name)))
}
