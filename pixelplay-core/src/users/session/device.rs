//! Devices: clients from which an account has logged in before.
//!
//! Guesses at a password slow down all further log-ins to the account, including those of its
//! owner. The token of a device distinguishes the owner from strangers (OWASP's device cookies):
//! log-ins with it are counted separately.

use rusqlite::{Connection, OptionalExtension, params};

use super::credentials::Claim;
use super::token::{SecretToken, TokenHash, hash_of};
use crate::users::clock::Millis;
use crate::users::database::Abort;
use crate::users::options::Client;

/// The maximum number of devices per account; beyond it, the least recently used one is removed.
/// Devices do not expire: a clock that is a year ahead would otherwise lock out the owners of
/// accounts under attack.
const MAX_DEVICES: u32 = 20;

/// Returns the hash of the client's token, if it belongs to the claimed account.
pub(super) fn known_device(
    reader: &Connection,
    claim: &Claim,
    client: &Client<'_>,
) -> Result<Option<TokenHash>, Abort> {
    let Some(hash) = client.device.and_then(hash_of) else {
        return Ok(None);
    };
    // The same look-up whether or not the name exists.
    let key = claim.name.as_ref().map(|name| name.key());
    let found = reader
        .prepare_cached(
            "SELECT 1 FROM device JOIN account ON account.id = account WHERE token_hash = ? AND name_key = ?",
        )?
        .query_row(params![hash, key], |_| Ok(()))
        .optional()?;
    Ok(found.map(|()| hash))
}

/// Returns the token of the client's device: the one it has, or else `new`, which is stored.
pub(super) fn keep_device(
    transaction: &Connection,
    account: i64,
    client: &Client<'_>,
    new: &SecretToken,
    now: Millis,
) -> Result<SecretToken, Abort> {
    if let Some(presented) = client.device
        && let Some(hash) = hash_of(presented)
    {
        let used = transaction
            .prepare_cached("UPDATE device SET used = ? WHERE token_hash = ? AND account = ?")?
            .execute(params![now, hash, account])?;
        if used > 0 {
            return Ok(SecretToken::of(presented));
        }
    }
    transaction.prepare_cached("INSERT INTO device VALUES (?1, ?2, ?3, ?3)")?.execute(params![
        new.hash(),
        account,
        now
    ])?;
    transaction
        .prepare_cached(
            "DELETE FROM device WHERE token_hash IN
             (SELECT token_hash FROM device WHERE account = ? ORDER BY used DESC LIMIT -1 OFFSET ?)",
        )?
        .execute(params![account, MAX_DEVICES])?;
    Ok(new.clone())
}
