//! Log lines.

use std::io;

use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use super::traces;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

/// Changes what is logged.
#[derive(Debug)]
pub struct LogLevel(reload::Handle<EnvFilter, Registry>);

impl LogLevel {
    /// From now on `level`, a filter like the one at the start.
    pub fn set(&self, level: &str) {
        // Where another subscriber than ours was there first, there is no level of ours to change.
        let _ = self.0.reload(filter(level));
    }
}

/// Sends this process's log lines to `writer`: stderr, outside tests. A second call changes nothing.
///
/// `level` is a filter in the `tracing` form (`info`, or `ileap_server=debug,warn`).
pub fn log_to<W>(writer: W, level: &str, format: LogFormat) -> LogLevel
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (lines, level) = lines(writer, level, format);
    // A subscriber is already there when a test, or an embedding program, has set one.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    level
}

/// What writes the lines, and what changes how many there are. Spans are for traces: they neither stand in a line nor cost anything where nobody
/// traces.
pub(super) fn lines<W>(
    writer: W,
    level: &str,
    format: LogFormat,
) -> (Box<dyn Layer<Registry> + Send + Sync>, LogLevel)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(level));
    let filter = filter.and(filter_fn(|metadata: &Metadata<'_>| {
        metadata.target() != traces::TARGET
    }));
    let lines = fmt::layer().with_writer(writer).with_target(false);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Text => lines
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_filter(filter)
            .boxed(),
    };
    (lines, LogLevel(handle))
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"))
}
