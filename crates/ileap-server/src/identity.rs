//! Who is asking: the client's credentials as presented, and the caller once verified.

pub(crate) mod headers;

use std::{collections::BTreeSet, fmt, str::FromStr};

use secrecy::{ExposeSecret, SecretString};

/// The longest client id accepted, in bytes.
pub const CLIENT_ID_LIMIT_BYTES: usize = 256;
/// The longest client secret accepted, in bytes.
pub const CLIENT_SECRET_LIMIT_BYTES: usize = 1024;

/// The client identifier a trading partner sends (RFC 6749 §2.2): with Clerk, a user's e-mail address or username.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClientId(String);

impl ClientId {
    /// Accepts 1 to 256 bytes without control characters; `None` otherwise.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fits = !text.is_empty() && text.len() <= CLIENT_ID_LIMIT_BYTES;
        (fits && !text.chars().any(char::is_control)).then_some(Self(text))
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier proper, and the slug of the organization to act for where one is named, as in
    /// `ops@acme.example@acme` and `acme-ops@acme`.
    ///
    /// What follows the last `@` is a slug only if it has no dot and what stands before it is a whole
    /// identifier: an e-mail address, or a name without `@`.
    pub fn identifier_and_organization(&self) -> (&str, Option<&str>) {
        let whole = (self.as_str(), None);
        let Some((identifier, slug)) = self.0.rsplit_once('@') else {
            return whole;
        };
        let is_identifier = match identifier.split_once('@') {
            None => !identifier.is_empty(),
            Some((local, domain)) => {
                !local.is_empty() && domain.contains('.') && !domain.contains('@')
            }
        };
        if slug.is_empty() || slug.contains('.') || !is_identifier {
            return whole;
        }
        (identifier, Some(slug))
    }
}

/// The client secret (RFC 6749 §2.3.1): with Clerk, the user's password. It cannot print and is wiped when dropped.
#[derive(Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Accepts 1 to 1024 bytes without control characters; `None` otherwise. The text is kept byte for byte.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = SecretString::from(text.into());
        let exposed = text.expose_secret();
        let fits = !exposed.is_empty() && exposed.len() <= CLIENT_SECRET_LIMIT_BYTES;
        (fits && !exposed.chars().any(char::is_control)).then_some(Self(text))
    }

    /// The secret itself; for the verifier that has to send or hash it, nobody else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(redacted)")
    }
}

/// One reading of the credentials in a request.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// Who claims to be calling.
    pub client_id: ClientId,
    /// The proof.
    pub client_secret: ClientSecret,
}

/// How a client put its id and secret into the Basic header: RFC 6749 §2.3.1 says form-encoded,
/// most PACT clients send them raw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretEncoding {
    /// As they are.
    Raw,
    /// Each `application/x-www-form-urlencoded` before they were joined.
    FormEncoded,
}

/// The credentials of one request in every reading they allow.
#[derive(Debug)]
pub struct PresentedCredentials {
    /// The bytes as they stand.
    pub raw: ClientCredentials,
    /// The form-decoded reading, where that is possible and differs from `raw`.
    pub form_decoded: Option<ClientCredentials>,
}

/// What a recipient may see, by kind of object (iLEAP 1.0.0 roles, and `all`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// Everything stored, no access rule needed.
    All,
    /// Transport operator: every iLEAP kind.
    Operator,
    /// Transport service organizer: TOCs, HOCs and transport activity data.
    Organizer,
    /// Transport service user: shipments with the TOCs and HOCs they refer to, and transport activity data.
    User,
}

impl Role {
    /// Every role, in the order of the names.
    pub const ALL: [Self; 4] = [Self::All, Self::Operator, Self::Organizer, Self::User];

    /// The name used in configuration and tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Operator => "operator",
            Self::Organizer => "organizer",
            Self::User => "user",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or(UnknownRole)
    }
}

/// A name that is none of the four roles.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown role: expected user, organizer, operator or all")]
pub struct UnknownRole;

