//! Maps the core's errors to the exceptions of `python/pixelplay/_errors.py`.

use std::error::Error as StdError;
use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use pixelplay_core::catalog::CatalogError;
use pixelplay_core::enrich::{CacheProblem, EnrichError};
use pixelplay_core::index::FilterError;
use pixelplay_core::users::HashProblem;
use pixelplay_core::{
    EmbeddingError, EncodeError, HubError, QueryError, SongIndexError, UserError,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The exception classes. They are defined in Python so that they can have several bases.
mod class {
    pyo3::import_exception!(pixelplay._errors, AccountDisabled);
    pyo3::import_exception!(pixelplay._errors, BadPassword);
    pyo3::import_exception!(pixelplay._errors, BadUserName);
    pyo3::import_exception!(pixelplay._errors, CatalogError);
    pyo3::import_exception!(pixelplay._errors, EmbeddingError);
    pyo3::import_exception!(pixelplay._errors, EncodeError);
    pyo3::import_exception!(pixelplay._errors, EnrichError);
    pyo3::import_exception!(pixelplay._errors, ExternalIdTaken);
    pyo3::import_exception!(pixelplay._errors, FilterError);
    pyo3::import_exception!(pixelplay._errors, InvalidCredentials);
    pyo3::import_exception!(pixelplay._errors, InvalidSession);
    pyo3::import_exception!(pixelplay._errors, InvalidToken);
    pyo3::import_exception!(pixelplay._errors, NamesAreHidden);
    pyo3::import_exception!(pixelplay._errors, NameTaken);
    pyo3::import_exception!(pixelplay._errors, Overloaded);
    pyo3::import_exception!(pixelplay._errors, QueryError);
    pyo3::import_exception!(pixelplay._errors, SongError);
    pyo3::import_exception!(pixelplay._errors, SongIndexError);
    pyo3::import_exception!(pixelplay._errors, Throttled);
    pyo3::import_exception!(pixelplay._errors, UnknownSong);
    pyo3::import_exception!(pixelplay._errors, UnknownUser);
    pyo3::import_exception!(pixelplay._errors, UserError);
}

/// An error of the core that can be converted to an exception.
pub(crate) trait Raise {
    fn raise(self, py: Python<'_>) -> PyErr;
}

impl Raise for PyErr {
    fn raise(self, _: Python<'_>) -> PyErr {
        self
    }
}

impl Raise for EncodeError {
    fn raise(self, py: Python<'_>) -> PyErr {
        encode(py, &self, String::new())
    }
}

impl Raise for SongIndexError {
    fn raise(self, py: Python<'_>) -> PyErr {
        match &self {
            Self::Io { action, path, source } => {
                os::<class::SongIndexError>(py, &self, format!("cannot {action}: "), path, source)
            }
            Self::Embedding(error) => class::EmbeddingError::new_err(explained(error)),
            Self::Filter(error) => class::FilterError::new_err(explained(error)),
            Self::UnknownId { .. } => class::UnknownSong::new_err(explained(&self)),
            Self::BadRow { .. } | Self::BadVector { .. } => {
                class::SongError::new_err(explained(&self))
            }
            Self::BadOptions { what } => PyValueError::new_err(what.clone()),
            Self::BadQueryBank { .. } | Self::BadHubnessCorrection { .. } => {
                PyValueError::new_err(explained(&self))
            }
            _ => class::SongIndexError::new_err(explained(&self)),
        }
    }
}

impl Raise for CatalogError {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Encode(error) => error.raise(py),
            Self::Index(error) => error.raise(py),
            Self::Embedding(error) => error.raise(py),
            Self::Read { ref path, ref source } => {
                os::<class::CatalogError>(py, &self, "cannot read: ".to_owned(), path, source)
            }
            Self::NotAFile { ref path, .. } if path.is_dir() => {
                let folder = io::Error::from(ErrorKind::IsADirectory);
                os::<class::CatalogError>(py, &self, String::new(), path, &folder)
            }
            Self::Cache { ref path, ref source } => match system_error(source.as_ref()) {
                Some(source) => {
                    let said =
                        "cannot store the starter index; set PIXELPLAY_CACHE to another folder: ";
                    os::<class::CatalogError>(py, &self, said.to_owned(), path, source)
                }
                None => class::CatalogError::new_err(explained(&self)),
            },
            Self::ReadTemplates { ref path, ref source } => {
                os::<class::CatalogError>(py, &self, "cannot read: ".to_owned(), path, source)
            }
            // The exception that a callable raised becomes the cause.
            Self::Describe { ref id, source } if source.is::<PyErr>() => {
                let error =
                    class::CatalogError::new_err(format!("song {id:?} cannot be described"));
                error.set_cause(py, source.downcast().ok().map(|cause| *cause));
                error
            }
            Self::BadDelimiter { .. } | Self::BadWordWeight { .. } => {
                PyValueError::new_err(explained(&self))
            }
            _ => class::CatalogError::new_err(explained(&self)),
        }
    }
}

