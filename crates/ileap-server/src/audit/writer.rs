//! The thread that writes.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use super::sink::{Pending, Trail};
use crate::telemetry::Metrics;

/// How long what is written may stay in the system's memory.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before a line that could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    /// To say whether everything before is on disk.
    Flush(SyncSender<bool>),
    /// To write a line.
    Line(Vec<u8>),
}

/// Writes until nobody can send any more. A line that cannot be written is tried until it can: meanwhile the queue
/// fills up.
pub(super) fn run(mut sink: impl Trail, messages: &Receiver<Message>, metrics: &Metrics) {
    // When what has been written since must be on disk.
    let mut due: Option<Instant> = None;
    loop {
        let message = match due {
            None => messages.recv().map_err(RecvTimeoutError::from),
            Some(due) => messages.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match message {
            Ok(Message::Line(line)) => {
                write(&mut sink, line.into());
                metrics.audited("written");
                due.get_or_insert_with(|| Instant::now() + SYNC_EVERY);
            }
            Ok(Message::Flush(done)) => {
                let is_on_disk = sync(&sink);
                due = None;
                // Whoever asked may have given up.
                let _ = done.try_send(is_on_disk);
            }
            Err(RecvTimeoutError::Timeout) => {
                sync(&sink);
                due = None;
            }
            Err(RecvTimeoutError::Disconnected) => {
                sync(&sink);
                return;
            }
        }
    }
}

fn write(sink: &mut impl Trail, mut line: Pending) {
    let mut is_failing = false;
    while let Err(error) = sink.write(&mut line) {
        if !is_failing {
            tracing::error!(
                error = %error,
                remedy = "see whether audit.file can be written: disk space, permissions",
                "the audit trail cannot be written: lines wait, and are lost when too many do"
            );
        }
        is_failing = true;
        thread::sleep(PAUSE);
    }
    if is_failing {
        tracing::info!("the audit trail is written again");
    }
}

/// Says whether all that was written is on disk.
fn sync(sink: &impl Trail) -> bool {
    let synced = sink.sync();
    if let Err(error) = &synced {
        tracing::error!(error = %error, "the audit trail's last lines may not be on disk");
    }
    synced.is_ok()
}
