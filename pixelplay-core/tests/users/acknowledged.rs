//! What was acknowledged, operation by operation, and whether a store still has it.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is done to one account.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum Operation {
    /// With [`PASSWORD`], hashed for this account alone.
    Register,
    Import,
    LogIn,
    Revoke {
        session: i64,
    },
    LogOut {
        session: i64,
        token: String,
    },
    /// From [`PASSWORD`] to [`OTHER_PASSWORD`].
    ChangePassword,
    Favourite {
        song: String,
    },
    Unfavourite {
        song: String,
    },
    Like {
        song: String,
    },
    Listen {
        song: String,
    },
    Rename {
        new: String,
    },
    Delete,
}

/// The id and the token of a session.
pub(super) type Began = (i64, String);

/// The state that an account must have.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) password: &'static str,
    favourites: BTreeSet<String>,
    likes: BTreeSet<String>,
    listens: Vec<String>,
    sessions: BTreeMap<i64, String>,
    /// The number of sessions whose token is unknown.
    unknown_sessions: usize,
    ended: BTreeMap<i64, String>,
}

impl Known {
    fn end(&mut self, session: i64) {
        let token = self.sessions.remove(&session).unwrap();
        self.ended.insert(session, token);
    }

    fn begin(&mut self, began: Option<Began>) {
        match began {
            Some((session, token)) => drop(self.sessions.insert(session, token)),
            None => self.unknown_sessions += 1,
        }
    }
}

/// Accounts by name; `None` for a name that no account has any more.
pub(super) type Accounts = BTreeMap<String, Option<Known>>;

/// Applies `operation` to the account `name`. It may have begun a session.
pub(super) fn apply(
    accounts: &mut Accounts,
    name: &str,
    operation: &Operation,
    began: Option<Began>,
) {
    let account = accounts.entry(name.to_owned()).or_default();
    if matches!(operation, Operation::Register | Operation::Import) {
        *account = Some(Known { password: PASSWORD, ..Known::default() });
        return;
    }
    let known = account.as_mut().unwrap();
    match operation {
        Operation::Register | Operation::Import => {}
        Operation::LogIn => known.begin(began),
        Operation::Revoke { session } | Operation::LogOut { session, .. } => known.end(*session),
        Operation::ChangePassword => {
            known.password = OTHER_PASSWORD;
            known.ended.append(&mut known.sessions);
            known.begin(began);
        }
        Operation::Favourite { song } => drop(known.favourites.insert(song.clone())),
        Operation::Unfavourite { song } => drop(known.favourites.remove(song)),
        Operation::Like { song } => drop(known.likes.insert(song.clone())),
        Operation::Listen { song } => known.listens.push(song.clone()),
        Operation::Rename { new } => {
            let known = account.take();
            accounts.insert(new.clone(), known);
        }
        Operation::Delete => *account = None,
    }
}

/// Returns how the store differs from what is known, in words.
pub(super) fn differences(users: &UserStore, accounts: &Accounts) -> Vec<String> {
    let of_account = |(name, known): (&String, &Option<Known>)| match known {
        Some(known) => differences_of(users, name, known),
        None => match users.account(name) {
            Err(UserError::UnknownUser) => Vec::new(),
            other => vec![format!("{name} has an account: {other:?}")],
        },
    };
    accounts.iter().flat_map(of_account).collect()
}

fn differences_of(users: &UserStore, name: &str, known: &Known) -> Vec<String> {
    let mut differences = Vec::new();
    let mut expect = |what, expected: Vec<String>, found: Result<Vec<String>, UserError>| {
        let sorted = found.map(|mut songs| {
            songs.sort();
            songs
        });
        match sorted {
            Ok(found) if found == expected => {}
            other => differences.push(format!("{what} of {name}: {expected:?}, not {other:?}")),
        }
    };
    let set = |songs: &BTreeSet<String>| songs.iter().cloned().collect();
    expect("favourites", set(&known.favourites), users.favourites(name));
    expect("likes", set(&known.likes), users.likes(name));
    let listens = users.history(name, usize::MAX);
    let listens = listens.map(|all| all.into_iter().map(|listen| listen.song).collect());
    let mut expected = known.listens.clone();
    expected.sort();
    expect("history", expected, listens);

    match users.sessions(name) {
        Ok(found) if found.len() == known.sessions.len() + known.unknown_sessions => {}
        other => differences.push(format!(
            "sessions of {name}: {:?} and {} others, not {other:?}",
            known.sessions.keys(),
            known.unknown_sessions
        )),
    }
    for (id, token) in &known.sessions {
        match users.resume(token) {
            Ok(session) if session.id == *id && session.username == name => {}
            other => differences.push(format!("session {id} of {name}: {other:?}")),
        }
    }
    for (id, token) in &known.ended {
        match users.resume(token) {
            Err(UserError::InvalidSession) => {}
            other => differences.push(format!("session {id} of {name} goes on: {other:?}")),
        }
    }
    differences
}
