//! What a line says.

use std::{io, net::IpAddr};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// What was decided on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Access rules of a recipient were changed.
    AccessRules,
    /// What is counted and remembered of a client was cleared.
    Counts,
    /// A request with an access token.
    DataAccess,
    /// A question what an access token stands for.
    Introspection,
    /// A partner's endpoint or credentials were changed.
    Partner,
    /// Access tokens were revoked.
    Revocation,
    /// The keys that sign access tokens were changed on the command line.
    SigningKeys,
    /// An access token was made on the command line.
    TokenMint,
    /// A request for an access token.
    TokenRequest,
    /// Clerk told of a change.
    Webhook,
}

impl Event {
    /// Every event, as lines call it.
    pub const ALL: [Self; 10] = [
        Self::AccessRules,
        Self::Counts,
        Self::DataAccess,
        Self::Introspection,
        Self::Partner,
        Self::Revocation,
        Self::SigningKeys,
        Self::TokenMint,
        Self::TokenRequest,
        Self::Webhook,
    ];
}

/// One decision. What does not apply is left out of the line.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Decision<'a> {
    /// What was decided on.
    pub event: Event,
    /// How: `accepted`, `refused`, `held_back`, `unavailable`, or `done`.
    pub outcome: &'static str,
    /// Why, the same word as in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The request, also in the log and in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// Where it came from, through trusted proxies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
    /// Which endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a str>,
    /// The status answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The client id presented, or that of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    /// The subject it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The id of the organization acted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<&'a str>,
    /// On the command line: the user id of whoever ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<u32>,
    /// What was changed, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<&'a str>,
}

impl Decision<'_> {
    /// A decision of which nothing else is known yet.
    pub fn new(event: Event, outcome: &'static str) -> Self {
        Self {
            event,
            outcome,
            reason: None,
            request_id: None,
            client_address: None,
            endpoint: None,
            status: None,
            client_id: None,
            subject: None,
            organization: None,
            operator: None,
            change: None,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    /// UTC, RFC 3339.
    time: String,
    #[serde(flatten)]
    decision: &'a Decision<'a>,
}

/// The line, its end included.
pub(super) fn written(time: Timestamp, decision: &Decision<'_>) -> Vec<u8> {
    let time = format!("{time:.6}");
    let mut line = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Ascii);
    // Plain fields into memory: this does not fail.
    let _ = Line { time, decision }.serialize(&mut serializer);
    line.push(b'\n');
    line
}

/// JSON of printable ASCII alone: no text that a caller chose can end a line, drive a terminal, or look like another.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut units = [0; 2];
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                writer.write_all(&[u8::try_from(character).unwrap_or(b'?')])?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        CompactFormatter.write_char_escape(writer, escape)
    }
}
