//! Texts that may be secrets: our copies are wiped, and no exception contains them.
//!
//! Python's own conversion cannot be used: for text that cannot be encoded as UTF-8, it raises `UnicodeEncodeError`,
//! which shows the whole text in its `repr`. Names and labels are treated the same way, because people confuse input
//! fields.

use std::ops::Deref;

use pixelplay_core::UserError;
use pixelplay_core::users::PasswordProblem;
use pyo3::prelude::*;
use pyo3::types::PyString;
use zeroize::Zeroizing;

use crate::error::Raise;

/// A password. It is refused if it contains half a surrogate pair: replacing that would make different passwords equal.
pub(crate) struct Password(Zeroizing<String>);

impl<'py> FromPyObject<'_, 'py> for Password {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match given.cast::<PyString>()?.to_str() {
            Ok(text) => Ok(Self(Zeroizing::new(text.to_owned()))),
            Err(_) => {
                let problem = UserError::from(PasswordProblem::ForbiddenCharacter);
                Err(problem.raise(given.py()))
            }
        }
    }
}

/// A name, a token or other typed text. Half a surrogate pair becomes U+FFFD, which no name or
/// token contains.
pub(crate) struct Typed(Zeroizing<String>);

impl<'py> FromPyObject<'_, 'py> for Typed {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = given.cast::<PyString>()?.to_string_lossy().into_owned();
        Ok(Self(Zeroizing::new(text)))
    }
}

impl Deref for Password {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for Typed {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
