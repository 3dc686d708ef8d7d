//! The results of a user store: `NewSession`, `Session`, `Account`, `Listen`.

use std::time::SystemTime;

use pixelplay_core::users::{Account, Listen, NewSession, Session};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDateTime;

use crate::embedding::quoted;

/// A session that has just started, and its token. Its ``repr`` does not show the token, and it cannot be pickled or
/// copied.
#[pyclass(frozen, name = "NewSession", module = "pixelplay")]
pub(crate) struct PyNewSession(pub(crate) NewSession);

#[pymethods]
impl PyNewSession {
    /// The secret that identifies the session, for a cookie (``HttpOnly``, ``Secure``, ``SameSite``).
    ///
    /// The store keeps only its hash, so it cannot be retrieved later.
    #[getter]
    fn token(&self) -> &str {
        self.0.token.expose()
    }

    /// The secret that identifies the client, to pass as ``device`` at its next log-in. Keep it in a separate cookie
    /// that outlives the session. It does not log anybody in.
    #[getter]
    fn device(&self) -> &str {
        self.0.device.expose()
    }

    /// The session that the token identifies.
    #[getter]
    fn session(&self) -> PySession {
        PySession(self.0.session.clone())
    }

    /// The user name, as it was registered.
    #[getter]
    fn username(&self) -> &str {
        &self.0.session.username
    }

    // Copying uses this method as well.
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a NewSession holds a secret and cannot be pickled or copied; store its token where only its owner can read it",
        ))
    }

    fn __repr__(&self) -> String {
        let session = &self.0.session;
        format!("NewSession(username={:?}, session={})", session.username, session.id)
    }
}

/// An open session of a user. Nothing in it is secret.
#[pyclass(frozen, eq, name = "Session", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PySession(pub(crate) Session);

#[pymethods]
impl PySession {
    /// The id that ``UserStore.revoke`` takes.
    #[getter]
    fn id(&self) -> i64 {
        self.0.id
    }

    /// The user name, as it was registered.
    #[getter]
    fn username(&self) -> &str {
        &self.0.username
    }

    /// The label that was given at log-in, such as ``"Firefox on Linux"``.
    #[getter]
    fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// When it started, in UTC.
    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        moment(py, self.0.created)
    }

    /// When it was last resumed, accurate to a minute, in UTC.
    #[getter]
    fn last_seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        moment(py, self.0.last_seen)
    }

    /// When it ends even if it is in constant use, in UTC.
    #[getter]
    fn ends<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        moment(py, self.0.ends)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Session(id={}, username={:?}, label={}, created='{}', last_seen='{}', ends='{}')",
            self.0.id,
            self.0.username,
            quoted(self.0.label.clone()),
            self.created(py)?,
            self.last_seen(py)?,
            self.ends(py)?
        ))
    }
}

/// The data of an account, without its secrets.
#[pyclass(frozen, eq, name = "Account", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyAccount(pub(crate) Account);

#[pymethods]
impl PyAccount {
    /// The user name, as it was registered.
    #[getter]
    fn username(&self) -> &str {
        &self.0.username
    }

    /// When it was registered, in UTC.
    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        moment(py, self.0.created)
    }

    /// When it was disabled, in UTC; ``None`` if it is not disabled.
    #[getter]
    fn disabled<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.disabled.map(|since| moment(py, since)).transpose()
    }

    /// The id by which another service knows the person; see ``UserStore.register_external``.
    #[getter]
    fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The kind of its password hash and what it costs, such as ``"argon2id:19:19456:2:1"`` or ``"bcrypt:12"``;
    /// ``None`` if it has no password.
    #[getter]
    fn hash_kind(&self) -> Option<&str> {
        self.0.hash_kind.as_deref()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let created = self.created(py)?;
        Ok(format!("Account(username={:?}, created='{created}')", self.0.username))
    }
}

/// An entry of the listening history.
#[pyclass(frozen, eq, name = "Listen", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyListen(pub(crate) Listen);

#[pymethods]
impl PyListen {
    /// The id of the song.
    #[getter]
    fn song(&self) -> &str {
        &self.0.song
    }

    /// When it was listened to, in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        moment(py, self.0.at)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let at = self.at(py)?;
        Ok(format!("Listen(song={:?}, at='{at}')", self.0.song))
    }
}

/// Converts a time to a `datetime` in UTC.
fn moment(py: Python<'_>, time: SystemTime) -> PyResult<Bound<'_, PyDateTime>> {
    time.into_pyobject(py)
}
