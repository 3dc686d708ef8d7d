//! Writers that are killed at random moments: everything that was acknowledged is there.
//!
//! Each of a child's four threads has its own accounts. It notes each operation before it starts
//! and again after it has returned. So the notes of a killed child show everything that was
//! acknowledged, and for each thread the one operation that was in progress, which may have been
//! done completely or not at all. After a kill, everything that the kernel has accepted is kept, so
//! this tests transactions; `power.rs` tests what a power cut leaves.

use super::acknowledged::{Accounts, Began, Operation, apply, differences};
use super::child::{child, wait_for};
use super::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::thread::sleep;

use rand::RngExt as _;

const WRITERS: usize = 4;

#[derive(serde::Serialize, serde::Deserialize)]
enum Note {
    Begin { name: String, operation: Operation },
    Done { began: Option<Began> },
}

/// The notes of a writer.
struct Writer<'a> {
    users: &'a UserStore,
    notes: File,
}

impl Writer<'_> {
    fn note(&mut self, note: &Note) {
        let line = serde_json::to_string(note).unwrap() + "\n";
        self.notes.write_all(line.as_bytes()).unwrap();
    }

    fn run(&mut self, name: &str, operation: Operation) -> Option<Began> {
        self.note(&Note::Begin { name: name.to_owned(), operation: operation.clone() });
        let began = act(self.users, name, &operation);
        self.note(&Note::Done { began: began.clone() });
        began
    }

    /// Runs an account from its registration to its end. Lives are short, so that every operation
    /// that changes the file soon comes up.
    fn one_life(&mut self, name: &str, with_password: bool) {
        let song = |n: usize| format!("song {n}");
        let made = if with_password { Operation::Register } else { Operation::Import };
        self.run(name, made);
        for n in 0..3 {
            self.run(name, Operation::Favourite { song: song(n) });
        }
        self.run(name, Operation::Unfavourite { song: song(1) });
        for n in 0..2 {
            self.run(name, Operation::Like { song: song(n) });
            self.run(name, Operation::Listen { song: song(n) });
        }
        let [(revoked, _), (session, token), _kept] =
            [(); 3].map(|()| self.run(name, Operation::LogIn).unwrap());
        self.run(name, Operation::Revoke { session: revoked });
        self.run(name, Operation::LogOut { session, token });
        if with_password {
            self.run(name, Operation::ChangePassword);
        } else {
            let new = format!("{name}-new");
            self.run(name, Operation::Rename { new });
            let other = format!("{name}-other");
            self.run(&other, Operation::Import);
            self.run(&other, Operation::Delete);
        }
    }
}

fn act(users: &UserStore, name: &str, operation: &Operation) -> Option<Began> {
    let began = |log_in: NewSession| Some((log_in.session.id, log_in.token.expose().to_owned()));
    match operation {
        Operation::Register => users.register(name, PASSWORD).unwrap(),
        Operation::Import => users.import_account(name, &CHEAP_HASH).unwrap(),
        Operation::LogIn => return began(users.log_in(name, PASSWORD).unwrap()),
        Operation::Revoke { session } => assert!(users.revoke(name, *session).unwrap()),
        Operation::LogOut { token, .. } => users.log_out(token).unwrap(),
        Operation::ChangePassword => {
            return began(users.change_password(name, PASSWORD, OTHER_PASSWORD).unwrap());
        }
        Operation::Favourite { song } => users.add_favourite(name, song).unwrap(),
        Operation::Unfavourite { song } => assert!(users.remove_favourite(name, song).unwrap()),
        Operation::Like { song } => users.like(name, song).unwrap(),
        Operation::Listen { song } => users.record_listen(name, song).unwrap(),
        Operation::Rename { new } => users.rename(name, new).unwrap(),
        Operation::Delete => users.delete_account(name).unwrap(),
    }
    None
}

fn notes_path(db: &Path, round: usize, writer: usize) -> PathBuf {
    db.with_file_name(format!("notes {round} {writer}"))
}

/// The role `write ROUND` of a [`child`].
pub(super) fn write_until_killed(db: &Path, round: usize) {
    let users = UserStore::open(db).unwrap();
    std::thread::scope(|scope| {
        for at in 0..WRITERS {
            let mut writer = Writer {
                users: &users,
                notes: File::create_new(notes_path(db, round, at)).unwrap(),
            };
            scope.spawn(move || {
                for turn in 0.. {
                    writer.one_life(&format!("u-{round}-{at}-{turn}"), (turn + at) % 2 == 0);
                }
            });
        }
    });
}

