//! The arguments of the client side: any iLEAP or PACT host.

use std::{
    num::{NonZeroU16, NonZeroU32},
    path::PathBuf,
};

use clap::{Args, Subcommand};

use super::BasicEncoding;

/// Which host, and who we are there.
#[derive(Args, Debug)]
pub(crate) struct HostArguments {
    /// A saved login by its name; otherwise the one that was made last.
    #[arg(long, value_name = "NAME")]
    pub(crate) login: Option<String>,
    /// Another host than the login's, by its base URL; `ILEAP_CLIENT_ID` and `ILEAP_CLIENT_SECRET` say who we are.
    #[arg(long, value_name = "URL")]
    pub(crate) host: Option<String>,
    /// A file of CA certificates (PEM) to believe besides this machine's: for hosts under test.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// How long a host may take.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How many seconds the host has for one answer, before it is asked again.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: NonZeroU16,
}

/// `ileap login`
#[derive(Args, Debug)]
pub(crate) struct LoginArguments {
    /// The host's base URL: `/2/footprints` comes right behind it.
    pub(crate) url: String,
    /// A name for this login, to have several.
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
    /// The client id; otherwise `ILEAP_CLIENT_ID`, otherwise it is asked for.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The base URL of the token endpoint, where it is another.
    #[arg(long, value_name = "URL")]
    pub(crate) auth_url: Option<String>,
    /// How the host reads id and secret in the Basic header.
    #[arg(long, value_enum, default_value_t = BasicEncoding::Raw)]
    pub(crate) basic: BasicEncoding,
    /// A file of CA certificates (PEM) to believe besides this machine's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Keep the secret as well, in the same file: for jobs that run longer than a token lives.
    #[arg(long)]
    pub(crate) save_secret: bool,
    /// Call a host beyond this machine without TLS: everybody on the way can read secret and data.
    #[arg(long)]
    pub(crate) danger_plain_http: bool,
    #[command(flatten)]
    pub(crate) patience: Patience,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap logout`
#[derive(Args, Debug)]
pub(crate) struct LogoutArguments {
    /// The login to forget; otherwise the one that was made last.
    pub(crate) name: Option<String>,
    /// Forget all of them.
    #[arg(long, conflicts_with = "name")]
    pub(crate) all: bool,
}

/// `ileap whoami`
#[derive(Args, Debug)]
pub(crate) struct WhoamiArguments {
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much of a list, and where to.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    /// At most this many.
    #[arg(long, value_name = "N", default_value = "100", conflicts_with = "all", value_parser = limit)]
    pub(crate) limit: NonZeroU32,
    /// All of them, page by page.
    #[arg(long)]
    pub(crate) all: bool,
    /// Print each object as it was sent, on a line of its own (NDJSON).
    #[arg(long)]
    pub(crate) json: bool,
    /// With --all: write NDJSON to this file. Interrupted, the same command goes on where it was.
    #[arg(long, value_name = "FILE", requires = "all")]
    pub(crate) output: Option<PathBuf>,
}

/// `ileap footprints`
#[derive(Args, Debug)]
pub(crate) struct FootprintsArguments {
    /// One footprint by its id; a shipment is shown with its transport chain.
    #[arg(conflicts_with_all = ["filter", "all", "output"])]
    pub(crate) id: Option<String>,
    /// Only footprints that this covers, such as "created ge '2026-01-01T00:00:00Z'".
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) list: ListArguments,
}

/// `ileap tads`
#[derive(Args, Debug)]
pub(crate) struct TadsArguments {
    /// Only this mode of transport, such as Road; may be repeated, or several with commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) mode: Vec<String>,
    /// Only activity data of this consignment; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) consignment: Vec<String>,
    /// Only activity data whose field has this value, such as origin.city=Hamburg; may be repeated.
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) matching: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) list: ListArguments,
}

/// `ileap events`
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Receive events on this machine and print them: for tests of callbacks.
    Listen(ListenArguments),
    /// Ask a host for the footprints of products; it answers by event at the source.
    Request(RequestArguments),
    /// Send an event from a file.
    Send(SendArguments),
}

/// `ileap events listen`
#[derive(Args, Debug)]
pub(crate) struct ListenArguments {
    /// The port on loopback; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// End after this many events.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
}

/// `ileap events request`
#[derive(Args, Debug)]
pub(crate) struct RequestArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    /// A product by its URN; any of several.
    #[arg(long = "product", value_name = "URN", required = true)]
    pub(crate) products: Vec<String>,
    /// The base URL of your own host, where the answer is to be sent.
    #[arg(long, value_name = "URL")]
    pub(crate) source: String,
    /// A note for the people there.
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap events send`
#[derive(Args, Debug)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    /// A file with one event as JSON; `-` is stdin.
    pub(crate) file: PathBuf,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("write NAME=VALUE, such as origin.city=Hamburg")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn limit(text: &str) -> Result<NonZeroU32, String> {
    let wanted = || format!("write a whole number from 1 to {}", u32::MAX);
    text.parse().map_err(|_| wanted())
}

pub(super) fn seconds(text: &str) -> Result<NonZeroU16, String> {
    let wanted = || format!("write a whole number from 1 to {}", u16::MAX);
    text.parse().map_err(|_| wanted())
}
