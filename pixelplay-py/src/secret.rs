//! Texts that may be secrets: our copies are wiped, and no exception holds them.
//!
//! Python's own conversion will not do: where a text cannot be UTF-8 it raises `UnicodeEncodeError`, which holds the whole
//! of it and shows it in its `repr`. Names and labels are handled alike, since people mistake one field for another.

use std::ops::Deref;

use pixelplay_core::UserError;
use pixelplay_core::users::PasswordProblem;
use pyo3::prelude::*;
use pyo3::types::PyString;
use zeroize::Zeroizing;

use crate::error::Raise;

/// A password. One with half a surrogate pair, which is no character, is refused: two of them must not become one.
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

/// A name, a token or whatever else somebody typed. What is no character becomes U+FFFD, which no name and no token has.
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
