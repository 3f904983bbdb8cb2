//! The accounts a test asks for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A password. It does not print.
#[derive(Clone, Eq, PartialEq)]
pub struct Password(String);

impl Password {
    /// What bcrypt can take.
    pub(crate) const MOST_BYTES: usize = 72;
    pub(crate) const FEWEST_CHARS: usize = 8;

    /// Takes over `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// An account. Without an e-mail address it signs in with its username.
#[derive(Clone, Debug, Default)]
pub struct EmulatorUser {
    /// The e-mail address; verified unless the scenario says otherwise.
    pub email: Option<String>,
    /// Further e-mail addresses.
    pub other_emails: Vec<EmulatorEmail>,
    /// The username.
    pub username: Option<String>,
    /// The password; `None` for an account that has none.
    pub password: Option<Password>,
    /// The organizations it belongs to.
    pub memberships: Vec<EmulatorMembership>,
    /// What happens when it signs in.
    pub scenario: Scenario,
    /// Whether Device Trust lets it pass.
    pub bypass_client_trust: bool,
    /// The telephone number (E.164), verified.
    pub phone_number: Option<String>,
    /// The id it has elsewhere.
    pub external_id: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
}

impl EmulatorUser {
    /// An account with an e-mail address.
    pub fn with_email(email: &str, password: &str) -> Self {
        Self {
            email: Some(email.to_owned()),
            password: Some(Password::new(password)),
            ..Self::default()
        }
    }

    /// An account with a username and no e-mail address.
    pub fn with_username(username: &str, password: &str) -> Self {
        Self {
            username: Some(username.to_owned()),
            password: Some(Password::new(password)),
            ..Self::default()
        }
    }

    /// The same account, also a member of the organization with this slug. For `role` see
    /// [`EmulatorMembership::new`].
    #[must_use]
    pub fn member_of(mut self, organization: &str, role: &str) -> Self {
        self.memberships
            .push(EmulatorMembership::new(organization, role));
        self
    }

    /// The same account with a further e-mail address, which is verified.
    #[must_use]
    pub fn also_known_as(mut self, email: &str) -> Self {
        self.other_emails.push(EmulatorEmail {
            address: email.to_owned(),
            verified: true,
        });
        self
    }

    /// The same account with a further e-mail address that it never proved to be its own. It may be that of
    /// another account.
    #[must_use]
    pub fn claiming(mut self, email: &str) -> Self {
        self.other_emails.push(EmulatorEmail {
            address: email.to_owned(),
            verified: false,
        });
        self
    }

    /// The same account in another scenario.
    #[must_use]
    pub fn in_scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// The same account, trusted on every device.
    #[must_use]
    pub fn trusted_everywhere(mut self) -> Self {
        self.bypass_client_trust = true;
        self
    }

    /// What nobody else may have, and under which key.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let verified = self.other_emails.iter().filter(|email| email.verified);
        let others = verified.map(|email| ("email", email.address.as_str()));
        let own = [
            ("email", &self.email),
            ("username", &self.username),
            ("phone_number", &self.phone_number),
        ];
        let own = own.into_iter();
        others.chain(own.filter_map(|(key, name)| Some((key, name.as_deref()?))))
    }

    /// What names it: the e-mail address, else the username, else the telephone number.
    pub(crate) fn identifier(&self) -> &str {
        self.email
            .as_deref()
            .or(self.username.as_deref())
            .or(self.phone_number.as_deref())
            .unwrap_or_default()
    }
}

/// A further e-mail address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmulatorEmail {
    /// The address.
    pub address: String,
    /// Whether it was proved to be the account's.
    pub verified: bool,
}

/// A role in an organization. Organizations are made from their slugs: one slug, one organization.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmulatorMembership {
    /// The organization's slug, or the id of one that exists.
    pub organization: String,
    /// The role's key, such as `org:ileap_all`.
    pub role: String,
    /// Custom permissions, such as `org:shipments:read`.
    pub permissions: Vec<String>,
}

impl EmulatorMembership {
    /// A membership without permissions. `role` is a role key that starts with `org:`, or a short form:
    /// `user` stands for `org:ileap_user`.
    pub fn new(organization: &str, role: &str) -> Self {
        let role = if role.starts_with("org:") {
            role.to_owned()
        } else {
            format!("org:ileap_{role}")
        };
        Self {
            organization: organization.to_owned(),
            role,
            permissions: Vec::new(),
        }
    }
}

/// What happens when an account signs in. In TOML and JSON it is written in snake case: `needs_new_password`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// The right password signs in.
    #[default]
    Ok,
    /// Refused as `user_banned`.
    Banned,
    /// Locked from the start, for as long as the instance locks.
    Locked,
    /// Locked without an end, as an administrator can.
    LockedForever,
    /// The right password leads to `needs_second_factor`.
    Mfa,
    /// Has no password, even if one is given.
    Passwordless,
    /// The right password is refused because it is known to have leaked.
    Pwned,
    /// The right password leads to `needs_new_password`.
    NeedsNewPassword,
    /// The right password leads to `needs_protect_check`.
    NeedsProtectCheck,
    /// The right password leads to a status that no document names.
    UnknownStatus,
    /// The right password leads to `needs_client_trust`, whatever the instance's setting.
    DeviceTrust,
    /// The e-mail address is not verified, so nobody is found by it.
    UnverifiedEmail,
    /// Signs in to a session that is pending until the password is reset.
    PendingResetPassword,
    /// Signs in to a session that is pending until a second factor is set up.
    PendingSetupMfa,
    /// Signs in to a session that is pending until an organization is chosen.
    PendingChooseOrganization,
    /// Refused as `deprovisioned`: removed by the company's directory.
    Deprovisioned,
    /// Refused as `not_allowed_access`: on the instance's block list.
    NotAllowed,
    /// A password is refused, because the company signs in through its own identity provider.
    SsoOnly,
    /// The right password is refused as `session_exists`, on every client.
    SessionExists,
    /// Refused as `identifier_already_signed_in` before the password is looked at, on every client.
    IdentifierAlreadySignedIn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_prints_without_its_password() {
        let user = EmulatorUser::with_username("hello", "pathfinder");
        let printed = format!("{user:?}");
        assert!(printed.contains("hello") && !printed.contains("pathfinder"));
    }

    #[test]
    fn short_roles_stand_for_role_keys() {
        assert_eq!(EmulatorMembership::new("acme", "all").role, "org:ileap_all");
        assert_eq!(
            EmulatorMembership::new("acme", "org:admin").role,
            "org:admin"
        );
    }
}