/// The organization a caller acts for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Organization {
    /// Stable identifier; with Clerk `org_...`.
    pub id: String,
    /// Name in URLs, where there is one.
    pub slug: Option<String>,
}

/// One scope of PACT's two.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// `footprint:list`
    FootprintList,
    /// `footprint:read`
    FootprintRead,
}

impl Scope {
    /// Every scope, in the order they are written.
    pub const ALL: [Self; 2] = [Self::FootprintList, Self::FootprintRead];

    /// The scope's wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FootprintList => "footprint:list",
            Self::FootprintRead => "footprint:read",
        }
    }
}

/// A set of scopes; written with spaces between (RFC 6749 §3.3).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Both scopes.
    pub fn all() -> Self {
        Self(Scope::ALL.into_iter().collect())
    }

    /// What a token request is granted: the known scopes among those asked for, all when none is known.
    pub fn granted(requested: Option<&str>) -> Self {
        let known = Self::parse(requested.unwrap_or_default());
        if known.0.is_empty() {
            Self::all()
        } else {
            known
        }
    }

    /// The known scopes in a space-separated list; unknown ones are passed over.
    pub fn parse(text: &str) -> Self {
        let named = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        Self(text.split(' ').filter_map(named).collect())
    }

    /// Whether `scope` is among them.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// A verified caller: what a token says and what a data endpoint acts on.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Principal {
    /// `clerk|user_...` or `static|<client id>`: namespaced, so that two sources cannot collide.
    pub subject: String,
    /// The identifier that verified.
    pub client_id: ClientId,
    /// The organization acted for, where there is one.
    pub organization: Option<Organization>,
    /// What kinds of object it may see.
    pub roles: BTreeSet<Role>,
    /// What its token was granted.
    pub scopes: Scopes,
}

impl Principal {
    /// Whom access rules name: the organization where there is one, else the subject.
    pub fn recipient(&self) -> &str {
        self.organization
            .as_ref()
            .map_or(self.subject.as_str(), |organization| &organization.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_secret_never_prints() {
        let secret = ClientSecret::new("HelloPrimaryData").unwrap();
        assert!(!format!("{secret:?}").contains("Hello"));
    }

    #[test]
    fn an_organization_is_named_after_a_whole_identifier_and_has_no_dot() {
        for (text, identifier, slug) in [
            ("ops@acme.example@acme", "ops@acme.example", Some("acme")),
            ("acme-ops@acme", "acme-ops", Some("acme")),
            ("+4915112345678@acme", "+4915112345678", Some("acme")),
            ("ops@acme.example", "ops@acme.example", None),
            (
                "ops@acme.example@acme.example",
                "ops@acme.example@acme.example",
                None,
            ),
            ("acme-ops", "acme-ops", None),
            ("@acme", "@acme", None),
            ("ops@", "ops@", None),
            ("ops@acme.example@", "ops@acme.example@", None),
            ("a@b@c", "a@b@c", None),
            ("@acme.example@acme", "@acme.example@acme", None),
        ] {
            let id = ClientId::new(text).unwrap();
            assert_eq!(
                id.identifier_and_organization(),
                (identifier, slug),
                "{text}"
            );
        }
    }

    #[test]
    fn control_characters_and_oversize_are_refused() {
        assert!(ClientId::new("").is_none());
        assert!(ClientId::new("a\u{0}b").is_none());
        assert!(ClientId::new("x".repeat(257)).is_none());
        assert!(ClientId::new("x".repeat(256)).is_some());
        assert!(ClientSecret::new("a\nb").is_none());
        assert!(ClientSecret::new("x".repeat(1025)).is_none());
    }

    #[test]
    fn unknown_scopes_are_passed_over_and_none_known_means_all() {
        assert_eq!(
            Scopes::granted(Some("openid footprint:read")).to_string(),
            "footprint:read"
        );
        assert_eq!(
            Scopes::granted(Some("openid")).to_string(),
            "footprint:list footprint:read"
        );
        assert_eq!(Scopes::granted(None), Scopes::all());
    }

    #[test]
    fn role_names_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("admin".parse::<Role>(), Err(UnknownRole));
    }
}
