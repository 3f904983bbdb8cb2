//! The arguments of `ileap access`.

use clap::{ArgGroup, Args, Subcommand};
use ileap_types::pact::v2::PfId;
use jiff::Timestamp;

use super::ConfigArguments;

/// `ileap access`
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Let a partner see objects of the kinds its roles open: every one, or those named by the flags.
    Allow(AllowArguments),
    /// Take such rules away again; a running server follows at once.
    Disallow(DisallowArguments),
    /// Say what a partner is allowed, and how many objects that opens.
    Show(AccessArguments),
    /// Say who has access rules.
    List(ListAccessArguments),
}

/// The flags that say what a rule is about. One is required, so that a script whose list of them is empty opens
/// nothing.
const NAMED: [&str; 9] = [
    "everything",
    "footprint",
    "shipment",
    "toc",
    "hoc",
    "consignment",
    "tad",
    "from",
    "until",
];

/// `ileap access allow`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("named").args(NAMED).required(true).multiple(true)))]
pub(crate) struct AllowArguments {
    #[command(flatten)]
    pub(crate) whose: AccessArguments,
    #[command(flatten)]
    pub(crate) named: NamedObjects,
}

/// `ileap access disallow`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("named").args(NAMED).arg("all").required(true).multiple(true)))]
pub(crate) struct DisallowArguments {
    #[command(flatten)]
    pub(crate) whose: AccessArguments,
    /// Every rule there is: the partner sees nothing any longer, unless its role is all.
    #[arg(long, conflicts_with_all = NAMED)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) named: NamedObjects,
}

/// Which objects a rule is about; each flag may repeat.
#[derive(Args, Debug)]
pub(crate) struct NamedObjects {
    /// Every object.
    #[arg(long)]
    pub(crate) everything: bool,
    /// One footprint, by its `id`.
    #[arg(long, value_name = "ID")]
    pub(crate) footprint: Vec<PfId>,
    /// One shipment, by its `shipmentId`, with the TOCs and HOCs it refers to.
    #[arg(long, value_name = "ID")]
    pub(crate) shipment: Vec<String>,
    /// One TOC, by its `tocId`; for the roles organizer and operator.
    #[arg(long, value_name = "ID")]
    pub(crate) toc: Vec<String>,
    /// One HOC, by its `hocId`; for the roles organizer and operator.
    #[arg(long, value_name = "ID")]
    pub(crate) hoc: Vec<String>,
    /// The shipments and activity data of one consignment, by its `consignmentId`.
    #[arg(long, value_name = "ID")]
    pub(crate) consignment: Vec<String>,
    /// One activity, by its `activityId`.
    #[arg(long, value_name = "ID")]
    pub(crate) tad: Vec<String>,
    /// What happened on or after this day or moment (`2026-01-01`, in UTC, or `2026-01-01T12:00:00+01:00`).
    #[arg(long, value_name = "TIME", value_parser = access_time)]
    pub(crate) from: Option<Timestamp>,
    /// What happened before this day or moment.
    #[arg(long, value_name = "TIME", value_parser = access_time)]
    pub(crate) until: Option<Timestamp>,
}

/// Reads a moment of RFC 3339, or the beginning of a day in UTC.
fn access_time(text: &str) -> Result<Timestamp, String> {
    let moment = text.parse::<Timestamp>().ok();
    let day = || {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    let expected = "write a day such as 2026-01-01, or a moment such as 2026-01-01T12:00:00Z";
    moment.or_else(day).ok_or_else(|| expected.to_owned())
}

/// `ileap access list`
#[derive(Args, Debug)]
pub(crate) struct ListAccessArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose access it is.
#[derive(Args, Debug)]
pub(crate) struct AccessArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The partner's organization id (`org_...`), or the subject (`clerk|user_...`, `static|CLIENT_ID`) of one without.
    pub(crate) recipient: String,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
