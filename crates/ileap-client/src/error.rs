//! Why a call did not succeed.

use std::{fmt, time::Duration};

/// What is answered where no host is.
pub(crate) const WEB_PAGE: &str = "it is a web page and not JSON";
const CHECK_BASE: &str = "check the base URL: `/2/footprints` comes right behind it";

/// A failed call: what was attempted, on what, and what happened.
#[derive(Clone, Debug)]
pub struct Error {
    attempted: String,
    kind: Box<ErrorKind>,
}

/// What happened. The variants are decisions a caller can take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// A URL cannot be used; the text says why.
    Address(&'static str),
    /// The platform's CA certificates cannot be read.
    Certificates,
    /// No connection.
    Connect,
    /// Another token is needed, and there are no credentials to get it with.
    CredentialsMissing,
    /// The host does not take the credentials.
    CredentialsRefused(Refusal),
    /// The credentials cannot be put into a request; the text says why.
    CredentialsUnusable(&'static str),
    /// The connection ended before the answer did, or it was no HTTP.
    Interrupted,
    /// The link to the next page may not be followed.
    Link(LinkProblem),
    /// The host refuses.
    Refused(Refusal),
    /// No answer in time.
    Timeout,
    /// The host could not prove who it is.
    Tls(CertificateProblem),
    /// The token endpoint that the host names is on another origin, and is not to get the credentials.
    TokenEndpointElsewhere {
        /// The origin it is on.
        origin: String,
    },
    /// The answer is longer than is read.
    TooLarge {
        /// What is read, in bytes.
        limit_bytes: usize,
    },
    /// The answer is not what it should be; the text says what is missing.
    Unreadable(&'static str),
}

/// What a host says when it refuses.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// PACT's `code`, or OAuth's `error`, where there is one.
    pub code: Option<String>,
    /// PACT's `message`, or OAuth's `error_description`; at most 500 characters of it.
    pub message: Option<String>,
    /// The host's name for the request, for its operator.
    pub request_id: Option<String>,
    /// How long the host wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why the host could not prove who it is (RFC 5280 §6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateProblem {
    /// Its certificate is no longer valid.
    Expired,
    /// Its certificate is not valid yet: the certificate, or a clock, is wrong.
    NotValidYet,
    /// Its certificate is for another name.
    OtherName,
    /// Its certificate is of an authority that is not known here.
    UnknownAuthority,
    /// Something else about its certificate or the handshake.
    Unproven,
}

/// What is wrong with a link to the next page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkProblem {
    /// It was followed before: the list would never end.
    Circle,
    /// It has a name or a password in it.
    Credentials,
    /// It was one of a thousand in a row that brought nothing.
    Empty,
    /// It leads to another origin, which would get the token.
    OtherOrigin,
    /// It is no URL.
    Unreadable,
}

impl Error {
    pub(crate) fn new(attempted: impl Into<String>, kind: ErrorKind) -> Self {
        Self {
            attempted: attempted.into(),
            kind: Box::new(kind),
        }
    }

    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What was attempted, on what.
    pub fn attempted(&self) -> &str {
        &self.attempted
    }

    /// The host's words, if it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.kind() {
            ErrorKind::CredentialsRefused(refusal) | ErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_temporary(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect | ErrorKind::Interrupted | ErrorKind::Timeout => true,
            ErrorKind::Refused(refusal) | ErrorKind::CredentialsRefused(refusal) => {
                matches!(refusal.status, 408 | 425 | 429 | 500 | 502..=504)
            }
            _ => false,
        }
    }

    /// What to do about it, where that can be known from here.
    pub fn remedy(&self) -> Option<&'static str> {
        match self.kind() {
            ErrorKind::Certificates => {
                Some("install the CA certificates of this machine (Debian: ca-certificates)")
            }
            ErrorKind::Connect => Some("check the URL, and whether the host is up"),
            ErrorKind::CredentialsRefused(_) => Some(
                "check client id and secret; where they hold characters such as + or %, try the other Basic encoding",
            ),
            ErrorKind::Unreadable(WEB_PAGE) => Some(CHECK_BASE),
            ErrorKind::Link(_) | ErrorKind::Unreadable(_) => {
                Some("tell the host's operator; `ileap conformance` shows what is wrong")
            }
            ErrorKind::Refused(refusal) if (300..400).contains(&refusal.status) => {
                Some("redirects are not followed: use the URL the host is really at")
            }
            ErrorKind::Refused(refusal) if matches!(refusal.status, 404 | 405) => Some(CHECK_BASE),
            ErrorKind::Tls(problem) => Some(problem.remedy()),
            ErrorKind::TokenEndpointElsewhere { .. } => {
                Some("if you trust it with the credentials, allow that host")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempted, self.kind)?;
        if let Some(remedy) = self.remedy() {
            write!(f, " ({remedy})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) | Self::CredentialsUnusable(why) => f.write_str(why),
            Self::Certificates => f.write_str("the CA certificates of this machine cannot be read"),
            Self::Connect => f.write_str("no connection"),
            Self::CredentialsMissing => {
                f.write_str("another token is needed, and there is no secret to get it with")
            }
            Self::CredentialsRefused(refusal) => {
                write!(f, "the host refuses the credentials, {refusal}")
            }
            Self::Interrupted => f.write_str("the connection ended before the answer did"),
            Self::Link(problem) => write!(f, "the link to the next page {problem}"),
            Self::Refused(refusal) => write!(f, "the host answers {refusal}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Tls(problem) => write!(f, "the host could not prove who it is: {problem}"),
            Self::TokenEndpointElsewhere { origin } => {
                write!(f, "the host's token endpoint is on another host, {origin}")
            }
            Self::TooLarge { limit_bytes } => {
                write!(f, "the answer is longer than {limit_bytes} bytes")
            }
            Self::Unreadable(what) => write!(f, "the answer cannot be read: {what}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(seconds) = self.retry_after.map(|wait| wait.as_secs()) {
            write!(f, "; it wants to be left alone for {seconds} s")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "; its request id is {id}")?;
        }
        Ok(())
    }
}

impl CertificateProblem {
    fn remedy(self) -> &'static str {
        match self {
            Self::Expired => "tell the host's operator",
            Self::NotValidYet => "check the clock of this machine, or tell the host's operator",
            Self::OtherName => "check the URL's host name",
            Self::UnknownAuthority => "for a test host, name its CA certificate",
            Self::Unproven => "check the URL's host name; for a test host, name its CA certificate",
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its certificate has expired",
            Self::NotValidYet => "its certificate is not valid yet",
            Self::OtherName => "its certificate is for another name",
            Self::UnknownAuthority => "its certificate is of an authority that is not known here",
            Self::Unproven => "the handshake went wrong",
        })
    }
}

impl fmt::Display for LinkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Circle => "leads back to a page that was read before",
            Self::Credentials => "has credentials in it, which do not belong into a URL",
            Self::Empty => "is one of a thousand in a row that brought nothing",
            Self::OtherOrigin => "leads to another origin, which must not get the token",
            Self::Unreadable => "is no URL",
        })
    }
}
