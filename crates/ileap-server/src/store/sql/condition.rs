//! How a database is, found out without making or changing one.

mod postgres;
mod sqlite;

use std::{cmp::Ordering, path::PathBuf};

use super::{is_postgres, schema};
use crate::store::StoreError;

/// How a database is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Condition {
    /// It can be used as it is.
    Good,
    /// Another process has held SQLite's lock for two seconds.
    Locked,
    /// It is made at every start, and gone at every end.
    Memory,
    /// There is no such file.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program has written it.
    Newer,
    /// An older version has written it, or none: the next start brings it up to date.
    Older,
    /// The file can be read, not written.
    ReadOnly,
    /// The PostgreSQL server takes nothing that writes: it is a standby, or set so.
    Standby,
}

impl Condition {
    /// What follows from the newest migration that has been applied, 0 where none has.
    fn of_version(version: i64) -> Self {
        match version.cmp(&schema::newest_version()) {
            Ordering::Less => Self::Older,
            Ordering::Equal => Self::Good,
            Ordering::Greater => Self::Newer,
        }
    }
}

/// The file of the database at `url`, where it is to be a file and is not there: to open it makes it.
pub fn missing(url: &str) -> Option<PathBuf> {
    if is_postgres(url) {
        return None;
    }
    sqlite::file(url).filter(|path| matches!(path.try_exists(), Ok(false)))
}

/// Looks at the database at `url` and leaves it as it is.
pub async fn condition(url: &str) -> Result<Condition, StoreError> {
    if is_postgres(url) {
        postgres::condition(url).await
    } else {
        sqlite::condition(url).await
    }
}
