//! The question every token request asks: are these credentials right?

pub mod budget;
pub mod clerk_backend;
pub mod clerk_frontend;
#[cfg(test)]
pub(crate) mod contract;
pub mod encodings;
pub mod known_good;
pub mod origin;
#[cfg(test)]
mod simulation;
pub mod static_users;

use std::{collections::BTreeSet, fmt, net::IpAddr, time::Duration};

use crate::{
    identity::{ClientCredentials, ClientId, Organization, Role},
    store::logins::Invalidation,
};

/// Checks client credentials against the place where users live.
///
/// A wrong secret is an answer, not an error: [`Verdict::Reject`]. [`VerifyError`] means that it could
/// not be found out.
#[async_trait::async_trait]
pub trait CredentialVerifier: Send + Sync {
    /// The account that a failed attempt counts against, found without the secret. An unknown client has one
    /// too: it is limited like any other. Returns within the verifier's own deadline.
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError>;

    /// Judges one reading of the credentials. Returns within the verifier's own deadline.
    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError>;

    /// Asks whether logins can work at all, and names what stands in the way.
    async fn probe(&self) -> Vec<ProbeFinding>;

    /// Does, until it is dropped, what has to be done besides verifying. Most have nothing to do.
    async fn tend(&self) {}

    /// Drops what is remembered of an account or subject. Most remember nothing.
    fn forget(&self, _invalidation: &Invalidation) {}

    /// Finishes, within `longest`, what verifications left to do in the background; says whether it is done.
    /// Most have nothing to finish.
    async fn drain(&self, _longest: Duration) -> bool {
        true
    }

    /// How many entries each of its caches has. Most have none.
    fn remembered(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// The configuration's name for this verifier, for logs and metrics.
    fn kind(&self) -> &'static str;
}

/// One reading of presented credentials, with what is known of who presents them.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Id and secret.
    pub credentials: &'a ClientCredentials,
    /// Where the request came from.
    pub source: IpAddr,
    /// Whether these credentials have been right before.
    pub standing: Standing,
}

/// What is remembered of credentials before they are verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// They were right when they were verified last: throttles meant for guessing do not apply.
    KnownGood,
    /// Nothing.
    Unknown,
}

/// What failures are counted against.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its name.
    pub key: AccountKey,
    /// How many failures since its last success may reach the verifier's upstream: at most half of what
    /// locks it there. `None` where nothing is ever locked.
    pub allowed_failures: Option<u32>,
    /// How many more failures lock it there, where the upstream says so.
    pub failures_left: Option<u32>,
}

/// Half of the ten failures after which Clerk locks an account where nothing else is known of the instance.
pub const DEFAULT_ALLOWED_FAILURES: u32 = 5;

/// The name of an account: `clerk|user_...` or `static|<client id>` where it is known, as in
/// [`VerifiedClient::subject`], else `identifier|` and the identifier in lower case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountKey(String);

impl AccountKey {
    /// The account of a subject.
    pub fn of_subject(subject: &str) -> Self {
        Self(subject.to_owned())
    }

    /// The account behind an identifier of which nothing else is known.
    pub fn of_identifier(identifier: &str) -> Self {
        Self(format!("identifier|{}", identifier.to_lowercase()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer about one set of credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The credentials are right and the account may be used.
    Accept(VerifiedClient),
    /// They are not, or it may not. Outside, every reason looks the same.
    Reject(RejectReason),
}

/// An account whose secret has just been proved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedClient {
    /// Namespaced subject, `clerk|user_...`.
    pub subject: String,
    /// The identifier that verified.
    pub client_id: ClientId,
    /// The organization acted for, where one applies.
    pub organization: Option<Organization>,
    /// The roles the account holds there.
    pub roles: BTreeSet<Role>,
}

/// Why credentials were refused. For logs, metrics and the operator; never for the caller.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RejectReason {
    /// The account is banned or was removed by its directory.
    Banned,
    /// The right secret, but Clerk does not know this device (Device Trust).
    DeviceTrust,
    /// Locked after failures, or by an administrator.
    Locked {
        /// How long the lock still lasts; `None` when it has no end.
        expires_in: Option<Duration>,
    },
    /// The right secret, but the account asks for a second factor.
    MfaRequired,
    /// The account must choose a new password first.
    NewPasswordRequired,
    /// The account has no password, or may sign in by single sign-on only.
    NoPassword,
    /// Not a member of the organization that is required, or of several with none chosen.
    NoOrganization,
    /// The account is kept out by an allow-list or block-list, or the address it is named by is not verified.
    NotAllowed,
    /// The right secret, but a Clerk Protect challenge stands in the way.
    ProtectCheck,
    /// The password is known from a breach; sign-in is refused until it is changed.
    SecretCompromised,
    /// The right secret, but the session has a task (such as setting up a second factor) open.
    SessionTask,
    /// No such account.
    UnknownClient,
    /// A sign-in status this version does not know.
    UnknownStatus,
    /// The secret is wrong, or (where the instance hides it) the account unknown.
    WrongSecret,
}

impl RejectReason {
    /// A stable name for logs and metric labels.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::DeviceTrust => "device_trust",
            Self::Locked { .. } => "locked",
            Self::MfaRequired => "mfa_required",
            Self::NewPasswordRequired => "new_password_required",
            Self::NoPassword => "no_password",
            Self::NoOrganization => "no_organization",
            Self::NotAllowed => "not_allowed",
            Self::ProtectCheck => "protect_check",
            Self::SecretCompromised => "secret_compromised",
            Self::SessionTask => "session_task",
            Self::UnknownClient => "unknown_client",
            Self::UnknownStatus => "unknown_status",
            Self::WrongSecret => "wrong_secret",
        }
    }

    /// Whether another reading of the same header might still be right.
    pub fn may_be_misread(&self) -> bool {
        matches!(self, Self::UnknownClient | Self::WrongSecret)
    }

    /// Whether the upstream may have counted it as a wrong secret.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::SecretCompromised | Self::UnknownClient | Self::WrongSecret
        )
    }

    /// What the operator can do about it, where that is not the partner's own business.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::DeviceTrust => Some(
                "the password is right but Clerk's Device Trust stopped the login: set bypass_client_trust on this \
                 user (PATCH /v1/users/{id}), or turn Device Trust off for the instance, or use verifier.kind = \"clerk_backend\"",
            ),
            Self::MfaRequired => Some(
                "the password is right but the account asks for a second factor, which a machine cannot give: \
                 turn multi-factor authentication off for this service account, or waive it with \
                 verifier.clerk.allow_mfa_users = true (clerk_backend only)",
            ),
            Self::NewPasswordRequired => {
                Some("the account must choose a new password in Clerk before it can log in")
            }
            Self::NoOrganization => Some(
                "make the user a member of the configured organization, or set verifier.clerk.organization \
                 when it belongs to several",
            ),
            Self::NotAllowed => Some(
                "see whether Clerk's allow-list or block-list names the account, and verify the e-mail address or phone \
                 number that it logs in with in the Clerk dashboard",
            ),
            Self::ProtectCheck => Some(
                "Clerk Protect challenges this login: turn mid-flow challenges off for the instance",
            ),
            Self::SecretCompromised => {
                Some("Clerk knows this password from a breach: give the user a new, generated one")
            }
            Self::SessionTask => Some(
                "finish the user's open session task in Clerk (reset password, set up MFA) or remove it",
            ),
            Self::UnknownStatus => Some(
                "Clerk answered with a sign-in status this version does not know: update ileap",
            ),
            Self::Banned
            | Self::Locked { .. }
            | Self::NoPassword
            | Self::UnknownClient
            | Self::WrongSecret => None,
        }
    }
}

