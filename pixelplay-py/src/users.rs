//! `UserStore`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pixelplay_core::users::{
    BreachedPasswords, Client, Pepper, Peppers, SessionLifetime, ThrottleOptions,
};
use pixelplay_core::{UserError, UserStore, UserStoreOptions};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::call;
use crate::error::Raise;
use crate::hash_params::PyHashParams;
use crate::limit::PyLimit;
use crate::secret::{Password, Typed};
use crate::session::{PyAccount, PyListen, PyNewSession, PySession};

/// Accounts, sessions and taste in one SQLite file. The file is created if needed, readable by its owner only.
/// ``create=False`` raises ``FileNotFoundError`` instead of creating one.
///
/// A front end needs ``register``; ``log_in``, which returns a token; ``resume``, which returns the session of a token;
/// and ``log_out``. Only ``resume`` checks who is calling: functions that take a user name trust the caller. User names
/// are case-insensitive.
///
/// * ``second_factor``: the application asks for a second factor as well; passwords then need 8 characters instead of
///   15. ``min_password_chars`` sets another number, from 8 to 64.
/// * ``breached_passwords``: the path of the SHA-1 hashes of Have I Been Pwned, as one file or as a folder of range
///   files; new passwords that are among them are refused. Nothing is loaded or sent.
/// * ``hidden_names``: callers must not learn whether a name is taken; ``register`` and ``rename``, which would reveal
///   it, are refused.
/// * ``idle_timeout``, ``max_session_age``: a session ends if it is not resumed for the first (30 minutes), and after
///   the second (30 days) even if it is used all the time; ``log_in`` sets both for one session.
/// * ``confirm_within``: how long single-use tokens are valid (30 minutes).
/// * ``pepper``: an id and a key of at least 32 random bytes, which goes into the hashes and is kept outside the file;
///   ``older_peppers``: those that existing hashes still need.
/// * ``hash``: the cost of a new password hash; ``concurrent_hashes``: how many run at once in this process (one per
///   core); ``queue_timeout``: how long an attempt waits for its turn (30 seconds).
/// * ``account_limit``, ``source_limit``: a ``Limit`` on failed attempts per account, and per source.
/// * ``max_history``: how many listens are kept for each account (1,000); ``taste_half_life``: the time after which the
///   weight of a rating has halved (90 days).
///
/// Any number of threads and processes may use one file. Do not open the file by other means in a process that has it
/// open, not even with ``sqlite3``: on Unix, closing it drops the locks. It cannot be pickled: open it in each process.
/// Calls release the GIL. Those that hash, write or wait respond to Ctrl-C, but what they have begun may still be
/// completed.
///
/// Raises ``UserError`` for a file that is damaged, of another kind or of a later version. In this and every other
/// call, it is also the matching ``OSError`` if the system refuses: ``FileNotFoundError`` if the folder does not exist,
/// ``PermissionError``, a full disk, ``TimeoutError`` after another program has held the file locked for a minute. It
/// is a ``ValueError`` for bad options, and if a pepper that stored hashes need is missing.
#[pyclass(frozen, name = "UserStore", module = "pixelplay")]
pub(crate) struct PyUserStore {
    path: PathBuf,
    /// `None` once the store is closed.
    inner: Mutex<Option<Arc<UserStore>>>,
}

impl PyUserStore {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<UserStore>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> PyResult<Arc<UserStore>> {
        let open = self.lock().clone();
        open.ok_or_else(|| PyValueError::new_err("the user store is closed; open it again"))
    }

    /// Runs a read, which takes milliseconds and never waits.
    fn read<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&UserStore) -> Result<T, UserError> + Send,
    ) -> PyResult<T> {
        let users = self.open()?;
        call::short(py, || work(&users))
    }

    /// Runs a call that hashes or writes. It may have to wait for its turn, for the disk, or for
    /// another process.
    fn wait<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&UserStore) -> Result<T, UserError> + Send + 'static,
    ) -> PyResult<T> {
        let users = self.open()?;
        call::long(py, None, move |_| work(&users))
    }
}

