//! The command line's shape: clap definitions and nothing else.

mod access;
mod client;
mod conformance;
mod data;
mod keys;
mod partners;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ileap_server::identity::ClientId;

pub(crate) use self::{
    access::{
        AccessArguments, AccessCommand, AllowArguments, DisallowArguments, ListAccessArguments,
        NamedObjects,
    },
    client::{
        EventsCommand, FootprintsArguments, HostArguments, ListArguments, ListenArguments,
        LoginArguments, LogoutArguments, Patience, RequestArguments, SendArguments, TadsArguments,
        WhoamiArguments,
    },
    conformance::ConformanceArguments,
    data::{FileFormat, ImportArguments, RemoveArguments, ValidateArguments},
    keys::{KeysArguments, KeysCommand, RevokeKeyArguments},
    partners::{
        AddPartnerArguments, BasicEncoding, ListPartnersArguments, NamedPartnerArguments,
        PartnersCommand, ReceivedArguments, RetryArguments,
    },
};

/// An iLEAP/PACT server for companies whose users live in Clerk.
///
/// Begin with `ileap demo`: it needs no account, no configuration and no network.
#[derive(Debug, Parser)]
#[command(name = "ileap", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say which partners may see what their roles open.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Run the Clerk emulator alone, on loopback, for tests of your own.
    ClerkEmulator(EmulatorArguments),
    /// Print a shell completion script.
    Completions(CompletionsArguments),
    /// Judge any iLEAP or PACT host, case by case, with evidence.
    Conformance(ConformanceArguments),
    /// Check, print or describe the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run everything on loopback: server, sample data, and an emulated Clerk with four accounts.
    Demo(DemoArguments),
    /// Find out why partners cannot log in: asks Clerk, the store and this machine, and says what to do.
    Doctor(DoctorArguments),
    /// Send events to any host, or receive them here for a test.
    #[command(subcommand)]
    Events(EventsCommand),
    /// List the footprints of any iLEAP or PACT host, or show one with its transport chain.
    Footprints(FootprintsArguments),
    /// Hash a partner's secret for the file of static users; it is asked for, or read on stdin.
    HashSecret(HashSecretArguments),
    /// Put footprints and transport activity data into the store, each file whole or not at all.
    Import(ImportArguments),
    /// List, rotate and revoke the keys that sign access tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Log in at any iLEAP or PACT host and keep the token.
    ///
    /// The secret comes from `ILEAP_CLIENT_SECRET`, else from the terminal.
    Login(LoginArguments),
    /// Forget a saved login.
    Logout(LogoutArguments),
    /// Register partners' own hosts, where their requests by event are answered.
    #[command(subcommand)]
    Partners(PartnersCommand),
    /// Withdraw: a footprint leaves a deprecated version, transport activity data goes.
    Remove(RemoveArguments),
    /// Run the server.
    Serve(ServeArguments),
    /// List the transport activity data of any iLEAP host.
    Tads(TadsArguments),
    /// Decode and judge an access token, revoke one, or mint one for a test.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Judge files as an import would, without a store.
    Validate(ValidateArguments),
    /// List the saved logins.
    Whoami(WhoamiArguments),
}

/// `ileap clerk-emulator`
#[derive(Args, Debug)]
pub(crate) struct EmulatorArguments {
    /// The port for both APIs; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// A TOML file of `[[user]]` tables: email or username, password, organization, role, scenario.
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// Where webhooks go, on loopback, such as <http://127.0.0.1:8080/webhooks/clerk>.
    #[arg(long, value_name = "URL")]
    pub(crate) webhook_url: Option<String>,
    /// Print one line of JSON once ready.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap completions`
#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    /// The shell to complete for.
    pub(crate) shell: clap_complete::Shell,
}

/// `ileap config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report everything that is wrong with the configuration, at once.
    Check(ConfigArguments),
    /// Print the default configuration file, with a comment on every key.
    Print,
    /// Print the JSON Schema of the configuration file.
    Schema,
}

/// Where the configuration is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConfigArguments {
    /// The configuration file; `ILEAP_CONFIG` names it otherwise.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// `ileap demo`
#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// The server's port; 0 picks a free one.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// How credentials are checked with the emulated Clerk.
    #[arg(long, value_enum, default_value_t = DemoVerifier::ClerkBackend)]
    pub(crate) verifier: DemoVerifier,
    /// Let the emulated Clerk limit and lock out as the real one does.
    #[arg(long)]
    pub(crate) real_limits: bool,
    /// Print one line of JSON once ready, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The verifiers a demo can run with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum DemoVerifier {
    /// Lookup and password check at Clerk's Backend API.
    ClerkBackend,
    /// Password sign-in at Clerk's Frontend API.
    ClerkFrontend,
}

impl DemoVerifier {
    /// The value of `verifier.kind`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClerkBackend => "clerk_backend",
            Self::ClerkFrontend => "clerk_frontend",
        }
    }
}

/// `ileap doctor`
///
/// No login is attempted, and nothing is counted as one.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 partners can log in (warnings allowed); 64 the configuration, or a setting of the \
                        Clerk instance, is wrong; 69 Clerk cannot be reached, throttles, or is in maintenance; 1 \
                        anything else is wrong, or the client of --client cannot log in."
)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Look at this partner, too: its client id, as it logs in.
    #[arg(long, value_name = "ID", value_parser = client_id)]
    pub(crate) client: Option<ClientId>,
    /// Clear the failures counted for that partner and what servers remember of it, and do nothing else.
    #[arg(long, requires = "client")]
    pub(crate) forget: bool,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn client_id(text: &str) -> Result<ClientId, &'static str> {
    ClientId::new(text).ok_or("a client id has 1 to 256 bytes and no control characters")
}

/// `ileap hash-secret`
#[derive(Args, Debug)]
pub(crate) struct HashSecretArguments {
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap serve`
#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
}

/// `ileap token`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Decode a token and, where the keys are at hand, judge it.
    Inspect(InspectArguments),
    /// Mint a token with this server's keys, for tests; also one that has already expired.
    Mint(MintArguments),
    /// Revoke a token, or all of an account's; running servers follow within two seconds.
    Revoke(RevokeArguments),
}

/// `ileap token inspect`
#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// A file with the token; stdin when it is missing or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap token mint`
#[derive(Args, Debug)]
pub(crate) struct MintArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Mint a token whose life is already over, as suites ask for.
    #[arg(long)]
    pub(crate) expired: bool,
    /// The client the token is for.
    #[arg(long, default_value = "tester")]
    pub(crate) client_id: String,
    /// The organization the token acts for.
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<String>,
    /// What the token's bearer may see: user, organizer, operator or all; repeatable.
    #[arg(long = "role", value_name = "ROLE", default_value = "all")]
    pub(crate) roles: Vec<String>,
    /// The scopes, separated by spaces; both when missing.
    #[arg(long)]
    pub(crate) scope: Option<String>,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap token revoke`
#[derive(Args, Debug)]
pub(crate) struct RevokeArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// A file with the token; stdin when it is missing or `-`.
    #[arg(value_name = "FILE", conflicts_with_all = ["client", "subject"])]
    pub(crate) file: Option<PathBuf>,
    /// Revoke every token of this partner's account; Clerk is asked which one that is.
    #[arg(long, value_name = "ID", value_parser = client_id, conflicts_with = "subject")]
    pub(crate) client: Option<ClientId>,
    /// Revoke every token of this account: the `sub` of its tokens.
    #[arg(long, value_name = "SUB")]
    pub(crate) subject: Option<String>,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
