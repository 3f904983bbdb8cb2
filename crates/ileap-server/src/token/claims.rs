//! What a token says (RFC 7519 §4.1, RFC 9068 §2.2).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::InvalidReason;
use crate::identity::{ClientId, Organization, Principal, Role, Scopes};

/// The claims of a token that is being issued. Times are whole seconds since 1970.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    pub(super) iss: &'a str,
    pub(super) sub: &'a str,
    pub(super) aud: &'a str,
    pub(super) client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) org_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) org_slug: Option<&'a str>,
    pub(super) roles: Vec<&'static str>,
    pub(super) scope: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) jti: &'a str,
}

/// The claims of a token that was received, typed but not yet judged.
pub(super) struct ReceivedClaims<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: Vec<&'a str>,
    pub(super) principal: Principal,
    /// `jti`.
    pub(super) id: &'a str,
    /// In seconds since 1970.
    pub(super) issued_at: i64,
    /// The later of `iat` and `nbf`, in seconds since 1970.
    pub(super) not_before: i64,
    /// In seconds since 1970.
    pub(super) expires_at: i64,
}

impl<'a> ReceivedClaims<'a> {
    /// Refuses a claim that is missing, of the wrong type or out of range. A date in a wrong form is
    /// never taken for an absent one.
    pub(super) fn read(members: &'a Map<String, Value>) -> Result<Self, InvalidReason> {
        let issued_at = required(members, "iat", numeric_date)?;
        let not_before = optional(members, "nbf", numeric_date)?;
        Ok(Self {
            id: required(members, "jti", text)?,
            issued_at,
            issuer: required(members, "iss", text)?,
            audience: required(members, "aud", audience)?,
            principal: principal(members)?,
            not_before: not_before.map_or(issued_at, |date| date.max(issued_at)),
            expires_at: required(members, "exp", numeric_date)?,
        })
    }
}

fn principal(members: &Map<String, Value>) -> Result<Principal, InvalidReason> {
    let client_id = required(members, "client_id", text)?;
    Ok(Principal {
        subject: required(members, "sub", text)?.to_owned(),
        client_id: ClientId::new(client_id).ok_or(InvalidReason::Claims)?,
        organization: organization(members)?,
        roles: required(members, "roles", roles)?,
        scopes: Scopes::parse(required(members, "scope", Value::as_str)?),
    })
}

fn organization(members: &Map<String, Value>) -> Result<Option<Organization>, InvalidReason> {
    let id = optional(members, "org_id", text)?.map(str::to_owned);
    let slug = optional(members, "org_slug", text)?.map(str::to_owned);
    match (id, slug) {
        (Some(id), slug) => Ok(Some(Organization { id, slug })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(InvalidReason::Claims),
    }
}

fn required<'a, T>(
    members: &'a Map<String, Value>,
    name: &str,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<T, InvalidReason> {
    optional(members, name, read)?.ok_or(InvalidReason::Claims)
}

fn optional<'a, T>(
    members: &'a Map<String, Value>,
    name: &str,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<T>, InvalidReason> {
    let read = |value| read(value).ok_or(InvalidReason::Claims);
    members.get(name).map(read).transpose()
}

fn roles(value: &Value) -> Option<BTreeSet<Role>> {
    let names = value.as_array()?;
    names
        .iter()
        .map(|name| name.as_str()?.parse().ok())
        .collect()
}

/// RFC 7519 §4.1.3: one recipient or several.
fn audience(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(recipients) => recipients.iter().map(text).collect(),
        recipient => Some(vec![text(recipient)?]),
    }
}

/// A non-empty string.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// A whole, non-negative number of seconds that is a moment on our calendar. RFC 7519 §2 allows
/// fractions; we never write any.
fn numeric_date(value: &Value) -> Option<i64> {
    let seconds = i64::try_from(value.as_u64()?).ok()?;
    Timestamp::from_second(seconds)
        .ok()
        .map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members() -> Map<String, Value> {
        let claims = json!({
            "iss": "https://ileap.example.com", "sub": "clerk|user_1", "aud": "https://ileap.example.com",
            "client_id": "ops@acme.example", "org_id": "org_1", "org_slug": "acme", "roles": ["user"],
            "scope": "footprint:read", "iat": 100, "nbf": 100, "exp": 200, "jti": "1",
        });
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn whole_claims_are_read() {
        let members = members();
        let claims = ReceivedClaims::read(&members).unwrap();
        assert_eq!(claims.audience, ["https://ileap.example.com"]);
        assert_eq!((claims.not_before, claims.expires_at), (100, 200));
        assert_eq!(claims.principal.recipient(), "org_1");
        assert_eq!(claims.principal.scopes.to_string(), "footprint:read");
    }

    #[test]
    fn every_required_claim_is_required() {
        for name in [
            "iss",
            "sub",
            "aud",
            "client_id",
            "roles",
            "scope",
            "iat",
            "exp",
            "jti",
        ] {
            let mut members = members();
            members.remove(name);
            assert!(ReceivedClaims::read(&members).is_err(), "{name}");
        }
        for name in ["nbf", "org_slug"] {
            let mut members = members();
            members.remove(name);
            assert!(ReceivedClaims::read(&members).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_claim_of_the_wrong_type_is_not_an_absent_claim() {
        let wrong = [
            Value::Null,
            json!(true),
            json!(1.5),
            json!(-1),
            json!([1]),
            json!({}),
            json!(""),
        ];
        for name in members().keys() {
            for value in &wrong {
                if name == "scope" && value == "" {
                    continue;
                }
                let mut members = members();
                members.insert(name.clone(), value.clone());
                assert!(ReceivedClaims::read(&members).is_err(), "{name} = {value}");
            }
        }
    }

    #[test]
    fn a_date_is_a_whole_number_of_seconds_on_the_calendar() {
        for wrong in [
            "\"100\"",
            "100.0",
            "1e2",
            "1e308",
            "-100",
            "-0",
            "true",
            "18446744073709551615",
            "9223372036854775807",
            "99999999999999",
        ] {
            let value: Value = serde_json::from_str(wrong).unwrap();
            assert_eq!(numeric_date(&value), None, "{wrong}");
        }
        assert_eq!(numeric_date(&json!(0)), Some(0));
        assert_eq!(numeric_date(&json!(4_102_444_800_u64)), Some(4_102_444_800));
    }

    #[test]
    fn a_token_counts_from_the_later_of_iat_and_nbf() {
        for (issued, not_before) in [(100, 150), (150, 100)] {
            let mut members = members();
            members.insert("iat".to_owned(), json!(issued));
            members.insert("nbf".to_owned(), json!(not_before));
            assert_eq!(ReceivedClaims::read(&members).unwrap().not_before, 150);
        }
    }

    #[test]
    fn an_unknown_role_or_a_slug_without_an_organization_is_refused() {
        let mut unknown_role = members();
        unknown_role.insert("roles".to_owned(), json!(["user", "admin"]));
        assert!(ReceivedClaims::read(&unknown_role).is_err());
        let mut slug_only = members();
        slug_only.remove("org_id");
        assert!(ReceivedClaims::read(&slug_only).is_err());
    }
}
