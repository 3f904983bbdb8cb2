//! Log lines.

use std::io;

use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, dynamic_filter_fn},
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
    // Asked anew for every line: a library that only asks whether it would be heard leaves the answer behind, and a
    // line about which nobody asks again would be dropped for it.
    let filter = filter.and(dynamic_filter_fn(|metadata: &Metadata<'_>, _| {
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

#[cfg(test)]
mod tests {
    use std::{io::Read as _, sync::Arc};

    use tracing::{callsite::Callsite, metadata::Kind, subscriber::Interest};

    use super::*;

    struct Question;

    impl Callsite for Question {
        fn set_interest(&self, _interest: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            &QUESTION
        }
    }

    static QUESTION: Metadata<'static> = tracing::metadata! {
        name: "question",
        target: "somebody else's",
        level: tracing::Level::DEBUG,
        fields: &[],
        callsite: &Question,
        kind: Kind::HINT,
    };

    #[test]
    fn no_line_is_lost_because_a_library_asked_whether_it_would_be_heard() {
        let (mut written, writer) = io::pipe().unwrap();
        let (lines, _level) = lines(Arc::new(writer), "info", LogFormat::Text);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            for _ in 0..3 {
                // As the `log` crate asks, for those that still use it.
                tracing::dispatcher::get_default(|all| all.enabled(&QUESTION));
                tracing::info!("heard");
            }
        });
        let mut text = String::new();
        written.read_to_string(&mut text).unwrap();
        assert_eq!(text.matches("heard").count(), 3, "{text}");
    }
}
