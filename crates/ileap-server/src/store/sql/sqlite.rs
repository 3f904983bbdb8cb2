//! Opening SQLite.

pub(super) mod readers;

use std::{fs::OpenOptions, path::Path, str::FromStr as _, time::Duration};

use sqlx::{
    Connection as _, SqlitePool,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::readers::Readers;
use super::{database::Connections, schema, unavailable};
use crate::{private_file, store::StoreError};

/// Connections that read; SQLite serves as many readers beside one writer.
const READERS: usize = 4;
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often, and after what pause, opening is tried again while another process opens the same new file.
const OPENING_TRIES: u32 = 100;
const OPENING_PAUSE: Duration = Duration::from_millis(50);
/// How long a statement may take that only reads, as PostgreSQL's do: whoever asked has left by then, and there are
/// few connections.
const READING_TIMEOUT: Duration = Duration::from_secs(5);
/// Compiled statements kept per connection.
const STATEMENTS: usize = 128;

/// The writing and the reading connections; the same pool for a store in memory. Brings an older schema up to
/// date.
pub(super) async fn open(url: &str) -> Result<(Connections, Connections), StoreError> {
    let (writer, readers) = connect(url).await?;
    migrate(&writer).await?;
    let readers = match readers {
        Some(readers) => Connections::SqliteReaders(readers),
        None => Connections::Sqlite(writer.clone()),
    };
    Ok((Connections::Sqlite(writer), readers))
}

async fn connect(url: &str) -> Result<(SqlitePool, Option<Readers>), StoreError> {
    let failed = unavailable("opening the database");
    let options = SqliteConnectOptions::from_str(url).map_err(&failed)?;
    let options = options
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        // An acknowledged event must survive a power cut.
        .synchronous(SqliteSynchronous::Full);
    if is_memory(url) {
        let pool = pool().connect_with(options).await.map_err(&failed)?;
        return Ok((pool, None));
    }
    create_private(options.get_filename()).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let options = options.journal_mode(SqliteJournalMode::Wal);
    // A full disk undoes a transaction without a word to the driver, which begins no other one from then on.
    let writer = pool().before_acquire(|connection, _| {
        let is_fit = !connection.is_in_transaction();
        Box::pin(async move { Ok(is_fit) })
    });
    let writer = patiently(|| writer.clone().connect_with(options.clone()));
    let writer = writer.await.map_err(&failed)?;
    let options = options.read_only(true);
    let limits = (READERS, READING_TIMEOUT);
    let readers = patiently(|| Readers::open(options.clone(), limits));
    let readers = readers.await.map_err(&failed)?;
    Ok((writer, Some(readers)))
}

/// Opens, also while another process makes the same new file: a change of the journal mode does not wait for the
/// lock by itself.
async fn patiently<T, F>(open: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    for _ in 0..OPENING_TRIES {
        match open().await {
            Err(error) if is_busy(&error) => tokio::time::sleep(OPENING_PAUSE).await,
            opened => return opened,
        }
    }
    open().await
}

/// Whether another connection holds the lock: the low byte of SQLite's extended result codes says `BUSY`.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: i32 = 5;
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == BUSY)
}

/// One connection, which is never closed for its age: one in memory is the database.
fn pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

pub(super) fn is_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// The data is the owner's; a file that is there keeps its mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    private_file::make_or_open(path, OpenOptions::new().write(true)).map(|_| ())
}

/// Applies what is missing; a schema from a newer version is an error.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let migrator = schema::SQLITE.migrator();
    let mut migrated = migrator.run(writer).await;
    for _ in 0..OPENING_TRIES {
        if !is_outrun(&migrated) {
            break;
        }
        tokio::time::sleep(OPENING_PAUSE).await;
        migrated = migrator.run(writer).await;
    }
    migrated.map_err(schema::failed)
}

/// Whether another process may have been first with the same migration; then it is found applied next time.
fn is_outrun(migrated: &Result<(), MigrateError>) -> bool {
    let Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = migrated
    else {
        return false;
    };
    let is_there_already = |message: &str| {
        message.contains("already exists") || message.contains("duplicate column name")
    };
    is_busy(error)
        || error
            .as_database_error()
            .is_some_and(|error| error.is_unique_violation() || is_there_already(error.message()))
}
