//! Checks names and passwords against the stored accounts.

use rusqlite::{Connection, OptionalExtension};

use super::device::known_device;
use super::token::TokenHash;
use crate::users::database::Abort;
use crate::users::error::UserError;
use crate::users::name::UserName;
use crate::users::options::Client;
use crate::users::password::{
    HashProblem, HashSlot, Normalised, Password, Scheme, StoredHash, verify_at_equal_cost,
};
use crate::users::store::{UserStore, account_of};
use crate::users::throttle::{AccountLock, Attempt, Attempted, Counted};

/// The maximum length of a name that is looked up, in bytes. A longer one cannot belong to an
/// account, whatever its normal form is.
const MAX_CLAIM_BYTES: usize = 1024;

/// A name that a client claims to have.
pub(in crate::users) struct Claim {
    /// `None` if it cannot be the name of an account.
    pub(in crate::users) name: Option<UserName>,
    /// The key that attempts are counted under: the lookup key, or the name as typed.
    pub(in crate::users) key: Vec<u8>,
}

impl Claim {
    pub(in crate::users) fn new(name: &str) -> Result<Self, UserError> {
        match UserName::parse(name) {
            Ok(name) => Ok(Self { key: name.key().as_bytes().to_vec(), name: Some(name) }),
            // It is not a secret that a name cannot exist, but a log-in form should only say that
            // it is wrong.
            Err(_) if name.len() <= MAX_CLAIM_BYTES => {
                Ok(Self { key: name.trim().as_bytes().to_vec(), name: None })
            }
            Err(problem) => Err(problem.into()),
        }
    }

    /// Returns the account with this name.
    pub(in crate::users) fn account(&self, reader: &Connection) -> rusqlite::Result<Option<i64>> {
        match &self.name {
            Some(name) => account_of(reader, name),
            None => Ok(None),
        }
    }
}

/// A verified password, and what the log-in needs next.
pub(super) struct Verified<'a> {
    pub(super) account: i64,
    /// The hash that it was checked against.
    pub(super) hash: String,
    /// The hash to replace it with, if it differs from a current one or was made by another
    /// program.
    pub(super) upgrade: Option<StoredHash>,
    pub(super) attempt: Attempt,
    _lock: AccountLock<'a>,
}