/// It could not be found out whether the credentials are right. Nothing of it may be remembered as wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// The deployment is wrong: host, key, mode or instance setting. `code` is Clerk's error code, bounded.
    #[error("verifying credentials: the verifier is misconfigured ({code}): {remedy}")]
    Misconfigured {
        /// What Clerk answered.
        code: String,
        /// What the operator can do.
        remedy: &'static str,
    },
    /// Too many failures of this account, from this address, or altogether: our own limits, not the upstream's.
    #[error("verifying credentials: over the budget for failures ({budget})")]
    OverBudget {
        /// Which budget: `account`, `address` or `all`.
        budget: &'static str,
        /// When to come back.
        retry_after: Duration,
    },
    /// The verifier's upstream limits us.
    #[error("verifying credentials: throttled upstream")]
    Throttled {
        /// When to come back.
        retry_after: Duration,
    },
    /// The upstream is down, too slow, or answers nonsense.
    #[error("verifying credentials: upstream unavailable ({cause})")]
    Unavailable {
        /// When to come back.
        retry_after: Duration,
        /// A short, fixed word for logs: `timeout`, `connect`, `http_502`, ...
        cause: String,
    },
}

impl VerifyError {
    /// What comes of a login that the upstream failed after it had judged the secret: `secret` says how.
    #[must_use]
    pub(crate) fn after(self, secret: Judged) -> Self {
        let (retry_after, cause) = match (self, secret) {
            (Self::Throttled { retry_after }, Judged::Wrong) => {
                (retry_after, "throttled".to_owned())
            }
            (Self::Unavailable { retry_after, cause }, _) => (retry_after, cause),
            (error, _) => return error,
        };
        Self::Unavailable {
            retry_after,
            cause: secret.prefix().to_owned() + &cause,
        }
    }

    /// Whether the upstream may have judged the secret, and counted a failure.
    pub fn may_have_counted(&self) -> bool {
        const NEVER_JUDGED: [&str; 6] = [
            "busy",
            "circuit_open",
            "connect",
            "maintenance_mode",
            "request",
            "tls",
        ];
        let Self::Unavailable { cause, .. } = self else {
            return false;
        };
        !NEVER_JUDGED.contains(&cause.as_str()) && !cause.starts_with(Judged::Right.prefix())
    }
}

/// How the upstream judged a secret before it failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Judged {
    Right,
    Wrong,
}

impl Judged {
    fn prefix(self) -> &'static str {
        match self {
            Self::Right => "right_then_",
            Self::Wrong => "wrong_then_",
        }
    }
}

/// One thing a probe found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProbeFinding {
    /// Whether logins will fail because of it.
    pub severity: ProbeSeverity,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProbeSeverity {
    /// Good to know.
    Info,
    /// Some logins will fail.
    Warning,
    /// No login can work.
    Error,
}

/// When to come back after no answer.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// No answer, for the reason that the fixed word `cause` names.
pub(crate) fn unavailable(cause: &'static str) -> VerifyError {
    VerifyError::Unavailable {
        retry_after: RETRY_AFTER,
        cause: cause.to_owned(),
    }
}
