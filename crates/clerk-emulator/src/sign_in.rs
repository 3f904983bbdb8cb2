//! A sign-in attempt and the states it goes through.

use serde_json::{Value, json};

/// How long an attempt may take.
pub(crate) const ABANDON_MS: u64 = 24 * 60 * 60 * 1_000;
/// How long a code is good.
pub(crate) const CODE_MS: u64 = 10 * 60 * 1_000;
/// Wrong codes before the verification is void.
pub(crate) const CODE_ATTEMPTS: u32 = 3;

/// A sign-in attempt.
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) client_id: String,
    /// `None` before the identifier is given, and for one that must not be told from a known one.
    pub(crate) user_id: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) status: SignInStatus,
    pub(crate) first: Option<Verification>,
    pub(crate) second: Option<Verification>,
    pub(crate) created_session_id: Option<String>,
    pub(crate) trust: Trust,
    pub(crate) abandon_at: u64,
}

impl SignIn {
    /// The status at `now`.
    pub(crate) fn status(&self, now: u64) -> SignInStatus {
        if self.status != SignInStatus::Complete && now >= self.abandon_at {
            return SignInStatus::Abandoned;
        }
        self.status
    }
}

/// Where a sign-in attempt is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SignInStatus {
    NeedsIdentifier,
    NeedsFirstFactor,
    NeedsSecondFactor,
    NeedsClientTrust,
    NeedsNewPassword,
    NeedsProtectCheck,
    /// One that no document names.
    Unheard,
    Complete,
    Abandoned,
}

impl SignInStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NeedsIdentifier => "needs_identifier",
            Self::NeedsFirstFactor => "needs_first_factor",
            Self::NeedsSecondFactor => "needs_second_factor",
            Self::NeedsClientTrust => "needs_client_trust",
            Self::NeedsNewPassword => "needs_new_password",
            Self::NeedsProtectCheck => "needs_protect_check",
            Self::Unheard => "needs_something_unheard_of",
            Self::Complete => "complete",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Whether the user has had a session on the client before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trust {
    Pending,
    New,
    Known,
}

impl Trust {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::New => "new",
            Self::Known => "known",
        }
    }
}

/// A way to prove something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strategy {
    Password,
    EmailCode,
    PhoneCode,
    ResetPasswordEmailCode,
    Totp,
    BackupCode,
    /// A sign-in token. It is asked for in the first call only, so no text stands for it.
    Ticket,
}

impl Strategy {
    /// Those that can be chosen for a factor.
    const ALL: [Self; 6] = [
        Self::Password,
        Self::EmailCode,
        Self::PhoneCode,
        Self::ResetPasswordEmailCode,
        Self::Totp,
        Self::BackupCode,
    ];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::EmailCode => "email_code",
            Self::PhoneCode => "phone_code",
            Self::ResetPasswordEmailCode => "reset_password_email_code",
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
            Self::Ticket => "ticket",
        }
    }

    /// Whether a code has to be sent first.
    pub(crate) fn is_sent(self) -> bool {
        matches!(
            self,
            Self::EmailCode | Self::PhoneCode | Self::ResetPasswordEmailCode
        )
    }

    fn object(self) -> &'static str {
        match self {
            Self::Password => "verification_password",
            Self::Totp => "verification_totp",
            Self::BackupCode => "verification_backup_code",
            Self::Ticket => "verification_ticket",
            _ => "verification_otp",
        }
    }
}

/// What became of one factor.
#[derive(Clone, Copy)]
pub(crate) struct Verification {
    pub(crate) strategy: Strategy,
    pub(crate) verified: bool,
    pub(crate) attempts: u32,
    pub(crate) expire_at: Option<u64>,
}

impl Verification {
    /// One that waits for the code that was sent.
    pub(crate) fn sent(strategy: Strategy, now: u64) -> Self {
        Self {
            strategy,
            verified: false,
            attempts: 0,
            expire_at: Some(now.saturating_add(CODE_MS)),
        }
    }

    /// One that succeeded at once.
    pub(crate) fn done(strategy: Strategy) -> Self {
        Self {
            strategy,
            verified: true,
            attempts: 1,
            expire_at: None,
        }
    }

    pub(crate) fn shape(&self) -> Value {
        json!({
            "object": self.strategy.object(),
            "status": if self.verified { "verified" } else { "unverified" },
            "strategy": self.strategy.as_str(),
            "attempts": self.attempts,
            "expire_at": self.expire_at,
        })
    }
}
