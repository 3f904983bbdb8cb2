//! A count on stderr that shows itself on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often it turns.
const TICK: Duration = Duration::from_millis(100);

/// Something that takes long, and how far it is.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts from 0 to an end that nobody knows.
    pub(crate) fn counting(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {per_sec}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    pub(crate) fn add(&self, count: usize) {
        self.0.inc(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Prints while it is out of the way.
    pub(crate) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.0.suspend(print)
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
