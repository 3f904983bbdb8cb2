//! The arguments of `ileap partners`.

use clap::{Args, Subcommand, ValueEnum};
use ileap_server::identity::{ClientId, Role};

use super::ConfigArguments;

/// `ileap partners`
#[derive(Debug, Subcommand)]
pub(crate) enum PartnersCommand {
    /// Register a partner's own host, so that its requests by event are answered there.
    ///
    /// The secret comes from `ILEAP_PARTNER_SECRET`, else from the terminal, else from stdin.
    Add(AddPartnerArguments),
    /// List the registered hosts; secrets are not shown.
    List(ListPartnersArguments),
    /// List the footprints that a partner has shared, print them, or forget old ones.
    Received(ReceivedArguments),
    /// Forget a host, and all that was to be sent there.
    Remove(NamedPartnerArguments),
    /// Try again what was given up for a partner.
    Retry(RetryArguments),
    /// List what is still to be done for partners, and what was given up.
    Tasks(ListPartnersArguments),
    /// Log in at a partner's host as the server would.
    Test(NamedPartnerArguments),
}

/// `ileap partners add`
#[derive(Args, Debug)]
pub(crate) struct AddPartnerArguments {
    #[command(flatten)]
    pub(crate) named: NamedPartnerArguments,
    /// The client id that the partner has given us.
    #[arg(long, value_name = "ID", value_parser = client_id)]
    pub(crate) client_id: ClientId,
    /// The base URL of the partner's token endpoint, if it is another.
    #[arg(long, value_name = "URL")]
    pub(crate) auth_url: Option<String>,
    /// How the host reads id and secret in the Basic header.
    #[arg(long, value_enum, default_value_t = BasicEncoding::Raw)]
    pub(crate) basic: BasicEncoding,
    /// Tell the partner of new and changed footprints that this role and its access rules open.
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) publish_as: Option<Role>,
}

/// A host.
#[derive(Args, Debug)]
pub(crate) struct NamedPartnerArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The partner's organization id (`org_...`), or the subject (`clerk|user_...`, `static|CLIENT_ID`) of one without.
    pub(crate) recipient: String,
    /// The base URL of its host: `/2/events` comes right behind it.
    pub(crate) url: String,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap partners list` and `tasks`
#[derive(Args, Debug)]
pub(crate) struct ListPartnersArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap partners received`
#[derive(Args, Debug)]
pub(crate) struct ReceivedArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The partner, as it is registered.
    pub(crate) recipient: String,
    /// Print what came itself, as it came: one line of JSON each.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no footprints, but the partner's answers to requests, refusals among them.
    #[arg(long, conflicts_with = "forget_until")]
    pub(crate) answers: bool,
    /// Print none, but forget those that came until then, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "json")]
    pub(crate) forget_until: Option<jiff::Timestamp>,
}

/// `ileap partners retry`
#[derive(Args, Debug)]
pub(crate) struct RetryArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The partner, as it is registered.
    pub(crate) recipient: String,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How credentials are put into the Basic header.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum BasicEncoding {
    /// As they are: most PACT hosts.
    Raw,
    /// Form-encoded first, as RFC 6749 §2.3.1 says.
    Rfc6749,
}

fn client_id(text: &str) -> Result<ClientId, String> {
    ClientId::new(text)
        .ok_or_else(|| "write 1 to 255 characters that can be printed, without a colon".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    let role = text.parse::<Role>();
    role.map_err(|_| "write user, organizer, operator or all".to_owned())
}