impl Raise for EnrichError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let Self::Cache { path, problem } = &self else {
            let said = explained(&self);
            return match self {
                Self::Index(error) => error.raise(py),
                Self::BadOptions { .. } => value::<class::EnrichError>(py, said),
                _ => class::EnrichError::new_err(said),
            };
        };
        let raised = |source: &io::Error| {
            let said = "cannot use the cache: ".to_owned();
            os::<class::EnrichError>(py, &self, said, path, source)
        };
        match problem {
            CacheProblem::Io(source) => raised(source),
            CacheProblem::ReadOnly => raised(&ErrorKind::PermissionDenied.into()),
            CacheProblem::DiskFull => raised(&ErrorKind::StorageFull.into()),
            CacheProblem::Busy => raised(&ErrorKind::TimedOut.into()),
            _ => class::EnrichError::new_err(explained(&self)),
        }
    }
}

impl Raise for QueryError {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Index(error) => error.raise(py),
            Self::Embedding(error) => error.raise(py),
            _ => class::QueryError::new_err(explained(&self)),
        }
    }
}

impl Raise for EmbeddingError {
    fn raise(self, _: Python<'_>) -> PyErr {
        class::EmbeddingError::new_err(explained(&self))
    }
}

impl Raise for FilterError {
    fn raise(self, _: Python<'_>) -> PyErr {
        class::FilterError::new_err(explained(&self))
    }
}

impl Raise for UserError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let said = explained(&self);
        match &self {
            Self::InvalidCredentials => class::InvalidCredentials::new_err(said),
            Self::Throttled { retry_after, .. } => {
                later(py, class::Throttled::new_err(said), *retry_after)
            }
            Self::Overloaded { retry_after } => {
                later(py, class::Overloaded::new_err(said), *retry_after)
            }
            Self::InvalidSession => class::InvalidSession::new_err(said),
            Self::InvalidToken => class::InvalidToken::new_err(said),
            Self::NameTaken => class::NameTaken::new_err(said),
            Self::UnknownUser => class::UnknownUser::new_err(said),
            Self::Disabled => class::AccountDisabled::new_err(said),
            Self::ExternalIdTaken => class::ExternalIdTaken::new_err(said),
            Self::NamesAreHidden { .. } => class::NamesAreHidden::new_err(said),
            Self::Name(_) => class::BadUserName::new_err(said),
            Self::Password(_) => class::BadPassword::new_err(said),
            Self::Hash(
                HashProblem::Unreadable { .. }
                | HashProblem::TooDear { .. }
                | HashProblem::UnknownPepper { .. },
            )
            | Self::Pepper(_)
            | Self::HashParams(_)
            | Self::BadOptions { .. }
            | Self::ExternalId { .. }
            | Self::SongId { .. } => value::<class::UserError>(py, said),
            Self::Io { action, path, source } => {
                os::<class::UserError>(py, &self, format!("cannot {action}: "), path, source)
            }
            Self::DiskFull { path } => {
                let full = io::Error::from(ErrorKind::StorageFull);
                os::<class::UserError>(py, &self, "nothing was changed: ".to_owned(), path, &full)
            }
            Self::ReadOnly { path } => {
                let denied = io::Error::from(ErrorKind::PermissionDenied);
                let said = "cannot write the file, or create files next to it: ".to_owned();
                os::<class::UserError>(py, &self, said, path, &denied)
            }
            Self::Busy { path, .. } => {
                let waited = io::Error::from(ErrorKind::TimedOut);
                os::<class::UserError>(
                    py,
                    &self,
                    "another program has the file locked: ".to_owned(),
                    path,
                    &waited,
                )
            }
            _ => class::UserError::new_err(said),
        }
    }
}

