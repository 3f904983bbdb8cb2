//! Connections that read from a file, one statement at a time, each of which ends with an error
//! (`SQLITE_INTERRUPT`) when it takes too long. A pool of our own, because a limit that is set through sqlx's costs a
//! turn of the connection's thread for every statement, as much as a short statement itself.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::ACQUIRE_TIMEOUT;

/// After how many instructions of SQLite's machine the time is looked at: well under a millisecond.
const INSTRUCTIONS: i32 = 10_000;

/// As many connections as may read at a time, made when they are needed first.
#[derive(Clone, Debug)]
pub(in crate::store::sql) struct Readers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: SqliteConnectOptions,
    /// How long a statement may take.
    timeout: Duration,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Reader>>,
}

#[derive(Debug)]
struct Reader {
    connection: SqliteConnection,
    limit: Arc<Limit>,
}

/// When the statement of a connection has to end.
#[derive(Debug)]
struct Limit {
    begin: Instant,
    microseconds: AtomicU64,
}

impl Limit {
    fn end_in(&self, time: Duration) {
        let end = self.begin.elapsed().saturating_add(time).as_micros();
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        self.microseconds.store(end, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let end = Duration::from_micros(self.microseconds.load(Ordering::Relaxed));
        self.begin.elapsed() >= end
    }
}

impl Readers {
    /// Connects one, and up to `most` in all later on.
    pub(in crate::store::sql) async fn open(
        options: SqliteConnectOptions,
        (most, timeout): (usize, Duration),
    ) -> Result<Self, sqlx::Error> {
        let readers = Self(Arc::new(Shared {
            options,
            timeout,
            free: Arc::new(Semaphore::new(most)),
            idle: Mutex::default(),
        }));
        readers.acquire().await?.give_back();
        Ok(readers)
    }

    /// Waits for a connection.
    pub(in crate::store::sql) async fn acquire(&self) -> Result<Lent, sqlx::Error> {
        let free = self.0.free.clone().acquire_owned();
        let Ok(Ok(permit)) = tokio::time::timeout(ACQUIRE_TIMEOUT, free).await else {
            return Err(sqlx::Error::PoolTimedOut);
        };
        let reader = match self.0.take() {
            Some(reader) => reader,
            None => self.0.connect().await?,
        };
        Ok(Lent {
            shared: self.0.clone(),
            reader: Some(reader),
            permit: Some(permit),
            is_asked: false,
        })
    }
}

impl Shared {
    async fn connect(&self) -> Result<Reader, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let limit = Arc::new(Limit {
            begin: Instant::now(),
            microseconds: AtomicU64::default(),
        });
        let kept = limit.clone();
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(INSTRUCTIONS, move || !kept.is_over());
        drop(handle);
        Ok(Reader { connection, limit })
    }

    fn take(&self) -> Option<Reader> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn put(&self, reader: Reader) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(reader);
    }
}

/// A connection, for one statement.
pub(in crate::store::sql) struct Lent {
    shared: Arc<Shared>,
    reader: Option<Reader>,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether a statement was begun that has not ended yet.
    is_asked: bool,
}

impl Lent {
    /// The connection; the time of its statement begins now.
    pub(in crate::store::sql) fn ask(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        let reader = self.reader.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        self.is_asked = true;
        reader.limit.end_in(self.shared.timeout);
        Ok(&mut reader.connection)
    }

    /// Says that the statement has ended.
    pub(in crate::store::sql) fn give_back(mut self) {
        self.is_asked = false;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut reader) = self.reader.take() else {
            return;
        };
        if !self.is_asked {
            return self.shared.put(reader);
        }
        // Whoever asked has left. The statement ends at once, and the connection is free when it has.
        reader.limit.end_in(Duration::ZERO);
        let (shared, permit) = (self.shared.clone(), self.permit.take());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if reader.connection.lock_handle().await.is_ok() {
                    shared.put(reader);
                }
                drop(permit);
            });
        }
    }
}
