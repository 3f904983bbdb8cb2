//! What a run is asked to do.

use std::{fmt, net::SocketAddr, time::Duration};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::case::{Case, Profile};

/// Which host, who we are there, and what is asked of it.
#[derive(Clone)]
pub struct Options {
    /// The host's base URL: `/2/footprints` comes right behind it.
    pub base: Url,
    /// An account that sees data of all types.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Both are form-encoded before they go into a Basic header (RFC 6749 §2.3.1), as some hosts insist.
    pub is_form_encoded: bool,
    /// Where discovery and tokens are, when that is not the base URL.
    pub auth_base: Option<Url>,
    /// The profiles named by the user; the default ones when empty.
    pub profiles: Vec<Profile>,
    /// Only cases whose addresses begin with one of these; all when empty.
    pub cases: Vec<String>,
    /// A token of the host whose life is over.
    pub expired_token: Option<SecretString>,
    /// CA certificates to believe besides this machine's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Where the host reaches our listener, when that is not on loopback.
    pub callback_url: Option<Url>,
    /// Where our listener binds.
    pub callback_bind: SocketAddr,
    /// Other hosts (`host` or `host:port`) that may be sent the credentials.
    pub auth_hosts: Vec<String>,
    /// So many records of a list are looked at, to the end of a page; what lies behind them is not judged.
    pub most_records: usize,
    /// Cases that may lock an account or fill a disk run too.
    pub is_intrusive: bool,
    /// When the run began, for events and reports.
    pub started_at: Timestamp,
    /// How long things may take.
    pub timing: Timing,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// One request with its whole answer.
    pub call: Duration,
    /// A callback after its event was taken.
    pub callback: Duration,
    /// The longest `Retry-After` that is waited out, and how long a list may be unfinished (202).
    pub throttle: Duration,
    /// All cases together; what is left over then is inconclusive.
    pub run: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            callback: Duration::from_secs(30),
            throttle: Duration::from_secs(30),
            run: Duration::from_secs(30 * 60),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Options");
        out.field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Options {
    /// The usual ones for a host.
    pub fn new(base: Url, client_id: String, client_secret: SecretString, now: Timestamp) -> Self {
        Self {
            base,
            client_id,
            client_secret,
            is_form_encoded: false,
            auth_base: None,
            profiles: Vec::new(),
            cases: Vec::new(),
            expired_token: None,
            authorities: Vec::new(),
            callback_url: None,
            callback_bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            auth_hosts: Vec::new(),
            most_records: 20_000,
            is_intrusive: false,
            started_at: now,
            timing: Timing::default(),
        }
    }

    /// Id and secret as a Basic header takes them.
    pub(crate) fn pair(&self) -> (String, SecretString) {
        if !self.is_form_encoded {
            return (self.client_id.clone(), self.client_secret.clone());
        }
        let secret = form_encoded(self.client_secret.expose_secret());
        (form_encoded(&self.client_id), SecretString::from(secret))
    }

    /// The profiles that are looked at.
    pub fn effective_profiles(&self) -> Vec<Profile> {
        effective_profiles(&self.profiles, &self.cases)
    }

    /// The cases that will run.
    pub fn selected(&self) -> Vec<&'static Case> {
        select(&self.profiles, &self.cases)
    }
}

/// As a value in a form.
pub(crate) fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn effective_profiles(named: &[Profile], cases: &[String]) -> Vec<Profile> {
    let mut profiles = if !named.is_empty() {
        named.to_vec()
    } else if cases.is_empty() {
        Profile::DEFAULT.to_vec()
    } else {
        // Who names cases means them, whatever profile they are in; of PACT the newest version.
        vec![
            Profile::Ileap,
            Profile::Pact23,
            Profile::Act,
            Profile::Hardening,
        ]
    };
    profiles.sort_unstable();
    profiles.dedup();
    profiles
}

/// The cases of the profiles whose addresses begin with one of `prefixes`.
pub fn select(named: &[Profile], prefixes: &[String]) -> Vec<&'static Case> {
    let profiles = effective_profiles(named, prefixes);
    let mut cases = crate::case::all();
    cases.retain(|case| {
        let is_in_profile = case
            .profiles
            .iter()
            .any(|profile| profiles.contains(profile));
        let is_named = prefixes.is_empty()
            || prefixes
                .iter()
                .any(|prefix| case.address.starts_with(prefix.as_str()));
        is_in_profile && is_named
    });
    cases
}
