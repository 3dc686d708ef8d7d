//! Writers that are killed at random moments: whatever was acknowledged is there.
//!
//! Each of a child's four threads has accounts of its own. Before an operation it writes down what it is about to do, and
//! after it has returned, that it is done; so whoever reads the notes of a dead child knows all that was acknowledged,
//! and the one operation of each thread of which nothing is known. A kill leaves what the kernel has taken over, so this
//! is about transactions; what a power cut leaves is shown in `power.rs`.

use super::child::{child, wait_for};
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::thread::sleep;

use rand::RngExt as _;

const WRITERS: usize = 4;

/// An operation, and what it is done with.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Done {
    /// With [`PASSWORD`], hashed for this account alone.
    Registered {
        name: String,
    },
    Imported {
        name: String,
    },
    LoggedIn {
        name: String,
        token: String,
        session: i64,
    },
    Revoked {
        session: i64,
    },
    LoggedOut {
        session: i64,
    },
    PasswordChanged {
        name: String,
        token: String,
        session: i64,
    },
    Added {
        name: String,
        song: String,
    },
    Removed {
        name: String,
        song: String,
    },
    Liked {
        name: String,
        song: String,
    },
    Heard {
        name: String,
        song: String,
    },
    Renamed {
        name: String,
        new: String,
    },
    Deleted {
        name: String,
    },
}

/// A line of the notes.
#[derive(serde::Serialize, serde::Deserialize)]
enum Note {
    /// About to act on this account.
    Begin {
        name: String,
    },
    Done(Done),
}

struct Notes(File);

impl Notes {
    fn write(&mut self, note: &Note) {
        let line = serde_json::to_string(note).unwrap() + "\n";
        self.0.write_all(line.as_bytes()).unwrap();
    }

    fn run(&mut self, name: &str, operation: impl FnOnce() -> Done) -> Done {
        self.write(&Note::Begin {
            name: name.to_owned(),
        });
        let done = operation();
        self.write(&Note::Done(done.clone()));
        done
    }
}

/// What [`child`] does as `write ROUND`.
pub(super) fn write_until_killed(db: &Path, round: &str) {
    let users = UserStore::open(db).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let path = notes_path(db, round, writer);
            let mut notes = Notes(File::create_new(path).unwrap());
            let users = &users;
            scope.spawn(move || {
                for turn in 0.. {
                    // Half of the writers begin where a password is hashed, so that short lives see that too.
                    let name = format!("u-{round}-{writer}-{turn}");
                    one_life(users, &mut notes, &name, (turn + writer) % 2 == 0);
                }
            });
        }
    });
}

fn notes_path(db: &Path, round: &str, writer: usize) -> PathBuf {
    db.with_file_name(format!("notes {round} {writer}"))
}

fn one_life(users: &UserStore, notes: &mut Notes, first_name: &str, with_password: bool) {
    let name = first_name.to_owned();
    notes.run(&name, || {
        if with_password {
            users.register(&name, PASSWORD).unwrap();
            Done::Registered { name: name.clone() }
        } else {
            users.import_account(&name, &CHEAP_HASH).unwrap();
            Done::Imported { name: name.clone() }
        }
    });
    for k in 0..3 {
        let song = format!("song {k}");
        notes.run(&name, || {
            users.add_favourite(&name, &song).unwrap();
            Done::Added {
                name: name.clone(),
                song,
            }
        });
    }
    notes.run(&name, || {
        let song = "song 1".to_owned();
        assert!(users.remove_favourite(&name, &song).unwrap());
        Done::Removed {
            name: name.clone(),
            song,
        }
    });
    for k in 0..2 {
        let song = format!("song {k}");
        notes.run(&name, || {
            users.like(&name, &song).unwrap();
            Done::Liked {
                name: name.clone(),
                song: song.clone(),
            }
        });
        notes.run(&name, || {
            users.record_listen(&name, &song).unwrap();
            Done::Heard {
                name: name.clone(),
                song,
            }
        });
    }
    let mut log_in = || {
        let done = notes.run(&name, || {
            let log_in = users.log_in(&name, PASSWORD).unwrap();
            Done::LoggedIn {
                name: name.clone(),
                token: log_in.token.expose().to_owned(),
                session: log_in.session.id,
            }
        });
        match done {
            Done::LoggedIn { token, session, .. } => (token, session),
            other => unreachable!("{other:?}"),
        }
    };
    let [revoked, left, _kept] = [(); 3].map(|()| log_in());
    notes.run(&name, || {
        assert!(users.revoke(&name, revoked.1).unwrap());
        Done::Revoked { session: revoked.1 }
    });
    notes.run(&name, || {
        users.log_out(&left.0).unwrap();
        Done::LoggedOut { session: left.1 }
    });
    if with_password {
        notes.run(&name, || {
            let log_in = users
                .change_password(&name, PASSWORD, OTHER_PASSWORD)
                .unwrap();
            Done::PasswordChanged {
                name: name.clone(),
                token: log_in.token.expose().to_owned(),
                session: log_in.session.id,
            }
        });
    } else {
        notes.run(&name, || {
            let new = format!("{name}-new");
            users.rename(&name, &new).unwrap();
            Done::Renamed {
                name: name.clone(),
                new,
            }
        });
        let extra = format!("{name}-extra");
        notes.run(&extra, || {
            users.import_account(&extra, &CHEAP_HASH).unwrap();
            Done::Imported {
                name: extra.clone(),
            }
        });
        notes.run(&extra, || {
            users.delete_account(&extra).unwrap();
            Done::Deleted {
                name: extra.clone(),
            }
        });
    }
}

