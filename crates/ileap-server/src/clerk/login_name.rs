//! What a client calls itself, as Clerk tells the kinds apart.

use super::wire;

/// An identifier, by its shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LoginName<'a> {
    /// With an `@`.
    Email(&'a str),
    /// E.164: `+` and digits.
    Phone(&'a str),
    /// Anything else.
    Username(&'a str),
}

impl<'a> LoginName<'a> {
    pub(crate) fn of(identifier: &'a str) -> Self {
        let is_phone =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if identifier.contains('@') {
            Self::Email(identifier)
        } else if identifier.strip_prefix('+').is_some_and(is_phone) {
            Self::Phone(identifier)
        } else {
            Self::Username(identifier)
        }
    }

    /// Its text.
    pub(crate) fn text(&self) -> &'a str {
        match self {
            Self::Email(text) | Self::Phone(text) | Self::Username(text) => text,
        }
    }

    /// The parameter that finds users by exactly this kind of name.
    pub(crate) fn parameter(&self) -> &'static str {
        match self {
            Self::Email(_) => "email_address",
            Self::Phone(_) => "phone_number",
            Self::Username(_) => "username",
        }
    }

    /// Whether it is a user's id, which is no name to log in with.
    pub(crate) fn is_id(&self) -> bool {
        self.text().starts_with("user_")
    }

    /// Whether it is the user's own: an address must have been proved to be, a user name is by being there.
    pub(crate) fn belongs_to(&self, user: &wire::DirectoryUser) -> bool {
        match self {
            Self::Email(_) => user.email_addresses.iter().any(|email| {
                self.is_same(email.email_address.as_deref()) && is_proved(&email.verification)
            }),
            Self::Phone(_) => user.phone_numbers.iter().any(|phone| {
                self.is_same(phone.phone_number.as_deref()) && is_proved(&phone.verification)
            }),
            Self::Username(_) => self.is_same(user.username.as_deref()),
        }
    }

    /// Clerk compares without regard to case.
    fn is_same(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| text.to_lowercase() == self.text().to_lowercase())
    }
}

fn is_proved(verification: &wire::Verification) -> bool {
    verification.status.as_deref() == Some("verified")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shape_says_what_is_asked_for() {
        for (identifier, parameter) in [
            ("ops@acme.example", "email_address"),
            ("+49@x", "email_address"),
            ("+4930123456", "phone_number"),
            ("+", "username"),
            ("+49 30", "username"),
            ("4930123456", "username"),
            ("acme-ops", "username"),
            ("user_2abc", "username"),
        ] {
            assert_eq!(
                LoginName::of(identifier).parameter(),
                parameter,
                "{identifier}"
            );
        }
    }

    fn belongs(identifier: &str, user: serde_json::Value) -> bool {
        LoginName::of(identifier).belongs_to(&serde_json::from_value(user).unwrap())
    }

    #[test]
    fn an_address_belongs_to_its_user_once_it_is_verified() {
        let with = |address: &str, verification: serde_json::Value| {
            json!({"email_addresses": [
                {"email_address": "other@acme.example", "verification": {"status": "verified"}},
                {"email_address": address, "verification": verification},
            ]})
        };
        let verified = || json!({"status": "verified"});
        assert!(belongs(
            "ops@acme.example",
            with("Ops@Acme.example", verified())
        ));
        assert!(belongs(
            "OPS@acme.example",
            with("ops@acme.example", verified())
        ));
        for other in [
            json!(null),
            json!({}),
            json!({"status": "unverified"}),
            json!({"status": 1}),
            json!("verified"),
        ] {
            assert!(
                !belongs("ops@acme.example", with("ops@acme.example", other.clone())),
                "{other}"
            );
        }
        assert!(!belongs(
            "nobody@acme.example",
            with("ops@acme.example", verified())
        ));
    }

    #[test]
    fn a_number_belongs_to_its_user_once_it_is_verified_and_a_user_name_by_being_there() {
        let phone = |status| json!({"phone_numbers": [{"phone_number": "+4930123456", "verification": {"status": status}}]});
        assert!(belongs("+4930123456", phone("verified")));
        assert!(!belongs("+4930123456", phone("unverified")));
        assert!(!belongs("+493012345", phone("verified")));
        assert!(belongs("acme-ops", json!({"username": "Acme-Ops"})));
        assert!(!belongs("acme-ops", json!({"username": null})));
        assert!(!belongs("acme-ops", json!({"username": "acme-ops-2"})));
    }
}
