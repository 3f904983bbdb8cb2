//! Whether a machine can be reached, told apart by step: its name, its port, TLS, an answer.

use std::time::Duration;

use http::header;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::{Host, Url};

use crate::{
    clock::Clock,
    distrust::Distrust,
    outbound::{self, OutboundError, OutboundOptions, Roots},
};

/// The longest each step may take.
const STEP: Duration = Duration::from_secs(3);

/// A client for one upstream, as logins use it.
pub(super) fn client(upstream: &Url) -> Result<reqwest::Client, OutboundError> {
    let roots = if upstream.scheme() == "http" {
        Roots::None
    } else {
        Roots::Platform
    };
    outbound::client(&OutboundOptions {
        roots,
        ..OutboundOptions::default()
    })
}

/// An answer, whatever it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Answered {
    /// The HTTP status.
    pub(super) status: u16,
    /// How far this machine's clock is ahead of the one that answered, where that shows.
    pub(super) ahead: Option<SignedDuration>,
}

/// The step at which it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unreached {
    /// The name has no address.
    Name,
    /// The port takes no connection.
    Port,
    /// The name or port took too long.
    Slow,
    /// The certificates of this machine cannot be read.
    Roots,
    /// The peer could not prove who it is.
    Tls(Distrust),
    /// It is connected, and nothing usable comes back: the outbound error's word.
    Answer(&'static str),
}

impl Unreached {
    /// What it looks like from here.
    pub(super) fn finding(self) -> String {
        match self {
            Self::Name => "its name has no address here".to_owned(),
            Self::Port => "its port takes no connection".to_owned(),
            Self::Slow => "no connection in time".to_owned(),
            Self::Roots => "the CA certificates of this machine cannot be read".to_owned(),
            Self::Tls(distrust) => distrust.finding().to_owned(),
            Self::Answer(word) => format!("it is connected, but gives no answer ({word})"),
        }
    }

    /// What to look at.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Name => "check the host name, and the name servers of this machine",
            Self::Port | Self::Slow => {
                "check the address, and that firewalls let this machine connect to it"
            }
            Self::Roots => {
                "install CA certificates (Debian: ca-certificates), or name them in SSL_CERT_FILE"
            }
            Self::Tls(distrust) => distrust.remedy(),
            Self::Answer(_) => {
                "see https://status.clerk.com, and what stands between here and there"
            }
        }
    }
}

/// Asks `url` for anything, without credentials, and follows no redirect.
pub(super) async fn knock(url: &Url, clock: &dyn Clock) -> Result<Answered, Unreached> {
    connect(url).await?;
    let client = client(url).map_err(|_| Unreached::Roots)?;
    let asked_at = clock.now();
    let response = timeout(STEP, client.get(url.clone()).send()).await;
    let response = response.map_err(|_| Unreached::Answer("timeout"))?;
    let response = response.map_err(|error| match Distrust::behind(&error) {
        Some(distrust) => Unreached::Tls(distrust),
        None => match OutboundError::from(error) {
            OutboundError::Connect => Unreached::Port,
            other => Unreached::Answer(other.as_str()),
        },
    })?;
    let span = asked_at..=clock.now();
    Ok(Answered {
        status: response.status().as_u16(),
        ahead: sent_at(response.headers()).map(|sent_at| ahead_of(&span, sent_at)),
    })
}

async fn connect(url: &Url) -> Result<(), Unreached> {
    let port = url.port_or_known_default().ok_or(Unreached::Name)?;
    let host = match url.host().ok_or(Unreached::Name)? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let addresses = timeout(STEP, lookup_host((host.as_str(), port))).await;
    let addresses = addresses.map_err(|_| Unreached::Slow)?;
    let addresses: Vec<_> = addresses.map_err(|_| Unreached::Name)?.collect();
    if addresses.is_empty() {
        return Err(Unreached::Name);
    }
    let connected = timeout(STEP, TcpStream::connect(&addresses[..])).await;
    match connected {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Unreached::Port),
        Err(_) => Err(Unreached::Slow),
    }
}

/// When an answer was sent: its `Date`, and the `Age` that a cache on the way gives it (RFC 9110 §6.6.1,
/// RFC 9111 §5.1).
fn sent_at(headers: &http::HeaderMap) -> Option<Timestamp> {
    let text = |name| headers.get(name)?.to_str().ok();
    let date = rfc2822::parse(text(header::DATE)?).ok()?.timestamp();
    let age = text(header::AGE).and_then(|age| age.trim().parse().ok());
    date.checked_add(SignedDuration::from_secs(age.unwrap_or(0)))
        .ok()
}

/// By how much the span lies after `sent_at`, negative before it. The header says whole seconds: it stands for the
/// second that it begins.
fn ahead_of(span: &std::ops::RangeInclusive<Timestamp>, sent_at: Timestamp) -> SignedDuration {
    let early = span.start().duration_since(sent_at) - SignedDuration::from_secs(1);
    let late = span.end().duration_since(sent_at);
    if early.is_positive() {
        early
    } else if late.is_negative() {
        late
    } else {
        SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_moment_of_an_answer_is_its_date_and_its_age_in_a_cache() {
        let mut headers = HeaderMap::new();
        assert_eq!(sent_at(&headers), None);
        let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
        headers.insert(header::DATE, date);
        assert_eq!(sent_at(&headers), Some(at("1994-11-06T08:49:37Z")));
        headers.insert(header::AGE, HeaderValue::from_static("90"));
        assert_eq!(sent_at(&headers), Some(at("1994-11-06T08:51:07Z")));
        headers.insert(header::DATE, HeaderValue::from_static("yesterday"));
        assert_eq!(sent_at(&headers), None);
    }

    #[test]
    fn clocks_that_agree_within_the_second_are_not_apart() {
        let seconds = |from: &str, to: &str| {
            ahead_of(&(at(from)..=at(to)), at("2026-01-01T12:00:10Z")).as_secs_f64()
        };
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
        let same = seconds("2026-01-01T12:00:10.2Z", "2026-01-01T12:00:10.9Z");
        assert!(near(same, 0.0));
        let slow_answer = seconds("2026-01-01T12:00:08Z", "2026-01-01T12:00:12Z");
        assert!(near(slow_answer, 0.0));
        let ahead = seconds("2026-01-01T12:00:42Z", "2026-01-01T12:00:42.5Z");
        assert!(near(ahead, 31.0));
        let behind = seconds("2026-01-01T12:00:01Z", "2026-01-01T12:00:02Z");
        assert!(near(behind, -8.0));
    }

    #[tokio::test]
    async fn a_name_without_an_address_and_a_port_without_a_listener_are_told_apart() {
        let clock = crate::clock::SystemClock;
        let name = "http://clerk.invalid/".parse().unwrap();
        assert_eq!(knock(&name, &clock).await, Err(Unreached::Name));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let port = port.parse().unwrap();
        assert_eq!(knock(&port, &clock).await, Err(Unreached::Port));
    }

    #[tokio::test]
    async fn a_peer_that_speaks_no_tls_is_said_to_be_one() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = b"HTTP/1.1 400 X\r\n\r\n";
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
            }
        });
        let clock = crate::clock::SystemClock;
        let url = url.parse().unwrap();
        assert_eq!(
            knock(&url, &clock).await,
            Err(Unreached::Tls(Distrust::Unusable))
        );
    }
}