/// Returns an error with the attribute `retry_after`, in seconds.
fn later(py: Python<'_>, error: PyErr, retry_after: Duration) -> PyErr {
    match error.value(py).setattr("retry_after", retry_after.as_secs_f64()) {
        Ok(()) => error,
        Err(raised) => raised,
    }
}

/// Returns the error for one of several images, with the class that a single image would raise.
/// `context` says which image failed.
fn encode(py: Python<'_>, error: &EncodeError, mut context: String) -> PyErr {
    match error {
        EncodeError::ImageAt { index, source } => {
            encode(py, source, format!("image {index}: {context}"))
        }
        EncodeError::Io { path, source } => {
            context.push_str("cannot read: ");
            os::<class::EncodeError>(py, error, context, path, source)
        }
        EncodeError::Hub(HubError::Read { path, source } | HubError::Write { path, source }) => {
            os::<class::EncodeError>(py, error, context, path, source)
        }
        EncodeError::MissingFile { dir, file } => {
            let missing = io::Error::from(ErrorKind::NotFound);
            context.push_str("a file is missing from the checkpoint: ");
            os::<class::EncodeError>(py, error, context, &dir.join(file), &missing)
        }
        _ => class::EncodeError::new_err(context + &explained(error)),
    }
}

/// Returns an error of a domain. If the system refused something, it is also the matching
/// `OSError`, with errno and file name.
fn os<Domain: pyo3::PyTypeInfo>(
    py: Python<'_>,
    error: &dyn StdError,
    context: String,
    path: &Path,
    source: &io::Error,
) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let errors = py.import("pixelplay._errors")?;
        let class = py.get_type::<Domain>();
        let exception = match (errno(source), source.kind()) {
            (Some(Errno::Number(number)), _) => {
                errors.call_method1("os_error", (class, number, context, path))?
            }
            (Some(Errno::Name(name)), _) => {
                let number = py.import("errno")?.getattr(name)?;
                errors.call_method1("os_error", (class, number, context, path))?
            }
            (None, ErrorKind::InvalidInput) => return Ok(value::<Domain>(py, explained(error))),
            (None, _) => class.call1((explained(error),))?,
        };
        Ok(PyErr::from_value(exception))
    };
    make().unwrap_or_else(|raised| raised)
}

/// Returns an error of a domain that is a `ValueError` as well.
fn value<Domain: pyo3::PyTypeInfo>(py: Python<'_>, said: String) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let errors = py.import("pixelplay._errors")?;
        let exception = errors.call_method1("value_error", (py.get_type::<Domain>(), said))?;
        Ok(PyErr::from_value(exception))
    };
    make().unwrap_or_else(|raised| raised)
}

enum Errno {
    Number(i32),
    /// The name of the number in Python's `errno` module.
    Name(&'static str),
}

fn errno(error: &io::Error) -> Option<Errno> {
    // Windows has its own error numbers.
    if let Some(number) = error.raw_os_error().filter(|_| cfg!(unix)) {
        return Some(Errno::Number(number));
    }
    let name = match error.kind() {
        ErrorKind::NotFound => "ENOENT",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::AlreadyExists => "EEXIST",
        ErrorKind::IsADirectory => "EISDIR",
        ErrorKind::NotADirectory => "ENOTDIR",
        ErrorKind::ReadOnlyFilesystem => "EROFS",
        ErrorKind::StorageFull => "ENOSPC",
        ErrorKind::BrokenPipe => "EPIPE",
        ErrorKind::OutOfMemory => "ENOMEM",
        ErrorKind::TimedOut => "ETIMEDOUT",
        _ => return None,
    };
    Some(Errno::Name(name))
}

/// Returns the first system error among the causes.
fn system_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// Formats an error with its causes, on one line.
fn explained(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
