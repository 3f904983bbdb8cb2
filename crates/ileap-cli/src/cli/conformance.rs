//! The arguments of `ileap conformance`.

use std::{net::SocketAddr, num::NonZeroU16, path::PathBuf};

use clap::Args;
use ileap_conformance::Profile;

use super::BasicEncoding;

/// `ileap conformance`
///
/// Who we are comes from `ILEAP_CLIENT_ID` and `ILEAP_CLIENT_SECRET`, else from a saved login, else from the terminal.
/// It has to be an account that sees data of all kinds.
#[expect(clippy::struct_excessive_bools, reason = "flags are what they are")]
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 the host conforms; 1 a required case, or any case of a profile named by --profile, \
                        failed or could not be found out, or the run was interrupted; 69 the host cannot be reached."
)]
pub(crate) struct ConformanceArguments {
    /// The host's base URL: `/2/footprints` comes right behind it.
    #[arg(required_unless_present = "list")]
    pub(crate) url: Option<String>,
    /// What to look at: ileap, pact-2.0 to pact-2.3, act, hardening; repeatable. Otherwise ileap and pact-2.3.
    #[arg(long = "profile", value_name = "NAME", value_parser = profile)]
    pub(crate) profiles: Vec<Profile>,
    /// Only cases whose address begins so, such as pact/tc1; repeatable.
    #[arg(long = "case", value_name = "ADDRESS")]
    pub(crate) cases: Vec<String>,
    /// A file with a token of the host that has expired (`ileap token mint --expired`).
    #[arg(long, value_name = "FILE")]
    pub(crate) expired_token: Option<PathBuf>,
    /// How the host reads id and secret in the Basic header; otherwise as at the saved login, else raw.
    #[arg(long, value_enum, value_name = "ENCODING")]
    pub(crate) basic: Option<BasicEncoding>,
    /// A file of CA certificates (PEM) to believe besides this machine's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A URL under which the host reaches this machine for its callbacks.
    #[arg(long, value_name = "URL")]
    pub(crate) callback_url: Option<url::Url>,
    /// Where to listen for callbacks; with --callback-url the port has to be named.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) callback_bind: SocketAddr,
    /// Another host that may be sent the credentials, where discovery names it; repeatable.
    #[arg(long = "allow-auth-host", value_name = "HOST")]
    pub(crate) auth_hosts: Vec<String>,
    /// Also cases that may lock the account or fill the host's disk.
    #[arg(long)]
    pub(crate) intrusive: bool,
    /// How many seconds the host has for one answer.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = super::client::seconds)]
    pub(crate) timeout: NonZeroU16,
    /// Call a host beyond this machine without TLS: everybody on the way can read secret and data.
    #[arg(long)]
    pub(crate) danger_plain_http: bool,
    /// Print the report as one line of JSON; cases are then told on stderr.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a report in the XML of `JUnit`.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a report as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// List the cases with their requirements and sources; no host is needed.
    #[arg(long)]
    pub(crate) list: bool,
}

fn profile(text: &str) -> Result<Profile, String> {
    text.parse()
}