#[pymethods]
impl PyUserStore {
    #[new]
    #[pyo3(signature = (
        path, *, create = true, second_factor = false, min_password_chars = None, breached_passwords = None,
        hidden_names = false, idle_timeout = None, max_session_age = None, confirm_within = None, pepper = None,
        older_peppers = Vec::new(), hash = None, concurrent_hashes = None, queue_timeout = None,
        account_limit = None, source_limit = None, max_history = None, taste_half_life = None
    ), text_signature = "(path, *, create=True, second_factor=False, min_password_chars=None, \
        breached_passwords=None, hidden_names=False, idle_timeout=None, max_session_age=None, confirm_within=None, \
        pepper=None, older_peppers=(), hash=None, concurrent_hashes=None, queue_timeout=None, account_limit=None, \
        source_limit=None, max_history=None, taste_half_life=None)")]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        create: bool,
        second_factor: bool,
        min_password_chars: Option<u32>,
        breached_passwords: Option<PathBuf>,
        hidden_names: bool,
        idle_timeout: Option<Duration>,
        max_session_age: Option<Duration>,
        confirm_within: Option<Duration>,
        pepper: Option<(String, Bound<'_, PyBytes>)>,
        older_peppers: Vec<(String, Bound<'_, PyBytes>)>,
        hash: Option<&Bound<'_, PyHashParams>>,
        concurrent_hashes: Option<NonZeroUsize>,
        queue_timeout: Option<Duration>,
        account_limit: Option<&Bound<'_, PyLimit>>,
        source_limit: Option<&Bound<'_, PyLimit>>,
        max_history: Option<u32>,
        taste_half_life: Option<Duration>,
    ) -> PyResult<Self> {
        let usual = UserStoreOptions::default();
        let breached = breached_passwords.map(BreachedPasswords::open).transpose();
        let limit =
            |set: Option<&Bound<'_, PyLimit>>, usual| set.map_or(usual, |set| set.get().0.clone());
        let options = UserStoreOptions {
            create,
            second_factor,
            min_password_chars,
            breached_passwords: breached.map_err(|error| error.raise(py))?,
            throttle: ThrottleOptions {
                account: limit(account_limit, usual.throttle.account),
                source: limit(source_limit, usual.throttle.source),
            },
            hidden_names,
            idle_timeout: idle_timeout.unwrap_or(usual.idle_timeout),
            max_session_age: max_session_age.unwrap_or(usual.max_session_age),
            confirm_within: confirm_within.unwrap_or(usual.confirm_within),
            peppers: peppers(pepper, older_peppers).map_err(|error| error.raise(py))?,
            hash: hash.map_or(usual.hash, |hash| hash.get().0),
            concurrent_hashes: concurrent_hashes.unwrap_or(usual.concurrent_hashes),
            queue_timeout: queue_timeout.unwrap_or(usual.queue_timeout),
            max_history: max_history.unwrap_or(usual.max_history),
            taste_half_life: taste_half_life.unwrap_or(usual.taste_half_life),
            clock: usual.clock,
        };
        let file = path.clone();
        let users = call::long(py, None, move |_| UserStore::open_with(file, options))?;
        Ok(Self { path, inner: Mutex::new(Some(Arc::new(users))) })
    }

    /// The path of the file, as it was given.
    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Closes the file once calls in other threads have ended. Closing it again does nothing. ``with`` closes it at
    /// its end.
    ///
    /// Until then, SQLite keeps two more files next to it, and on Windows it cannot be deleted. To copy it, use
    /// ``backup``. A store that is garbage-collected is closed as well.
    fn close(&self, py: Python<'_>) {
        let open = self.lock().take();
        // SQLite moves its log into the file, which can take a while.
        py.detach(move || drop(open));
    }

    fn __enter__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().open()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_details))]
    fn __exit__(&self, py: Python<'_>, _details: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    /// Creates an account. The name may be an e-mail address; no other account may have a name that looks the same.
    ///
    /// Registrations are counted for the ``source``, such as an IP address. Raises ``BadUserName``, ``BadPassword``
    /// (both a ``ValueError``), ``NameTaken``, ``NamesAreHidden``, ``Throttled``, ``Overloaded``.
    #[pyo3(signature = (name, password, *, source = None))]
    fn register(
        &self,
        py: Python<'_>,
        name: Typed,
        password: Password,
        source: Option<Typed>,
    ) -> PyResult<()> {
        self.wait(py, move |users| {
            users.register_from(&name, &password, &client(source.as_ref(), None))
        })
    }

    /// Creates an account without a password, for a person that another service has identified.
    ///
    /// ``external_id`` identifies the person at that service and must never pass to another person. For OpenID Connect,
    /// use the issuer and the subject together, such as ``"https://accounts.example.org|248289761001"``, and never an
    /// e-mail address.
    ///
    /// Raises ``BadUserName``, ``NameTaken``, ``ExternalIdTaken``, ``UserError`` (a ``ValueError``) for an id that is
    /// empty or longer than 1,024 bytes.
    fn register_external(&self, py: Python<'_>, name: Typed, external_id: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.register_external(&name, &external_id))
    }

    /// Starts a session for the account with this external id. Checks nothing: the caller must have just checked,
    /// with the other service, that the client is that person.
    ///
    /// The other arguments are those of ``log_in``. Raises ``UnknownUser`` if no account has this id,
    /// ``AccountDisabled``.
    #[pyo3(signature = (external_id, *, label = None, device = None, idle_timeout = None, max_age = None))]
    fn log_in_external(
        &self,
        py: Python<'_>,
        external_id: Typed,
        label: Option<Typed>,
        device: Option<Typed>,
        idle_timeout: Option<Duration>,
        max_age: Option<Duration>,
    ) -> PyResult<PyNewSession> {
        let lifetime = lifetime(idle_timeout, max_age)?;
        self.wait(py, move |users| {
            let client = client(None, label.as_ref());
            let client = Client { device: device.as_deref(), lifetime, ..client };
            users.log_in_external(&external_id, &client)
        })
        .map(PyNewSession)
    }

    /// Sets or removes the external id of an account. Only do so for a person who is logged in to the account and
    /// has just been identified by the other service.
    ///
    /// Raises ``UnknownUser`` and what ``register_external`` raises.
    fn set_external_id(
        &self,
        py: Python<'_>,
        name: Typed,
        external_id: Option<Typed>,
    ) -> PyResult<()> {
        self.wait(py, move |users| users.set_external_id(&name, external_id.as_deref()))
    }

    /// Creates an account with an existing hash: of Argon2, bcrypt, PBKDF2 or scrypt, as Django, werkzeug, passlib
    /// and others write them. Its first log-in replaces the hash.
    ///
    /// Raises ``BadUserName``, ``NameTaken``, ``UserError`` (a ``ValueError``) for a hash that cannot be used.
    fn import_account(&self, py: Python<'_>, name: Typed, hash: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.import_account(&name, &hash))
    }

    /// Starts a session if the password is right. Takes the same time whether or not the name exists.
    ///
    /// Failures are counted for the name, and for the ``source`` of the attempt, such as an IP address: pass something
    /// that the client cannot choose. IPv6 addresses are counted per /64. ``label`` is what ``sessions`` shows, such as
    /// ``"Firefox on Linux"``. ``device`` is the ``device`` of an earlier log-in on the same client: with it, the owner
    /// of an account can log in while strangers guess its password. ``idle_timeout`` and ``max_age`` set how long this
    /// session lasts, for example with "remember me"; pass both or neither.
    ///
    /// Raises ``InvalidCredentials``, ``Throttled`` after failed attempts, ``AccountDisabled`` if the password is
    /// right, ``Overloaded``, and ``BadUserName`` or ``BadPassword`` for input that cannot be checked.
    #[pyo3(signature = (
        name, password, *, source = None, label = None, device = None, idle_timeout = None, max_age = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn log_in(
        &self,
        py: Python<'_>,
        name: Typed,
        password: Password,
        source: Option<Typed>,
        label: Option<Typed>,
        device: Option<Typed>,
        idle_timeout: Option<Duration>,
        max_age: Option<Duration>,
    ) -> PyResult<PyNewSession> {
        let lifetime = lifetime(idle_timeout, max_age)?;
        self.wait(py, move |users| {
            let client = client(source.as_ref(), label.as_ref());
            let client = Client { device: device.as_deref(), lifetime, ..client };
            users.log_in_from(&name, &password, &client)
        })
        .map(PyNewSession)
    }

    /// Returns the session of a token. Raises ``InvalidSession`` if it has ended.
    fn resume(&self, py: Python<'_>, token: Typed) -> PyResult<PySession> {
        self.wait(py, move |users| users.resume(&token)).map(PySession)
    }

    /// Ends the session of a token. Does nothing if it has already ended.
    fn log_out(&self, py: Python<'_>, token: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.log_out(&token))
    }

    /// Ends all sessions of an account and returns how many. Raises ``UnknownUser``.
    fn log_out_everywhere(&self, py: Python<'_>, name: Typed) -> PyResult<usize> {
        self.wait(py, move |users| users.log_out_everywhere(&name))
    }

    /// Returns the open sessions of an account, newest first. Raises ``UnknownUser``.
    fn sessions(&self, py: Python<'_>, name: Typed) -> PyResult<Vec<PySession>> {
        let sessions = self.read(py, |users| users.sessions(&name))?;
        Ok(sessions.into_iter().map(PySession).collect())
    }

    /// Ends one session of an account by ``id``; returns ``False`` if it had already ended. Raises ``UnknownUser``.
    fn revoke(&self, py: Python<'_>, name: Typed, session: i64) -> PyResult<bool> {
        self.wait(py, move |users| users.revoke(&name, session))
    }

    /// Sets a new password if the old one is right. All sessions end and a new one starts.
    ///
    /// Raises what ``log_in`` raises, and ``BadPassword`` if the new password cannot be used; then nothing has changed.
    #[pyo3(signature = (name, old, new, *, source = None, label = None))]
    fn change_password(
        &self,
        py: Python<'_>,
        name: Typed,
        old: Password,
        new: Password,
        source: Option<Typed>,
        label: Option<Typed>,
    ) -> PyResult<PyNewSession> {
        self.wait(py, move |users| {
            let client = client(source.as_ref(), label.as_ref());
            users.change_password_from(&name, &old, &new, &client)
        })
        .map(PyNewSession)
    }

    /// Returns the data of an account, without its secrets. Raises ``UnknownUser``.
    fn account(&self, py: Python<'_>, name: Typed) -> PyResult<PyAccount> {
        self.read(py, |users| users.account(&name)).map(PyAccount)
    }

    /// Returns accounts in the order of their names, at most ``limit`` of them: those after the name ``after``, or
    /// the first ones.
    #[pyo3(signature = (*, after = None, limit = 100))]
    fn accounts(
        &self,
        py: Python<'_>,
        after: Option<Typed>,
        limit: usize,
    ) -> PyResult<Vec<PyAccount>> {
        let accounts = self.read(py, |users| users.accounts(after.as_deref(), limit))?;
        Ok(accounts.into_iter().map(PyAccount).collect())
    }

    /// Returns how long a log-in with this name has to wait if it comes from a client that the account does not
    /// know. Raises ``UnknownUser``.
    fn log_in_wait(&self, py: Python<'_>, name: Typed) -> PyResult<Duration> {
        self.read(py, |users| users.log_in_wait(&name))
    }

    /// Forgets all failed attempts for an account: its next log-in does not have to wait. Raises ``UnknownUser``.
    fn unlock(&self, py: Python<'_>, name: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.unlock(&name))
    }

    /// Disables an account: its sessions end, its single-use tokens become invalid, and nobody can log in. Its data
    /// is kept. Returns ``False`` if it was already disabled. Raises ``UnknownUser``.
    fn disable(&self, py: Python<'_>, name: Typed) -> PyResult<bool> {
        self.wait(py, move |users| users.disable(&name))
    }

    /// Enables a disabled account again; returns ``False`` if it was not disabled. Raises ``UnknownUser``.
    fn enable(&self, py: Python<'_>, name: Typed) -> PyResult<bool> {
        self.wait(py, move |users| users.enable(&name))
    }

    /// Sets the password of an account, without the old one. All sessions end. Raises ``UnknownUser``,
    /// ``BadPassword``, ``Overloaded``.
    fn set_password(&self, py: Python<'_>, name: Typed, new: Password) -> PyResult<()> {
        self.wait(py, move |users| users.set_password(&name, &new))
    }

    /// Removes the password hashes of accounts that were imported longer ago than this and have not logged in since;
    /// returns how many. These accounts keep their data, but need a new password.
    ///
    /// As long as one account has an expensive imported hash, every log-in to any account costs as much. So call this
    /// some months after an import.
    fn expire_imported_hashes(&self, py: Python<'_>, older_than: Duration) -> PyResult<usize> {
        self.wait(py, move |users| users.expire_imported_hashes(older_than))
    }

    /// Renames an account. Its sessions stay open.
    ///
    /// Raises ``UnknownUser``, ``BadUserName``, ``NameTaken``, ``NamesAreHidden``.
    fn rename(&self, py: Python<'_>, name: Typed, new: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.rename(&name, &new))
    }

    /// Deletes an account and all its data, including traces in unused parts of the file. Raises ``UnknownUser``.
    fn delete_account(&self, py: Python<'_>, name: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.delete_account(&name))
    }

    /// Creates a single-use token for a new password. Send it to the owner of the name.
    ///
    /// The result does not show whether the account exists; give the user the same answer in either case.
    ///
    /// Raises ``Throttled`` if it is requested too often, ``BadUserName`` for a name that is far too long.
    #[pyo3(signature = (name, *, source = None))]
    fn start_password_reset<'py>(
        &self,
        py: Python<'py>,
        name: Typed,
        source: Option<Typed>,
    ) -> PyResult<Bound<'py, PyString>> {
        let token = self.wait(py, move |users| {
            users.start_password_reset_from(&name, &client(source.as_ref(), None))
        })?;
        Ok(PyString::new(py, token.expose()))
    }

    /// Sets a new password for the owner of the token. All sessions end; call ``log_in`` next.
    ///
    /// Raises ``InvalidToken``, ``Overloaded``, ``BadPassword``. After ``BadPassword`` the token is still valid.
    fn finish_password_reset(&self, py: Python<'_>, token: Typed, new: Password) -> PyResult<()> {
        self.wait(py, move |users| users.finish_password_reset(&token, &new))
    }

    /// Creates a single-use token for a new account. Send it to the owner of the name, who sets the password.
    ///
    /// Raises ``BadUserName``, ``Throttled``, but never an error that reveals that the name is taken.
    #[pyo3(signature = (name, *, source = None))]
    fn start_registration<'py>(
        &self,
        py: Python<'py>,
        name: Typed,
        source: Option<Typed>,
    ) -> PyResult<Bound<'py, PyString>> {
        let token = self.wait(py, move |users| {
            users.start_registration(&name, &client(source.as_ref(), None))
        })?;
        Ok(PyString::new(py, token.expose()))
    }

    /// Creates the account of a token, with this password, and returns its name.
    ///
    /// Raises ``InvalidToken``, ``NameTaken``, ``Overloaded``, ``BadPassword``. After ``BadPassword`` the token is
    /// still valid.
    fn finish_registration(
        &self,
        py: Python<'_>,
        token: Typed,
        password: Password,
    ) -> PyResult<String> {
        self.wait(py, move |users| users.finish_registration(&token, &password))
    }

    /// Creates a single-use token for a new name. Send it to the owner of the new name.
    ///
    /// Raises ``UnknownUser``, ``BadUserName``, ``Throttled``, but never an error that reveals that the new name is
    /// taken.
    #[pyo3(signature = (name, new, *, source = None))]
    fn start_rename<'py>(
        &self,
        py: Python<'py>,
        name: Typed,
        new: Typed,
        source: Option<Typed>,
    ) -> PyResult<Bound<'py, PyString>> {
        let token = self.wait(py, move |users| {
            users.start_rename(&name, &new, &client(source.as_ref(), None))
        })?;
        Ok(PyString::new(py, token.expose()))
    }

    /// Renames the account of a token and returns its new name.
    ///
    /// Raises ``InvalidToken``, ``NameTaken``.
    fn finish_rename(&self, py: Python<'_>, token: Typed) -> PyResult<String> {
        self.wait(py, move |users| users.finish_rename(&token))
    }

    /// Adds a song to the favourites, by its id. Adding it again changes nothing.
    ///
    /// Raises ``UnknownUser``, ``UserError`` at 10,000 songs; a ``ValueError`` for an id that is empty or longer than
    /// 1,024 bytes.
    fn add_favourite(&self, py: Python<'_>, name: Typed, song: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.add_favourite(&name, &song))
    }

    /// Removes a song from the favourites; returns ``False`` if it was not one. Raises ``UnknownUser``.
    fn remove_favourite(&self, py: Python<'_>, name: Typed, song: Typed) -> PyResult<bool> {
        self.wait(py, move |users| users.remove_favourite(&name, &song))
    }

    /// Returns the ids of the favourite songs, newest first. Raises ``UnknownUser``.
    fn favourites(&self, py: Python<'_>, name: Typed) -> PyResult<Vec<String>> {
        self.read(py, |users| users.favourites(&name))
    }

    /// Records that a song is liked; replaces an earlier rating. Raises what ``add_favourite`` raises.
    fn like(&self, py: Python<'_>, name: Typed, song: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.like(&name, &song))
    }

    /// Records that a song is disliked; replaces an earlier rating. Raises what ``add_favourite`` raises.
    fn dislike(&self, py: Python<'_>, name: Typed, song: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.dislike(&name, &song))
    }

    /// Takes back a like or dislike; returns ``False`` if there was none. Raises ``UnknownUser``.
    fn clear_rating(&self, py: Python<'_>, name: Typed, song: Typed) -> PyResult<bool> {
        self.wait(py, move |users| users.clear_rating(&name, &song))
    }

    /// Returns the ids of the liked songs, newest first. Raises ``UnknownUser``.
    fn likes(&self, py: Python<'_>, name: Typed) -> PyResult<Vec<String>> {
        self.read(py, |users| users.likes(&name))
    }

    /// Returns the ids of the disliked songs, newest first. Raises ``UnknownUser``.
    fn dislikes(&self, py: Python<'_>, name: Typed) -> PyResult<Vec<String>> {
        self.read(py, |users| users.dislikes(&name))
    }

    /// Records that a song was listened to; a full history drops its oldest entry. Otherwise raises what
    /// ``add_favourite`` raises.
    fn record_listen(&self, py: Python<'_>, name: Typed, song: Typed) -> PyResult<()> {
        self.wait(py, move |users| users.record_listen(&name, &song))
    }

    /// Returns what was listened to, latest first, at most ``limit`` entries. Raises ``UnknownUser``.
    #[pyo3(signature = (name, limit = 100))]
    fn history(&self, py: Python<'_>, name: Typed, limit: usize) -> PyResult<Vec<PyListen>> {
        let listens = self.read(py, |users| users.history(&name, limit))?;
        Ok(listens.into_iter().map(PyListen).collect())
    }

    /// Forgets everything that was listened to; returns the number of entries. Raises ``UnknownUser``.
    fn clear_history(&self, py: Python<'_>, name: Typed) -> PyResult<usize> {
        self.wait(py, move |users| users.clear_history(&name))
    }

    /// Returns the taste of a user: song ids with weights from -1 (disliked) to 1, for ``HybridQuery.lean_towards``.
    ///
    /// A favourite and a like weigh 1 each, a dislike -1, a listen 0.25. Each weight halves with every
    /// ``taste_half_life``, and the sum is clamped to the range -1 to 1. Raises ``UnknownUser``.
    fn taste(&self, py: Python<'_>, name: Typed) -> PyResult<BTreeMap<String, f64>> {
        self.read(py, |users| users.taste(&name))
    }

    /// Returns everything stored about a user as JSON, without the hashes of password and tokens. Raises
    /// ``UnknownUser``.
    fn export(&self, py: Python<'_>, name: Typed) -> PyResult<String> {
        self.read(py, |users| users.export(&name))
    }

    /// Writes a backup of the store, as it is now, to a file that does not exist yet. Other threads and processes go
    /// on reading and writing.
    ///
    /// The backup is one file, readable by its owner only, verified and synced before it gets its name. It is a store
    /// like any other: it can be opened, or restored with ``restore``. Raises ``FileExistsError``.
    fn backup(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.wait(py, move |users| users.backup(path))
    }

    /// Restores a backup, or any other store file, to ``path``. The backup is verified first and is not changed.
    ///
    /// An existing file is only overwritten with ``replace``. A store is overwritten in one transaction: processes that
    /// have it open continue with the restored data. Raises ``FileExistsError``, ``FileNotFoundError``, ``UserError``
    /// if the backup cannot be used; nothing is changed then.
    #[staticmethod]
    #[pyo3(signature = (backup, path, *, replace = false))]
    fn restore(py: Python<'_>, backup: PathBuf, path: PathBuf, replace: bool) -> PyResult<()> {
        call::long(py, None, move |_| UserStore::restore(backup, path, replace))
    }

    /// Reads and checks every page of the file, about a second per gigabyte. Raises ``UserError`` at the first
    /// damage.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        self.wait(py, UserStore::verify)
    }

    // Copying uses this method as well.
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a UserStore cannot be pickled or copied; open the file again where it is needed",
        ))
    }

    fn __repr__(&self) -> String {
        let closed = if self.lock().is_none() { ", closed" } else { "" };
        format!("UserStore({:?}{closed})", self.path.display().to_string())
    }
}

fn client<'a>(source: Option<&'a Typed>, label: Option<&'a Typed>) -> Client<'a> {
    Client {
        source: source.map(|text| &**text),
        label: label.map(|text| &**text),
        ..Client::default()
    }
}

fn lifetime(
    idle_timeout: Option<Duration>,
    max_age: Option<Duration>,
) -> PyResult<Option<SessionLifetime>> {
    match (idle_timeout, max_age) {
        (Some(idle_timeout), Some(max_age)) => Ok(Some(SessionLifetime { idle_timeout, max_age })),
        (None, None) => Ok(None),
        _ => Err(PyTypeError::new_err("pass both idle_timeout and max_age, or neither")),
    }
}

fn peppers(
    current: Option<(String, Bound<'_, PyBytes>)>,
    older: Vec<(String, Bound<'_, PyBytes>)>,
) -> Result<Peppers, UserError> {
    let pepper = |(id, key): (String, Bound<'_, PyBytes>)| Pepper::new(&id, key.as_bytes());
    let older: Result<Vec<Pepper>, _> = older.into_iter().map(pepper).collect();
    Ok(Peppers::new(current.map(pepper).transpose()?, older?)?)
}