impl UserStore {
    /// Calls `act` with a verified password. If `act` returns `None`, because the account's hash
    /// has changed since the check, the password is checked again: the hash may only have been
    /// upgraded by a log-in in another process.
    pub(super) fn with_verified<T>(
        &self,
        claim: &Claim,
        attempted: Attempted,
        password: &Password<'_>,
        client: &Client<'_>,
        mut act: impl FnMut(&Verified<'_>) -> Result<Option<T>, UserError>,
    ) -> Result<T, UserError> {
        loop {
            let verified = self.check(claim, attempted, password, client)?;
            if let Some(done) = act(&verified)? {
                return Ok(done);
            }
        }
    }

    /// Checks a password. Every answer except [`UserError::Throttled`] takes the same amount of
    /// work.
    fn check<'a>(
        &'a self,
        claim: &'a Claim,
        attempted: Attempted,
        password: &Password<'_>,
        client: &Client<'_>,
    ) -> Result<Verified<'a>, UserError> {
        let lock = self
            .account_locks
            .acquire(&claim.key, self.options.queue_timeout)
            .ok_or_else(|| self.overloaded())?;
        // An attempt that has to wait is rejected at once, and takes no slot from others.
        self.storage.read("look up attempts", |reader| {
            let mut device = None;
            let counted = counted_for(reader, claim, attempted, client, &mut device)?;
            self.throttle.check(reader, &counted, self.now())
        })?;
        // Counted only when its turn comes: otherwise waiting attempts would count as failures of
        // their source, and a burst of correct attempts would slow itself down.
        let mut slot = self.hash_slot()?;
        let attempt = self.storage.write("count an attempt", |transaction| {
            let mut device = None;
            let counted = counted_for(transaction, claim, attempted, client, &mut device)?;
            self.throttle.begin(transaction, &counted, self.now())
        })?;
        match self.compare(claim, password, &mut slot) {
            Ok(Some((account, hash, upgrade))) => {
                Ok(Verified { account, hash, upgrade, attempt, _lock: lock })
            }
            Ok(None) => Err(UserError::InvalidCredentials),
            Err(error) => {
                self.take_back(&attempt)?;
                Err(error)
            }
        }
    }

    /// Returns the account, its hash and the hash to replace it with, if the password is right.
    fn compare(
        &self,
        claim: &Claim,
        password: &Password<'_>,
        slot: &mut HashSlot<'_>,
    ) -> Result<Option<(i64, String, Option<StoredHash>)>, UserError> {
        let key = claim.name.as_ref().map(UserName::key);
        let (stored, kinds) = self.storage.read("look up an account", |reader| {
            let stored: Option<(i64, String, String)> = reader
                .prepare_cached("SELECT id, hash, input FROM account WHERE name_key = ?")?
                .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let kinds: rusqlite::Result<Vec<String>> = reader
                .prepare_cached("SELECT DISTINCT scheme FROM hash_kind WHERE scheme <> 'none'")?
                .query_map([], |row| row.get(0))?
                .collect();
            Ok((stored, kinds?))
        })?;
        let kinds: Vec<Scheme> =
            kinds.iter().map(|kind| kind.parse()).collect::<Result<_, HashProblem>>()?;
        let stored = match stored {
            // An account without a password is treated like no account.
            Some((_, hash, _)) if hash.is_empty() => None,
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
        // An old password that the current Unicode rules reject keeps its hash.
        let upgrade = match password.normalised() {
            Some(password)
                if hash.needs_upgrade(&self.options.hash, self.options.peppers.current()) =>
            {
                Some(self.hash_as_current(password, slot)?)
            }
            _ => None,
        };
        Ok(Some((account, hash.text().to_owned(), upgrade)))
    }

    /// Returns the hash of a new password, if the policy accepts it. Checking the policy costs as
    /// much as hashing, so both run in a slot.
    pub(in crate::users) fn hash_new(
        &self,
        password: &Password<'_>,
        name: &UserName,
    ) -> Result<StoredHash, UserError> {
        let policy = self.options.policy()?;
        let mut slot = self.hash_slot()?;
        let accepted = policy.check_new(password, name)?;
        if let Some(breached) = &self.options.breached_passwords {
            breached.refuse(accepted)?;
        }
        self.hash_as_current(accepted, &mut slot)
    }

    fn hash_as_current(
        &self,
        password: &Normalised,
        slot: &mut HashSlot<'_>,
    ) -> Result<StoredHash, UserError> {
        let pepper = self.options.peppers.current();
        let hash = StoredHash::new(password, &self.options.hash, pepper, slot.memory())?;
        Ok(hash)
    }

    fn hash_slot(&self) -> Result<HashSlot<'_>, UserError> {
        self.slots.acquire(self.options.queue_timeout).ok_or_else(|| self.overloaded())
    }

    fn overloaded(&self) -> UserError {
        UserError::Overloaded { retry_after: self.options.queue_timeout }
    }

    pub(super) fn take_back(&self, attempt: &Attempt) -> Result<(), UserError> {
        self.storage
            .write("take back an attempt", |transaction| self.throttle.cancel(transaction, attempt))
    }
}

/// Returns the buckets that an attempt is counted in: the one of a known device, or those of the
/// account and of the source.
fn counted_for<'a>(
    reader: &Connection,
    claim: &'a Claim,
    attempted: Attempted,
    client: &Client<'a>,
    device: &'a mut Option<TokenHash>,
) -> Result<Vec<Counted<'a>>, Abort> {
    if attempted == Attempted::LogIn {
        *device = known_device(reader, claim, client)?;
        if let Some(device) = device {
            return Ok(vec![Counted::Device(device)]);
        }
    }
    let mut counted = vec![Counted::Account(attempted, &claim.key)];
    counted.extend(client.source.map(|source| Counted::Source(attempted, source)));
    Ok(counted)
}
