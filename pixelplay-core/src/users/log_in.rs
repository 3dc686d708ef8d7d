//! Names and passwords against what is stored.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::equal_cost::verify_at_equal_cost;
use super::error::UserError;
use super::hash::{HashProblem, StoredHash};
use super::hash_slots::HashSlot;
use super::name::UserName;
use super::password::{Normalised, Password, PasswordPolicy};
use super::scheme::Scheme;
use super::secret::SecretToken;
use super::session::LogIn;
use super::storage::Abort;
use super::throttle::{Attempt, Counted};
use super::turns::Turn;
use super::{Client, UserStore, account_of};

/// The longest name that is looked at, in bytes. A longer one is nobody's, whatever Unicode makes
/// of it.
const MAX_CLAIM_BYTES: usize = 1024;

/// A name that somebody claims to have.
pub(super) struct Claim {
    /// `None` if it can be nobody's.
    pub(super) name: Option<UserName>,
    /// What attempts are counted under: what it is found by, or the name as it was typed.
    pub(super) key: Vec<u8>,
}

impl Claim {
    pub(super) fn new(name: &str) -> Result<Self, UserError> {
        match UserName::parse(name) {
            Ok(name) => Ok(Self { key: name.key().as_bytes().to_vec(), name: Some(name) }),
            // That a name cannot exist is no secret, but a log-in form should say no more than that
            // it is wrong.
            Err(_) if name.len() <= MAX_CLAIM_BYTES => {
                Ok(Self { key: name.as_bytes().to_vec(), name: None })
            }
            Err(problem) => Err(problem.into()),
        }
    }

    /// The account that has the name.
    pub(super) fn account(&self, reader: &Connection) -> rusqlite::Result<Option<i64>> {
        match &self.name {
            Some(name) => account_of(reader, name),
            None => Ok(None),
        }
    }
}

/// A password that was right, and what the log-in may go on with.
struct Verified<'a> {
    account: i64,
    /// The hash that it was compared with.
    hash: String,
    /// What shall replace it, as it costs too little or was made elsewhere.
    upgrade: Option<StoredHash>,
    attempt: Attempt,
    _turn: Turn<'a>,
}

impl UserStore {
    /// Begins a session for whoever has the password.
    ///
    /// It costs one hash, or as much as the dearest hash in the store, whether or not the name
    /// exists.
    ///
    /// # Errors
    /// [`UserError::InvalidCredentials`], [`UserError::Throttled`] after failed attempts,
    /// [`UserError::Overloaded`], [`UserError::Password`] if the password is too long to be looked
    /// at, and if the file cannot be written.
    pub fn log_in(&self, name: &str, password: &str) -> Result<LogIn, UserError> {
        self.log_in_from(name, password, &Client::default())
    }

