//! A caller in headers: for the operator's data service, and for services behind a proxy that asks us.

use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Principal, Role, Scope, Scopes};

/// What is encoded besides everything beyond ASCII.
const ENCODED: AsciiSet = CONTROLS.add(b' ').add(b'%');

/// A caller, in headers.
pub(crate) type CallerHeaders = [(HeaderName, HeaderValue); 5];

const SUBJECT: HeaderName = HeaderName::from_static("x-ileap-subject");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-ileap-client-id");
const ORGANIZATION: HeaderName = HeaderName::from_static("x-ileap-organization");
const ROLES: HeaderName = HeaderName::from_static("x-ileap-roles");
const SCOPE: HeaderName = HeaderName::from_static("x-ileap-scope");

/// Who a verified caller is.
///
/// Texts are percent-encoded where they are not visible ASCII: a client id may begin with a space or hold any
/// letter, and no server on the way may read another name. Where there is no organization the value is empty, so
/// that it takes the place of a forged one. `None` would be a defect: it lets nobody pass.
pub(crate) fn of(principal: &Principal) -> Option<CallerHeaders> {
    let organization = principal.organization.as_ref();
    let organization = organization.map_or("", |organization| &organization.id);
    Some([
        (SUBJECT, text(&principal.subject)?),
        (CLIENT_ID, text(principal.client_id.as_str())?),
        (ORGANIZATION, text(organization)?),
        (ROLES, roles(principal)?),
        (SCOPE, scopes(&principal.scopes)?),
    ])
}

fn text(text: &str) -> Option<HeaderValue> {
    let encoded: std::borrow::Cow<'_, str> = utf8_percent_encode(text, &ENCODED).into();
    HeaderValue::from_str(&encoded).ok()
}

/// Separated by spaces. One alone, as nearly everybody has it, takes no memory of its own.
fn roles(principal: &Principal) -> Option<HeaderValue> {
    let mut roles = principal.roles.iter().map(|role| Role::as_str(*role));
    if let (Some(role), None) = (roles.next(), roles.next()) {
        return Some(HeaderValue::from_static(role));
    }
    let roles: Vec<_> = principal.roles.iter().map(|role| role.as_str()).collect();
    HeaderValue::from_str(&roles.join(" ")).ok()
}

/// As in the token; all of them, as nearly everybody has them, take no memory of their own.
fn scopes(scopes: &Scopes) -> Option<HeaderValue> {
    if Scope::ALL.into_iter().all(|scope| scopes.contains(scope)) {
        return Some(HeaderValue::from_static("footprint:list footprint:read"));
    }
    HeaderValue::from_str(&scopes.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{ClientId, Organization};

    fn principal(client_id: &str) -> Principal {
        Principal {
            subject: format!("static|{client_id}"),
            client_id: ClientId::new(client_id).unwrap(),
            organization: None,
            roles: [Role::User].into(),
            scopes: Scopes::all(),
        }
    }

    fn values(principal: &Principal) -> Vec<String> {
        let headers = of(principal).unwrap().into_iter();
        headers
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn a_caller_with_everything_is_told_whole() {
        let mut principal = principal("ops+x@acme.example");
        principal.organization = Some(Organization {
            id: "org_1".to_owned(),
            slug: Some("acme".to_owned()),
        });
        principal.roles = [Role::User, Role::Organizer].into();
        assert_eq!(
            values(&principal),
            [
                "x-ileap-subject: static|ops+x@acme.example",
                "x-ileap-client-id: ops+x@acme.example",
                "x-ileap-organization: org_1",
                "x-ileap-roles: organizer user",
                "x-ileap-scope: footprint:list footprint:read",
            ]
        );
    }

    #[test]
    fn what_there_is_not_is_empty() {
        let mut principal = principal("hello");
        principal.roles.clear();
        principal.scopes = Scopes::parse("");
        let values = values(&principal);
        let empty = [
            "x-ileap-organization: ",
            "x-ileap-roles: ",
            "x-ileap-scope: ",
        ];
        assert_eq!(values[2..], empty);
    }

    #[test]
    fn all_scopes_are_written_as_in_a_token() {
        let principal = principal("hello");
        assert_eq!(
            scopes(&principal.scopes).unwrap(),
            principal.scopes.to_string()
        );
    }

    /// CWE-290: a server that trims spaces, or reads Latin-1, would see another client.
    #[test]
    fn no_two_client_ids_look_alike() {
        for (client_id, written) in [
            (" hello", "%20hello"),
            ("hello ", "hello%20"),
            ("a b", "a%20b"),
            ("100%20", "100%2520"),
            ("grüß@acme.example", "gr%C3%BC%C3%9F@acme.example"),
            ("a,b;c=\"d\"", "a,b;c=\"d\""),
        ] {
            let expected = format!("x-ileap-client-id: {written}");
            assert_eq!(values(&principal(client_id))[1], expected);
        }
    }
}
