//! Showing what a token says, for the operator who has one in hand.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    InvalidReason, TokenError, TokenValidator, UnverifiedToken, jws::CompactJws,
    strict_json::parse_object,
};

/// A token taken apart, with the judgement on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The header, where it can be read.
    pub header: Option<Map<String, Value>>,
    /// The claims, where they can be read. Nobody vouches for them unless the judgement does.
    pub claims: Option<Map<String, Value>>,
    /// What the validator said.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// What a validator said about a token; as JSON `"judgement"` and, for an invalid one, `"reason"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "judgement", content = "reason")]
pub enum Judgement {
    /// Good in every respect until its time ran out.
    Expired,
    /// Not one of ours, or not for us, or not yet.
    Invalid(InvalidReason),
    /// Nobody was asked.
    Unjudged,
    /// Good.
    Valid,
}

/// Takes `token` apart, and has it judged where there is a `validator`.
pub fn inspect(token: UnverifiedToken<'_>, validator: Option<&TokenValidator>) -> Inspection {
    let judgement = match validator.map(|validator| validator.validate(token)) {
        None => Judgement::Unjudged,
        Some(Ok(_)) => Judgement::Valid,
        Some(Err(TokenError::Expired)) => Judgement::Expired,
        Some(Err(TokenError::Invalid(reason))) => Judgement::Invalid(reason),
    };
    let (header, claims) = match CompactJws::parse(token) {
        Ok(jws) => (Some(jws.header), parse_object(&jws.payload)),
        Err(_) => (None, None),
    };
    Inspection {
        header,
        claims,
        judgement,
    }
}

impl Serialize for InvalidReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
