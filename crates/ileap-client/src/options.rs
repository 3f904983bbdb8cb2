//! What a client may be told besides the host and the credentials.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

use crate::{auth::BasicEncoding, error::Error};

/// How a client behaves. The defaults suit an unattended job.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where discovery document and token endpoint are, if not below the base URL.
    pub auth_base_url: Option<String>,
    /// How id and secret are put into the Basic header.
    pub basic_encoding: BasicEncoding,
    /// Certificates of authorities to be believed besides the platform's, as for a test host's own.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// The longest a single call may take, body included.
    pub call_timeout: Duration,
    /// How often a call that failed for now is made in all.
    pub attempts: usize,
    /// Told of each failure after which the call is made again, and of the pause until then.
    pub on_retry: Option<fn(&Error, Duration)>,
    /// The longest pause before the next attempt. A host that asks for a longer one is not asked again.
    pub longest_pause: Duration,
    /// The largest answer that is read, in bytes.
    pub answer_limit_bytes: usize,
    /// Whether a token endpoint on another origin than the host's, named by its discovery document, gets the
    /// credentials. PACT allows it; over plain HTTP only loopback ever does.
    pub follow_token_endpoint: bool,
    /// Whether a host beyond this machine may be called without TLS, for anybody on the way to read secret and token.
    pub danger_plain_http: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            auth_base_url: None,
            basic_encoding: BasicEncoding::default(),
            authorities: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(60),
            attempts: 5,
            on_retry: None,
            longest_pause: Duration::from_secs(60),
            answer_limit_bytes: 64 * 1024 * 1024,
            follow_token_endpoint: true,
            danger_plain_http: false,
        }
    }
}
