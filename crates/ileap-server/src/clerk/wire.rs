//! What Clerk sends, as far as it is used here: every field may be missing or null, every set of words
//! is open, everything else is passed over.
//!
//! Only what may be printed is read. Tokens, addresses and metadata in the answers never get a field.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// The longest identifier or error code taken over from Clerk, in bytes.
const WORD_LIMIT_BYTES: usize = 128;

/// The answer to every sign-in call. Some endpoints answer without the envelope, so the attempt may also
/// stand at the top.
#[derive(Debug, Deserialize)]
pub(crate) struct SignInEnvelope {
    #[serde(default)]
    pub(crate) response: Option<SignIn>,
    #[serde(default)]
    pub(crate) client: Option<Client>,
    #[serde(flatten)]
    pub(crate) flat: SignIn,
}

/// A sign-in attempt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignIn {
    pub(crate) id: Option<String>,
    pub(crate) status: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) supported_first_factors: Vec<Factor>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) supported_second_factors: Vec<Factor>,
    pub(crate) created_session_id: Option<String>,
    pub(crate) client_trust_state: Option<String>,
}

/// One way to prove something.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Factor {
    pub(crate) strategy: Option<String>,
}

/// The client: what holds the sessions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Client {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) sessions: Vec<Session>,
}

/// A session.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Session {
    pub(crate) id: Option<String>,
    pub(crate) status: Option<String>,
    /// Someone else acting as the user; only its presence counts.
    pub(crate) actor: Option<Present>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) tasks: Vec<SessionTask>,
    pub(crate) user: Option<User>,
}

/// Something the user has to do before the session becomes active.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SessionTask {
    pub(crate) key: Option<String>,
}

/// The account.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) banned: bool,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) locked: bool,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) lockout_expires_in_seconds: Option<u64>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) organization_memberships: Vec<OrganizationMembership>,
}

/// A user as the Backend API describes one.
///
/// What keeps a user out counts as set when it is there in a form that is not understood.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DirectoryUser {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) username: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) email_addresses: Vec<EmailAddress>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) phone_numbers: Vec<PhoneNumber>,
    #[serde(deserialize_with = "odd_is_set")]
    pub(crate) banned: bool,
    #[serde(deserialize_with = "odd_is_set")]
    pub(crate) locked: bool,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) lockout_expires_in_seconds: Option<u64>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) verification_attempts_remaining: Option<u32>,
    #[serde(deserialize_with = "odd_is_set")]
    pub(crate) two_factor_enabled: bool,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) password_enabled: Option<bool>,
}

/// An e-mail address of a user.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EmailAddress {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) email_address: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) verification: Verification,
}

/// A phone number of a user.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PhoneNumber {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) phone_number: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) verification: Verification,
}

/// Whether an address has been proved to be its user's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Verification {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) status: Option<String>,
}

/// The answer about a password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordAnswer {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) verified: Option<bool>,
}

/// One page of a user's memberships. Without `data` it is no such page.
#[derive(Debug, Deserialize)]
pub(crate) struct MembershipPage {
    pub(crate) data: Vec<OrganizationMembership>,
}

/// A role in an organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrganizationMembership {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) role: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) organization: Option<Organization>,
}

impl OrganizationMembership {
    /// What people call the organization: its slug, else its id.
    pub(crate) fn organization_name(&self) -> Option<String> {
        let organization = self.organization.as_ref()?;
        word(organization.slug.as_deref()).or_else(|| word(organization.id.as_deref()))
    }
}

/// An organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Organization {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) slug: Option<String>,
}

/// A value of which only the presence counts.
#[derive(Debug)]
pub(crate) struct Present;

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// The answer of `dev_browser`. Its id opens the instance to whoever holds it, so it gets no `Debug`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DevBrowser {
    pub(crate) id: Option<String>,
}

/// An answer whose content does not matter.
#[derive(Debug, Deserialize)]
pub(crate) struct Anything {}

/// The body of every refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorEnvelope {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) errors: Vec<ErrorEntry>,
    #[serde(deserialize_with = "odd_is_empty")]
    clerk_trace_id: Option<String>,
}

impl ErrorEnvelope {
    /// The name under which Clerk's support finds the call.
    pub(crate) fn trace_id(&self) -> Option<String> {
        word(self.clerk_trace_id.as_deref())
    }
}

/// One error. Its messages are not read: they may repeat what was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorEntry {
    pub(crate) code: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) meta: ErrorMeta,
}

/// What an error is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorMeta {
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) param_name: Option<String>,
    #[serde(deserialize_with = "odd_is_empty")]
    pub(crate) lockout_expires_in_seconds: Option<u64>,
}

/// `text` when it is a plain word of bearable length: letters, digits, `_` and `-`. Identifiers that go
/// into paths, subjects and logs pass through here.
pub(crate) fn word(text: Option<&str>) -> Option<String> {
    let text = text?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let fits = (1..=WORD_LIMIT_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
    fits.then(|| text.to_owned())
}

pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// For details that nothing is granted on: a value of an unexpected type is as good as none.
fn odd_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// For what keeps somebody out: a value of an unexpected type keeps them out, too.
fn odd_is_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => false,
        serde_json::Value::Bool(value) => value,
        _ => true,
    })
}
