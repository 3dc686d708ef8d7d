//! Accounts without a password: another service, such as an OpenID provider, vouches for them.

use rusqlite::{OptionalExtension, params};

use super::device::keep_device;
use super::lifecycle::NewSession;
use super::log_in::is_disabled;
use super::token::SecretToken;
use crate::users::account::{NewAccount, insert};
use crate::users::error::UserError;
use crate::users::name::UserName;
use crate::users::options::Client;
use crate::users::store::UserStore;

/// The maximum length of an external id, in bytes: room for an issuer's address and a subject.
const MAX_EXTERNAL_ID_BYTES: usize = 1024;

impl UserStore {
    /// Creates an account without a password, for a person that another service has identified.
    ///
    /// The external id identifies the person at that service, and must never pass to another
    /// person. For OpenID Connect, use the issuer and the subject together, such as
    /// `https://accounts.example.org|248289761001`, and never an email address. The id is not a
    /// secret.
    ///
    /// # Errors
    /// [`UserError::Name`], [`UserError::NameTaken`], [`UserError::ExternalId`],
    /// [`UserError::ExternalIdTaken`], and if the file cannot be written.
    pub fn register_external(&self, name: &str, external_id: &str) -> Result<(), UserError> {
        let name = UserName::parse(name)?;
        check_external_id(external_id)?;
        let now = self.now();
        self.storage.write("register", |transaction| {
            let account = NewAccount { hash: None, external_id: Some(external_id), created: now };
            insert(transaction, &name, &account)
        })
    }

    /// Begins a session for the account with this external id. The caller must have just checked,
    /// with the other service, that the client is that person: this function checks nothing.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`] if no account has this external id, [`UserError::Disabled`], and
    /// if the file cannot be written.
    pub fn log_in_external(
        &self,
        external_id: &str,
        client: &Client<'_>,
    ) -> Result<NewSession, UserError> {
        let (token, device) = (SecretToken::random()?, SecretToken::random()?);
        let now = self.now();
        let (session, device) = self.storage.write("log in", |transaction| {
            let account: Option<i64> = transaction
                .prepare_cached("SELECT id FROM account WHERE external_id = ?")?
                .query_row([external_id], |row| row.get(0))
                .optional()?;
            let account = account.ok_or(UserError::UnknownUser)?;
            if is_disabled(transaction, account)? {
                return Err(UserError::Disabled.into());
            }
            let session = self.begin_session(transaction, account, client, &token, now)?;
            let device = keep_device(transaction, account, client, &device, now)?;
            Ok((session, device))
        })?;
        Ok(NewSession { token, session, device })
    }

    /// Sets or removes the external id of an account. Only do so for a person who is logged in to
    /// the account and has just been identified by the other service.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::ExternalId`], [`UserError::ExternalIdTaken`], and
    /// if the file cannot be written.
    pub fn set_external_id(&self, name: &str, external_id: Option<&str>) -> Result<(), UserError> {
        external_id.map(check_external_id).transpose()?;
        self.write_for("set an external id", name, |transaction, account| {
            let set = transaction
                .prepare_cached("UPDATE OR IGNORE account SET external_id = ? WHERE id = ?")?
                .execute(params![external_id, account])?;
            if set == 0 { Err(UserError::ExternalIdTaken.into()) } else { Ok(()) }
        })
    }
}

fn check_external_id(external_id: &str) -> Result<(), UserError> {
    if (1..=MAX_EXTERNAL_ID_BYTES).contains(&external_id.len()) {
        Ok(())
    } else {
        Err(UserError::ExternalId { max_bytes: MAX_EXTERNAL_ID_BYTES })
    }
}