/// What is known from the notes of the killed children.
#[derive(Default)]
struct Acknowledged {
    accounts: Accounts,
    counts: BTreeMap<&'static str, usize>,
    /// Accounts with an operation in progress: their state if it was not done, and if it was.
    open: Vec<[Accounts; 2]>,
}

impl Acknowledged {
    fn read_notes(&mut self, db: &Path, round: usize) {
        for writer in 0..WRITERS {
            let notes = fs::read_to_string(notes_path(db, round, writer)).unwrap_or_default();
            let mut under_way = None;
            // A last line without a line break was still being written.
            for line in notes.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                match (serde_json::from_str(line).unwrap(), under_way.take()) {
                    (Note::Begin { name, operation }, None) => under_way = Some((name, operation)),
                    (Note::Done { began }, Some((name, operation))) => {
                        *self.counts.entry(kind(&operation)).or_default() += 1;
                        apply(&mut self.accounts, &name, &operation, began);
                    }
                    _ => panic!("{line} out of turn"),
                }
            }
            if let Some((name, operation)) = under_way {
                let before = self.accounts.remove(&name).unwrap_or_default();
                let before = Accounts::from([(name.clone(), before)]);
                let mut after = before.clone();
                apply(&mut after, &name, &operation, None);
                self.open.push([before, after]);
            }
        }
    }

    fn losses(&self, users: &UserStore) -> Vec<String> {
        let mut losses = differences(users, &self.accounts);
        for [before, after] in &self.open {
            let not_done = differences(users, before);
            let done = differences(users, after);
            if !not_done.is_empty() && !done.is_empty() {
                losses.push(format!("half done: {not_done:?}; or {done:?}"));
            }
        }
        losses
    }
}

fn kind(operation: &Operation) -> &'static str {
    match operation {
        Operation::Register => "registrations",
        Operation::Import => "imports",
        Operation::LogIn => "log-ins",
        Operation::Revoke { .. } => "revocations",
        Operation::LogOut { .. } => "log-outs",
        Operation::ChangePassword => "password changes",
        Operation::Favourite { .. } => "favourites",
        Operation::Unfavourite { .. } => "favourites removed",
        Operation::Like { .. } => "likes",
        Operation::Listen { .. } => "listens",
        Operation::Rename { .. } => "renamings",
        Operation::Delete => "deletions",
    }
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there() {
    let folder = Folder::new();
    let mut rng = rand::rng();
    let rounds = soak(10, 200);
    let (mut all, mut losses, mut passwords) = (Acknowledged::default(), Vec::new(), 0);
    for round in 0..rounds {
        // In some rounds, another connection keeps the file open, and then there is no recovery.
        let witness = (round % 3 == 2).then(|| folder.open());
        let mut writers = child(&format!("write {round}"), &folder.db()).spawn().unwrap();
        wait_for(&notes_path(&folder.db(), round, WRITERS - 1));
        sleep(Duration::from_millis(rng.random_range(0..1200)));
        writers.kill().unwrap();
        let output = writers.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");

        let mut this = Acknowledged::default();
        this.read_notes(&folder.db(), round);
        let users = folder.open();
        users.verify().unwrap();
        losses.extend(this.losses(&users));
        // One of them is enough to show that passwords are unchanged.
        if let Some((name, Some(known))) = this.accounts.iter().find(|(_, known)| known.is_some()) {
            let log_in = users.log_in(name, known.password).unwrap();
            users.log_out(log_in.token.expose()).unwrap();
            passwords += 1;
        }
        all.accounts.append(&mut this.accounts);
        all.open.append(&mut this.open);
        for (kind, count) in this.counts {
            *all.counts.entry(kind).or_default() += count;
        }
        drop(witness);
    }
    // No later round lost anything from an earlier one either.
    losses.extend(all.losses(&folder.open()));
    println!(
        "{rounds} kills, {} acknowledged operations ({:?}), {} in progress, {} lost; {passwords} passwords tried",
        all.counts.values().sum::<usize>(),
        all.counts,
        all.open.len(),
        losses.len()
    );
    assert!(losses.is_empty(), "{losses:#?}");
    for kind in ["registrations", "log-ins", "favourites", "revocations"] {
        assert!(all.counts.contains_key(kind), "no {kind} in {rounds} rounds");
    }
}
