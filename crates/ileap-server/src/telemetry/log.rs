//! Log lines.

use std::io;

use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
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

/// Sends this process's log lines to `writer`: stderr, outside tests. A second call changes nothing.
///
/// `level` is a filter in the `tracing` form (`info`, or `ileap_server=debug,warn`).
pub fn log_to<W>(writer: W, level: &str, format: LogFormat)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A subscriber is already there when a test, or an embedding program, has set one.
    let _ = tracing_subscriber::registry()
        .with(lines(writer, level, format))
        .try_init();
}

/// What writes the lines. Spans are for traces: they neither stand in a line nor cost anything where nobody
/// traces.
pub(super) fn lines<W>(
    writer: W,
    level: &str,
    format: LogFormat,
) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.and(filter_fn(|metadata: &Metadata<'_>| {
        metadata.target() != traces::TARGET
    }));
    let lines = fmt::layer().with_writer(writer).with_target(false);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Text => lines
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_filter(filter)
            .boxed(),
    }
}