/// What is known of an account.
#[derive(Debug, Default)]
struct Known {
    password: &'static str,
    favourites: BTreeSet<String>,
    likes: BTreeSet<String>,
    heard: Vec<String>,
    /// Tokens by session.
    sessions: BTreeMap<i64, String>,
}

/// All that was acknowledged.
#[derive(Default)]
struct Acknowledged {
    accounts: BTreeMap<String, Known>,
    /// Names that are nobody's any more, and tokens of ended sessions.
    gone: BTreeSet<String>,
    ended: BTreeMap<i64, String>,
    /// Accounts of which something else may be true by now: of these only what cannot have been undone is asked.
    unsure: BTreeSet<String>,
    operations: BTreeMap<&'static str, usize>,
}

impl Acknowledged {
    fn count(&mut self, what: &'static str) {
        *self.operations.entry(what).or_default() += 1;
    }

    fn known(&mut self, name: &str) -> &mut Known {
        self.accounts.get_mut(name).unwrap()
    }

    fn end(&mut self, session: i64) {
        for known in self.accounts.values_mut() {
            self.ended.extend(
                known
                    .sessions
                    .remove(&session)
                    .map(|token| (session, token)),
            );
        }
    }

    fn learn(&mut self, done: Done) {
        match done {
            Done::Registered { name } => {
                self.count("registrations");
                let known = Known {
                    password: PASSWORD,
                    ..Known::default()
                };
                self.accounts.insert(name, known);
            }
            Done::Imported { name } => {
                self.count("imports");
                let known = Known {
                    password: PASSWORD,
                    ..Known::default()
                };
                self.accounts.insert(name, known);
            }
            Done::LoggedIn {
                name,
                token,
                session,
            } => {
                self.count("log-ins");
                self.known(&name).sessions.insert(session, token);
            }
            Done::Revoked { session } => {
                self.count("revocations");
                self.end(session);
            }
            Done::LoggedOut { session } => {
                self.count("log-outs");
                self.end(session);
            }
            Done::PasswordChanged {
                name,
                token,
                session,
            } => {
                self.count("password changes");
                let known = self.known(&name);
                known.password = OTHER_PASSWORD;
                let ended = std::mem::take(&mut known.sessions);
                known.sessions.insert(session, token);
                self.ended.extend(ended);
            }
            Done::Added { name, song } => {
                self.count("favourites");
                self.known(&name).favourites.insert(song);
            }
            Done::Removed { name, song } => {
                self.count("removals");
                self.known(&name).favourites.remove(&song);
            }
            Done::Liked { name, song } => {
                self.count("ratings");
                self.known(&name).likes.insert(song);
            }
            Done::Heard { name, song } => {
                self.count("listenings");
                self.known(&name).heard.push(song);
            }
            Done::Renamed { name, new } => {
                self.count("renamings");
                let known = self.accounts.remove(&name).unwrap();
                self.accounts.insert(new, known);
                self.gone.insert(name);
            }
            Done::Deleted { name } => {
                self.count("deletions");
                self.accounts.remove(&name).unwrap();
                self.gone.insert(name);
            }
        }
    }

