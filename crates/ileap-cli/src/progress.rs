//! A count on stderr that shows itself on a terminal only.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// How often it turns.
const TICK: Duration = Duration::from_millis(100);

/// The one that is shown.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A remark on stderr, from wherever: what is shown is out of the way meanwhile.
pub(crate) fn note(text: &str) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(|| output::note(text)),
        None => output::note(text),
    }
}

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
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
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
