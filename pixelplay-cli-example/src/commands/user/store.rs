//! The database of accounts, and the session of the user who is logged in.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;
use pixelplay_core::users::{NewSession, Session};
use pixelplay_core::{UserError, UserStore, UserStoreOptions};
use tempfile::NamedTempFile;

/// Longer than any token.
const MAX_SESSION_FILE_BYTES: u64 = 1024;

#[derive(clap::Args)]
pub(crate) struct StoreArgs {
    /// The database of accounts, an SQLite file; without it, pixelplay/users.db in your data folder
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) users: Option<PathBuf>,
}

/// The user who is logged in here.
pub(super) struct Person {
    pub(super) users: UserStore,
    pub(super) session: Session,
}

impl StoreArgs {
    /// Opens the database, creating it if needed.
    pub(super) fn open_or_make(&self) -> Result<UserStore> {
        Ok(UserStore::open(self.path_in_folder()?)?)
    }

    /// Returns the path of the database, in a folder that exists.
    pub(super) fn path_in_folder(&self) -> Result<PathBuf> {
        let path = self.path()?;
        if self.users.is_none()
            && let Some(folder) = path.parent()
        {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        }
        Ok(path)
    }

    /// Opens an existing database: a mistyped name must not create an empty one.
    pub(super) fn open(&self) -> Result<UserStore> {
        let path = self.path()?;
        let options = UserStoreOptions { create: false, ..UserStoreOptions::default() };
        UserStore::open_with(&path, options).map_err(|error| match error {
            UserError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                anyhow::anyhow!(
                    "there are no accounts in {}; create one with `pixelplay user register NAME`, or name another \
                     database with --users",
                    path.display()
                )
            }
            error => error.into(),
        })
    }

    /// Opens the database and resumes the session of the user who is logged in.
    pub(super) fn person(&self) -> Result<Person> {
        let users = self.open()?;
        let Some(token) = self.token()? else {
            bail!("you are not logged in; log in with `pixelplay user login NAME`");
        };
        let session = users.resume(&token).map_err(|error| match error {
            UserError::InvalidSession => anyhow::Error::msg(
                "your session has ended; log in again with `pixelplay user login NAME`",
            ),
            error => error.into(),
        })?;
        Ok(Person { users, session })
    }

    /// Returns the token of the last session started here.
    pub(super) fn token(&self) -> Result<Option<String>> {
        let path = self.session_file()?;
        let mut token = String::new();
        let read = File::open(&path)
            .and_then(|file| file.take(MAX_SESSION_FILE_BYTES).read_to_string(&mut token));
        match read {
            Ok(_) => Ok(Some(token.trim_end().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| {
                format!("cannot read the session in {}; log in again", path.display())
            }),
        }
    }

    /// Keeps a session for the next commands, and ends the one it replaces. A session that cannot
    /// be kept is ended.
    pub(super) fn keep(&self, users: &UserStore, log_in: &NewSession) -> Result<PathBuf> {
        let before = self.token().unwrap_or(None);
        let path = self.session_file()?;
        let token = log_in.token.expose();
        if let Err(error) = write_private(&path, token) {
            users.log_out(token)?;
            return Err(error)
                .with_context(|| format!("cannot keep the session in {}", path.display()));
        }
        if let Some(before) = before {
            users.log_out(&before)?;
        }
        Ok(path)
    }

    /// Forgets the session that was started here.
    pub(super) fn forget(&self) -> Result<()> {
        let path = self.session_file()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Returns the path of the session file, next to the database, which is private as well.
    fn session_file(&self) -> Result<PathBuf> {
        let mut path = self.path()?.into_os_string();
        path.push(".session");
        Ok(path.into())
    }

    fn path(&self) -> Result<PathBuf> {
        match &self.users {
            Some(path) => {
                std::path::absolute(path).with_context(|| format!("cannot open {}", path.display()))
            }
            None => {
                let folders = etcetera::choose_base_strategy()
                    .context("cannot find your data folder; name a database with --users")?;
                Ok(folders.data_dir().join("pixelplay").join("users.db"))
            }
        }
    }
}

/// Writes a file atomically, readable by its owner only.
fn write_private(path: &Path, line: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{line}")?;
    file.persist(path)?;
    Ok(())
}
