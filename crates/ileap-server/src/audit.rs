//! The audit trail: who was let in, who was not and why, and who changed that. One JSON object a line, apart from the
//! log: complete, and made for machines.
//!
//! It never holds up a request. Lines wait in a bounded queue for a thread that writes them; what finds the queue
//! full is lost, and that is counted and said.

mod line;
mod sink;
mod writer;

pub use self::{
    line::{Decision, Event},
    sink::Target,
};

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use jiff::Timestamp;

use self::{
    sink::{Reopened, StandardError, Trail},
    writer::Message,
};
use crate::telemetry::Metrics;

/// Lines that wait to be written: some seconds of a disk that is away, at a few MiB.
const QUEUE: usize = 8192;

/// Which requests with an access token are recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DataAccess {
    /// All of them.
    All,
    /// None.
    None,
    /// Those that are refused.
    Refused,
}

/// The audit trail of this process.
#[derive(Debug)]
pub struct Audit {
    data_access: DataAccess,
    is_losing: AtomicBool,
    metrics: Arc<Metrics>,
    queue: Option<SyncSender<Message>>,
}

impl Audit {
    /// No trail.
    pub fn off(metrics: Arc<Metrics>) -> Self {
        Self {
            data_access: DataAccess::None,
            is_losing: AtomicBool::new(false),
            metrics,
            queue: None,
        }
    }

    /// Opens the trail; fails when it cannot be written now.
    pub fn open(
        target: &Target,
        data_access: DataAccess,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        match target {
            Target::File(path) => Self::begin(Reopened::open(path)?, data_access, metrics),
            Target::Off => Ok(Self::off(metrics)),
            Target::Stderr => Self::begin(StandardError, data_access, metrics),
        }
    }

    fn begin(
        trail: impl Trail,
        data_access: DataAccess,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let counts = metrics.clone();
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer::run(trail, &messages, &counts))?;
        Ok(Self {
            data_access,
            is_losing: AtomicBool::new(false),
            metrics,
            queue: Some(queue),
        })
    }

    /// Which requests with an access token are recorded.
    pub fn data_access(&self) -> DataAccess {
        self.data_access
    }

    /// Records a decision.
    pub fn record(&self, at: Timestamp, decision: &Decision<'_>) {
        let Some(queue) = &self.queue else {
            return;
        };
        match queue.try_send(Message::Line(line::written(at, decision))) {
            Ok(()) => {
                if self.is_losing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the audit trail takes lines again");
                }
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.metrics.audited("lost");
                if !self.is_losing.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        remedy = "see whether audit.file can be written: disk space, permissions",
                        "lines of the audit trail are lost: too many wait to be written"
                    );
                }
            }
        }
    }

    /// Waits, for at most `longest`, until what has been recorded is on disk; says whether it is. Blocks.
    pub fn flush(&self, longest: Duration) -> bool {
        let Some(queue) = &self.queue else {
            return true;
        };
        let (done, flushed) = sync_channel(1);
        // A queue that is full is not going to be written in time.
        queue.try_send(Message::Flush(done)).is_ok() && flushed.recv_timeout(longest) == Ok(true)
    }
}

#[cfg(test)]
mod tests;
