//! How a file is.

use std::{path::PathBuf, str::FromStr as _, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, Row as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use super::Condition;
use crate::store::{
    StoreError,
    sql::{
        sqlite::{is_busy, is_memory},
        unavailable,
    },
};

/// How long to wait for another process's lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a database is that is in a file.
pub(super) fn file(url: &str) -> Option<PathBuf> {
    let options = SqliteConnectOptions::from_str(url).ok()?;
    (!is_memory(url)).then(|| options.get_filename().to_path_buf())
}

pub(super) async fn condition(url: &str) -> Result<Condition, StoreError> {
    let failed = unavailable("opening the database");
    if is_memory(url) {
        return Ok(Condition::Memory);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(&failed)?;
    let path = options.get_filename().to_path_buf();
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Condition::Missing { path });
        }
        Err(error) => return Err(failed(sqlx::Error::Io(error))),
        Ok(_) => {}
    }
    let options = options.create_if_missing(false).busy_timeout(PATIENCE);
    let mut connection = options.connect().await.map_err(&failed)?;
    let condition = look(&mut connection).await;
    // It answered; how it takes the farewell is its own business.
    let _ = connection.close().await;
    condition.map_err(&failed)
}

async fn look(connection: &mut SqliteConnection) -> Result<Condition, sqlx::Error> {
    let condition = match version(connection).await {
        Err(error) if is_busy(&error) => return Ok(Condition::Locked),
        version => Condition::of_version(version?),
    };
    if condition == Condition::Newer {
        return Ok(condition);
    }
    // Takes the lock that writing needs, and gives it back.
    match sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await
    {
        Err(error) if is_busy(&error) => return Ok(Condition::Locked),
        Err(error) if is_read_only(&error) => return Ok(Condition::ReadOnly),
        begun => begun?,
    };
    sqlx::query("ROLLBACK").execute(&mut *connection).await?;
    Ok(condition)
}

/// The newest migration that has been applied; 0 where none has.
async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let tables = sqlx::query("SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if tables.try_get::<i64, _>(0)? == 0 {
        return Ok(0);
    }
    let newest = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await?;
    newest.try_get(0)
}

/// Whether SQLite may not write: the low byte of its extended result codes says `READONLY`.
fn is_read_only(error: &sqlx::Error) -> bool {
    const READ_ONLY: i32 = 8;
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == READ_ONLY)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::store::sql::SqlStore;

    struct Place {
        directory: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            Self { directory }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("ileap.db")
        }

        fn url(&self) -> String {
            format!("sqlite:{}", self.path().display())
        }

        async fn look(&self) -> Condition {
            condition(&self.url()).await.unwrap()
        }

        async fn connection(&self) -> SqliteConnection {
            SqliteConnection::connect(&self.url()).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_missing_file_is_said_to_be_missing_and_is_not_made() {
        let place = Place::new();
        let path = place.path();
        assert_eq!(
            place.look().await,
            Condition::Missing { path: path.clone() }
        );
        assert!(!path.exists());
        assert_eq!(
            condition("sqlite::memory:").await.unwrap(),
            Condition::Memory
        );
    }

    #[tokio::test]
    async fn a_database_in_use_is_good_and_one_of_another_version_is_told() {
        let place = Place::new();
        let store = SqlStore::open(&place.url()).await.unwrap();
        assert_eq!(place.look().await, Condition::Good);
        drop(store);
        let mut connection = place.connection().await;
        let change = |sql: &'static str| sqlx::query(sql);
        change("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 2")
            .execute(&mut connection)
            .await
            .unwrap();
        assert_eq!(place.look().await, Condition::Newer);
        change("DELETE FROM _sqlx_migrations WHERE version > 1")
            .execute(&mut connection)
            .await
            .unwrap();
        assert_eq!(place.look().await, Condition::Older);
    }

    #[tokio::test]
    async fn a_lock_that_another_process_holds_is_told() {
        let place = Place::new();
        SqlStore::open(&place.url()).await.unwrap();
        let mut connection = place.connection().await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        assert_eq!(place.look().await, Condition::Locked);
    }

    #[tokio::test]
    async fn what_is_no_database_is_an_error() {
        let place = Place::new();
        std::fs::write(place.path(), "x".repeat(5000)).unwrap();
        assert!(condition(&place.url()).await.is_err());
    }
}