    /// [`log_in`](Self::log_in), with what is known of the client.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub fn log_in_from(
        &self,
        name: &str,
        password: &str,
        client: &Client<'_>,
    ) -> Result<LogIn, UserError> {
        let claim = Claim::new(name)?;
        let password = Password::new(password)?;
        loop {
            let verified = self.check(&claim, Counted::LogIn(&claim.key), &password, client)?;
            let token = SecretToken::random()?;
            let now = self.now();
            let session = self.storage.write("log in", |transaction| {
                let is_still_right = match &verified.upgrade {
                    Some(upgrade) => replace_hash(transaction, &verified, upgrade)?,
                    None => still_has_hash(transaction, &verified)?,
                };
                if !is_still_right {
                    self.throttle.cancel(transaction, &verified.attempt)?;
                    return Ok(None);
                }
                self.throttle.succeed(transaction, &verified.attempt)?;
                self.begin_session(transaction, verified.account, client, &token, now).map(Some)
            })?;
            // Else the hash is another one since it was looked at. Maybe only a log-in in another
            // process has upgraded it, so the password is looked at again.
            if let Some(session) = session {
                return Ok(LogIn { token, session });
            }
        }
    }

    /// Sets a new password for whoever has the old one. All sessions end and a new one begins;
    /// single-use tokens that are out are void.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in), and [`UserError::Password`] if the new password cannot be
    /// taken. Then nothing was changed.
    pub fn change_password(&self, name: &str, old: &str, new: &str) -> Result<LogIn, UserError> {
        self.change_password_from(name, old, new, &Client::default())
    }

    /// [`change_password`](Self::change_password), with what is known of the client.
    ///
    /// # Errors
    /// As [`change_password`](Self::change_password).
    pub fn change_password_from(
        &self,
        name: &str,
        old: &str,
        new: &str,
        client: &Client<'_>,
    ) -> Result<LogIn, UserError> {
        let claim = Claim::new(name)?;
        let old = Password::new(old)?;
        let new = Password::new(new)?;
        loop {
            let verified = self.check(&claim, Counted::ChangePassword(&claim.key), &old, client)?;
            let name = claim.name.as_ref().ok_or(UserError::InvalidCredentials)?;
            let hash = match self.hash_new(&new, name) {
                Ok(hash) => hash,
                Err(error) => {
                    self.take_back(&verified.attempt)?;
                    return Err(error);
                }
            };
            let token = SecretToken::random()?;
            let now = self.now();
            let session = self.storage.write("change the password", |transaction| {
                if !replace_hash(transaction, &verified, &hash)? {
                    self.throttle.cancel(transaction, &verified.attempt)?;
                    return Ok(None);
                }
                self.throttle.succeed(transaction, &verified.attempt)?;
                end_all(transaction, verified.account)?;
                self.begin_session(transaction, verified.account, client, &token, now).map(Some)
            })?;
            // As in `log_in_from`.
            if let Some(session) = session {
                return Ok(LogIn { token, session });
            }
        }
    }

    /// Looks whether a password is right. Whatever it answers but for [`UserError::Throttled`], it
    /// has done the same work.
    fn check<'a>(
        &'a self,
        claim: &'a Claim,
        counted: Counted<'_>,
        password: &Password<'_>,
        client: &Client<'_>,
    ) -> Result<Verified<'a>, UserError> {
        let turn = self
            .turns
            .take(&claim.key, self.options.longest_queue)
            .ok_or_else(|| self.overloaded())?;
        let mut all = vec![counted];
        all.extend(client.source.map(|source| Counted::Source(source.as_bytes())));
        let now = self.now();
        let attempt = self
            .storage
            .write("count an attempt", |transaction| self.throttle.begin(transaction, &all, now))?;
        match self.compare(claim, password) {
            Ok(Some((account, hash, upgrade))) => {
                Ok(Verified { account, hash, upgrade, attempt, _turn: turn })
            }
            Ok(None) => Err(UserError::InvalidCredentials),
            Err(error) => {
                self.take_back(&attempt)?;
                Err(error)
            }
        }
    }

    /// The account, its hash and what replaces that, if the password is right.
    fn compare(
        &self,
        claim: &Claim,
        password: &Password<'_>,
    ) -> Result<Option<(i64, String, Option<StoredHash>)>, UserError> {
        let mut slot = self.hash_slot()?;
        let key = claim.name.as_ref().map(UserName::key);
        let (stored, kinds) = self.storage.read("look an account up", |reader| {
            let stored: Option<(i64, String, String)> = reader
                .prepare_cached("SELECT id, hash, input FROM account WHERE name_key = ?")?
                .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let kinds: rusqlite::Result<Vec<String>> = reader
                .prepare_cached("SELECT DISTINCT scheme FROM hash_kind")?
                .query_map([], |row| row.get(0))?
                .collect();
            Ok((stored, kinds?))
        })?;
        let kinds: Vec<Scheme> =
            kinds.iter().map(|kind| kind.parse()).collect::<Result<_, HashProblem>>()?;
        let stored = match stored {
            Some((account, hash, input)) => {
                Some((account, StoredHash::parse(&hash, input.parse()?)?))
            }
            None => None,
        };
        let right = verify_at_equal_cost(
            stored.as_ref().map(|(_, hash)| hash),
            password,
            &self.options.peppers,
            &kinds,
            &self.options.hash,
            slot.memory(),
        )?;
        let Some((account, hash)) = stored.filter(|_| right) else {
            return Ok(None);
        };
        // A password of before that is none by today's rules of Unicode keeps its hash.
        let upgrade = match password.normalised() {
            Some(password)
                if hash.needs_upgrade(&self.options.hash, self.options.peppers.current()) =>
            {
                Some(self.hash_by_today(password, &mut slot)?)
            }
            _ => None,
        };
        Ok(Some((account, hash.text().to_owned(), upgrade)))
    }

    /// The hash of a new password, if the policy lets it pass. Judging it costs as much as hashing
    /// it, so both have a slot.
    pub(super) fn hash_new(
        &self,
        password: &Password<'_>,
        name: &UserName,
    ) -> Result<StoredHash, UserError> {
        let policy = if self.options.second_factor {
            PasswordPolicy::WITH_SECOND_FACTOR
        } else {
            PasswordPolicy::default()
        };
        let mut slot = self.hash_slot()?;
        self.hash_by_today(policy.check_new(password, name)?, &mut slot)
    }

    fn hash_by_today(
        &self,
        password: &Normalised,
        slot: &mut HashSlot<'_>,
    ) -> Result<StoredHash, UserError> {
        let pepper = self.options.peppers.current();
        let hash = StoredHash::new(password, &self.options.hash, pepper, slot.memory())?;
        Ok(hash)
    }

    fn hash_slot(&self) -> Result<HashSlot<'_>, UserError> {
        self.slots.acquire(self.options.longest_queue).ok_or_else(|| self.overloaded())
    }

    fn overloaded(&self) -> UserError {
        UserError::Overloaded { retry_after: self.options.longest_queue }
    }

    fn take_back(&self, attempt: &Attempt) -> Result<(), UserError> {
        self.storage
            .write("take an attempt back", |transaction| self.throttle.cancel(transaction, attempt))
    }
}

/// Whether the account still has the hash that was looked at.
fn still_has_hash(transaction: &Transaction<'_>, verified: &Verified<'_>) -> Result<bool, Abort> {
    Ok(transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM account WHERE id = ? AND hash = ?)")?
        .query_row(params![verified.account, verified.hash], |row| row.get(0))?)
}

/// Replaces the hash that was looked at; `false` if it is another by now.
fn replace_hash(
    transaction: &Transaction<'_>,
    verified: &Verified<'_>,
    new: &StoredHash,
) -> Result<bool, Abort> {
    let replaced = transaction
        .prepare_cached(
            "UPDATE account SET hash = ?, scheme = ?, input = ? WHERE id = ? AND hash = ?",
        )?
        .execute(params![
            new.text(),
            new.scheme().to_string(),
            new.input().to_string(),
            verified.account,
            verified.hash
        ])?;
    Ok(replaced == 1)
}

/// Ends the sessions of an account and voids its single-use tokens.
pub(super) fn end_all(transaction: &Transaction<'_>, account: i64) -> Result<(), Abort> {
    transaction.execute("DELETE FROM session WHERE account = ?", [account])?;
    transaction.execute("DELETE FROM confirmation WHERE account = ?", [account])?;
    Ok(())
}