    /// Reads the notes of a child that was killed.
    fn learn_from(&mut self, db: &Path, round: &str) {
        for writer in 0..WRITERS {
            let Ok(notes) = fs::read_to_string(notes_path(db, round, writer)) else {
                continue;
            };
            let mut about_to = None;
            // A last line without its end was being written.
            for line in notes
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
            {
                match serde_json::from_str(line).unwrap() {
                    Note::Begin { name } => about_to = Some(name),
                    Note::Done(done) => {
                        about_to = None;
                        self.learn(done);
                    }
                }
            }
            self.unsure.extend(about_to);
        }
    }

    /// What was lost of it, in words.
    fn losses(&self, users: &UserStore, names: Range<usize>) -> Vec<String> {
        let mut losses = Vec::new();
        let sorted = |mut songs: Vec<String>| {
            songs.sort();
            songs
        };
        let range = self.accounts.iter().skip(names.start).take(names.len());
        for (name, known) in range.filter(|(name, _)| !self.unsure.contains(*name)) {
            let mut expect =
                |what, expected: Vec<String>, found: Result<Vec<String>, UserError>| match found {
                    Ok(found) if sorted(found.clone()) == sorted(expected.clone()) => {}
                    found => losses.push(format!("{what} of {name}: {expected:?}, not {found:?}")),
                };
            expect(
                "favourites",
                known.favourites.iter().cloned().collect(),
                users.favourites(name),
            );
            expect(
                "likes",
                known.likes.iter().cloned().collect(),
                users.likes(name),
            );
            let heard = users.history(name, usize::MAX);
            let heard = heard.map(|all| all.into_iter().map(|listen| listen.song).collect());
            expect("history", known.heard.clone(), heard);
            let ids = known.sessions.keys().map(ToString::to_string).collect();
            let found = users.sessions(name);
            let found = found.map(|all| all.iter().map(|session| session.id.to_string()).collect());
            expect("sessions", ids, found);
            for (id, token) in &known.sessions {
                match users.resume(token) {
                    Ok(session) if session.id == *id && session.username == *name => {}
                    other => losses.push(format!("session {id} of {name}: {other:?}")),
                }
            }
        }
        for name in self.gone.iter().filter(|name| !self.unsure.contains(*name)) {
            if !matches!(users.account(name), Err(UserError::UnknownUser)) {
                losses.push(format!("{name} is still there"));
            }
        }
        for (id, token) in &self.ended {
            if !matches!(users.resume(token), Err(UserError::InvalidSession)) {
                losses.push(format!("session {id} goes on"));
            }
        }
        losses
    }
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there() {
    let folder = Folder::new();
    let mut rng = rand::rng();
    let mut acknowledged = Acknowledged::default();
    let rounds = soak(10, 200);
    let mut losses = Vec::new();
    for round in 0..rounds {
        // Somebody else may have the file open meanwhile, and then there is no recovery.
        let witness = (round % 3 == 2).then(|| folder.open());
        let mut writer = child(&format!("write {round}"), &folder.db())
            .spawn()
            .unwrap();
        wait_for(&notes_path(&folder.db(), &round.to_string(), WRITERS - 1));
        sleep(Duration::from_millis(rng.random_range(0..1200)));
        writer.kill().unwrap();
        let output = writer.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");

        let known_before = acknowledged.accounts.len();
        acknowledged.learn_from(&folder.db(), &round.to_string());
        let users = folder.open();
        users.verify().unwrap();
        losses.extend(acknowledged.losses(&users, 0..acknowledged.accounts.len()));
        // Of the accounts that are new, one shows that passwords are what they were.
        let one = acknowledged.accounts.iter().find(|(name, _)| {
            name.starts_with(&format!("u-{round}-")) && !acknowledged.unsure.contains(*name)
        });
        if let Some((name, known)) = one {
            users
                .log_out(users.log_in(name, known.password).unwrap().token.expose())
                .unwrap();
        }
        assert!(acknowledged.accounts.len() >= known_before);
        drop(witness);
    }
    let total: usize = acknowledged.operations.values().sum();
    println!(
        "{rounds} kills, {total} acknowledged operations ({:?}), {} of unknown outcome, {} lost",
        acknowledged.operations,
        acknowledged.unsure.len(),
        losses.len()
    );
    assert!(losses.is_empty(), "{losses:#?}");
    for kind in ["registrations", "log-ins", "favourites", "revocations"] {
        assert!(
            acknowledged.operations.contains_key(kind),
            "no {kind} in {rounds} rounds"
        );
    }
}
