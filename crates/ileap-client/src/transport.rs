//! One call: bounded in time and size, its failure in words of ours.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use reqwest::RequestBuilder;
use rustls::CertificateError;
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use crate::{
    error::{CertificateProblem, Error, ErrorKind, Refusal, WEB_PAGE},
    options::Options,
    ways::Ways,
};

/// The pause before the second attempt; each later one is twice as long, give or take.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How much of a host's message is kept.
const MESSAGE_CHARS: usize = 500;
/// How much of an error answer is read.
const REFUSAL_LIMIT_BYTES: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Sends requests.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    options: Arc<Options>,
    ways: Arc<Ways>,
}

/// A whole answer with a 2xx status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// JSON has no byte order mark, and readers may pass over it (RFC 8259 §8.1).
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, mut body: Bytes) -> Self {
        if body.starts_with(BYTE_ORDER_MARK) {
            body.advance(BYTE_ORDER_MARK.len());
        }
        Self {
            status,
            headers,
            body,
        }
    }

    /// Why it is not what was asked for, which `otherwise` says of text in JSON.
    pub(crate) fn unreadable(&self, otherwise: &'static str) -> ErrorKind {
        let is_page = self.body.trim_ascii_start().starts_with(b"<");
        ErrorKind::Unreadable(if is_page {
            WEB_PAGE
        } else if str::from_utf8(&self.body).is_err() {
            "it is not UTF-8, as JSON must be"
        } else {
            otherwise
        })
    }
}

impl Transport {
    /// For calls to the host at `base` and those it names.
    pub(crate) fn new(base: &Url, options: Options) -> Result<Self, ErrorKind> {
        let options = Arc::new(options);
        let ways = Arc::new(Ways::new(Arc::clone(&options)));
        // What is wrong is told before anything is sent.
        ways.to(base)?;
        Ok(Self { options, ways })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn get(&self, url: &Url) -> Result<RequestBuilder, ErrorKind> {
        let request = self.ways.to(url)?.get(url.clone());
        Ok(request.header(header::ACCEPT, "application/json"))
    }

    pub(crate) fn post(&self, url: &Url) -> Result<RequestBuilder, ErrorKind> {
        Ok(self.ways.to(url)?.post(url.clone()))
    }

    /// Calls, and again while it may help, as often as the options say.
    pub(crate) async fn call<F, R>(&self, attempted: &str, attempt: F) -> Result<Answer, Error>
    where
        F: Fn() -> R,
        R: Future<Output = Result<Answer, ErrorKind>>,
    {
        self.call_while(Error::is_temporary, attempted, attempt)
            .await
    }

    /// The same, while a failure is worth another attempt.
    pub(crate) async fn call_while<F, R>(
        &self,
        is_worth_it: impl Fn(&Error) -> bool,
        attempted: &str,
        attempt: F,
    ) -> Result<Answer, Error>
    where
        F: Fn() -> R,
        R: Future<Output = Result<Answer, ErrorKind>>,
    {
        let longest = self.options.longest_pause;
        let pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE.min(longest))
            .with_max_delay(longest)
            .with_max_times(self.options.attempts.saturating_sub(1))
            .with_jitter();
        let named = || async { attempt().await.map_err(|kind| Error::new(attempted, kind)) };
        named
            .retry(pauses)
            .when(is_worth_it)
            .adjust(|error, pause| {
                let wanted = error.refusal().and_then(|refusal| refusal.retry_after);
                match (pause, wanted) {
                    (Some(_), Some(wanted)) if wanted > longest => None,
                    (Some(pause), Some(wanted)) => Some(wanted.max(pause.min(FIRST_PAUSE))),
                    (pause, _) => pause,
                }
            })
            .notify(|error, pause| {
                if let Some(tell) = self.options.on_retry {
                    tell(error, pause);
                }
            })
            .await
    }

    /// One request and its whole answer. A status outside 2xx is a refusal.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, ErrorKind> {
        let mut response = request.send().await.map_err(|error| kind_of(&error))?;
        let status = response.status();
        let limit_bytes = if status.is_success() {
            self.options.answer_limit_bytes
        } else {
            REFUSAL_LIMIT_BYTES
        };
        let headers = response.headers().clone();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| kind_of(&error))? {
            if body.len() + chunk.len() > limit_bytes {
                if status.is_success() {
                    return Err(ErrorKind::TooLarge { limit_bytes });
                }
                // What an error page says beyond this is of no interest.
                body.clear();
                break;
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer::new(status, headers, body.freeze()));
        }
        Err(ErrorKind::Refused(refusal(status, &headers, &body)))
    }
}

/// Whether nothing but this machine is reached.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a URL has a name or a password in it: they would be sent beside ours.
pub(crate) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Both forms of error bodies: PACT's and OAuth's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: Value,
    message: Value,
    error: Value,
    error_description: Value,
}

pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refusal {
    let said: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().and_then(short);
    Refusal {
        status: status.as_u16(),
        code: text(&said.code).or_else(|| text(&said.error)),
        message: text(&said.message).or_else(|| text(&said.error_description)),
        request_id: header_text(headers, "x-request-id").and_then(short),
        retry_after: retry_after(headers),
    }
}

/// Seconds, or until a date of the host's own clock (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let given = header_text(headers, "retry-after")?.trim();
    if let Ok(seconds) = given.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text| jiff::fmt::rfc2822::parse(text).ok();
    let (until, now) = (date(given)?, date(header_text(headers, "date")?)?);
    let seconds = until.timestamp().as_second() - now.timestamp().as_second();
    Some(Duration::from_secs(seconds.try_into().unwrap_or(0)))
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A stranger's text, without control characters and not too long; `None` when nothing is left.
fn short(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE_CHARS)
        .collect();
    (!text.trim().is_empty()).then_some(text)
}

fn kind_of(error: &reqwest::Error) -> ErrorKind {
    if error.is_connect() {
        return if let Some(tls) = tls_error(error) {
            ErrorKind::Tls(certificate_problem(tls))
        } else if error.is_timeout() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Connect
        };
    }
    if error.is_timeout() {
        ErrorKind::Timeout
    } else if error.is_builder() {
        ErrorKind::Address("the request cannot be built")
    } else {
        ErrorKind::Interrupted
    }
}

fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        // An io::Error's source() is its inner error's source: the inner error itself is passed over.
        let inner = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

fn certificate_problem(error: &rustls::Error) -> CertificateProblem {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return CertificateProblem::Unproven;
    };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotValidYet
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::OtherName
        }
        CertificateError::UnknownIssuer => CertificateProblem::UnknownAuthority,
        _ => CertificateProblem::Unproven,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_host_said_in_either_form_and_nothing_a_terminal_would_obey() {
        let pact = br#"{"code":"AccessDenied","message":"no\u001b[31m red"}"#;
        let said = refusal(StatusCode::FORBIDDEN, &HeaderMap::new(), pact);
        assert_eq!(said.code.as_deref(), Some("AccessDenied"));
        assert_eq!(said.message.as_deref(), Some("no[31m red"));
        let oauth = br#"{"error":"invalid_client","error_description":null}"#;
        let said = refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), oauth);
        assert_eq!(said.code.as_deref(), Some("invalid_client"));
        assert_eq!(said.message, None);
    }

    #[test]
    fn an_answer_that_is_no_error_body_leaves_the_status() {
        for body in ["", "<html>", "[]", r#"{"code":5}"#, "\"text\""] {
            let said = refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
            assert_eq!(
                said,
                Refusal {
                    status: 502,
                    ..Refusal::default()
                },
                "{body}"
            );
        }
    }
}
