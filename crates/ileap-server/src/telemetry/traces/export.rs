//! Spans sent to a collector by OTLP over HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use opentelemetry::{propagation::TextMapPropagator as _, trace::TracerProvider as _};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Layer as _, filter::dynamic_filter_fn, fmt::MakeWriter, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};
use url::Url;

use super::TARGET;
use crate::{
    outbound::{self, OutboundOptions},
    telemetry::{LogFormat, LogLevel, log},
};

/// How long the collector may take for one batch.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer read of it.
const ANSWER_LIMIT_BYTES: usize = 64 * 1024;

/// The way to the collector, where there is one.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The exporter cannot be built.
    #[error("preparing to send traces to `traces.endpoint`: {0}")]
    Exporter(String),
}

impl Traces {
    /// Whether this build can send traces.
    pub const ARE_BUILT_IN: bool = true;

    /// Log lines to `writer`, spans to `collector`. Must be called where tokio runs.
    pub fn start<W>(
        writer: W,
        (level, format): (&str, LogFormat),
        collector: Option<&Url>,
    ) -> Result<(Self, LogLevel), TracesError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let provider = collector.map(provider).transpose()?;
        let spans = provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("ileap"))
                // Where in the source, and on which thread, says nothing to an operator.
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                // Lines of the log name clients and addresses: none of them becomes part of a trace. Asked anew each time,
                // as for those.
                .with_filter(dynamic_filter_fn(|metadata: &Metadata<'_>, _| {
                    metadata.is_span() && metadata.target() == TARGET
                }))
        });
        let (lines, level) = log::lines(writer, level, format);
        // A subscriber is already there when a test, or an embedding program, has set one.
        let _ = tracing_subscriber::registry()
            .with(lines)
            .with(spans)
            .try_init();
        Ok((Self(provider), level))
    }

    /// Sends what is left.
    pub async fn end(self) {
        let Some(provider) = self.0 else {
            return;
        };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(DEADLINE));
        if !matches!(ended.await, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// Makes the caller's span the parent of this one (W3C Trace Context). Only for callers that are trusted: a stranger
/// could otherwise choose what is sampled, and under which trace.
pub(crate) fn continue_trace(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Where nobody traces, there is nothing to attach it to.
    let _ = span.set_parent(parent);
}

fn provider(collector: &Url) -> Result<SdkTracerProvider, TracesError> {
    let failed = |error: &dyn std::fmt::Display| TracesError::Exporter(error.to_string());
    let http =
        outbound::client(&OutboundOptions::for_url(collector)).map_err(|error| failed(&error))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client {
            http,
            runtime: Handle::current(),
        })
        .with_endpoint(collector.as_str())
        .with_timeout(DEADLINE)
        .build()
        .map_err(|error| failed(&error))?;
    let resource = Resource::builder()
        .with_service_name("ileap")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build())
}

/// The one HTTP client. Batches are sent from a thread of their own, where tokio does not run.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request: reqwest::Request = request.try_into()?;
        let http = self.http.clone();
        let exchange = async move {
            let answer = http.execute(request).await?;
            let status = answer.status();
            let body = outbound::read_capped(answer, ANSWER_LIMIT_BYTES).await;
            Ok::<_, reqwest::Error>((status, body))
        };
        // The deadline needs a runtime to be made in, too.
        let exchange = async move { tokio::time::timeout(DEADLINE, exchange).await };
        let (status, body) = self.runtime.spawn(exchange).await???;
        let mut response = Response::new(body?);
        *response.status_mut() = status;
        Ok(response)
    }
}
