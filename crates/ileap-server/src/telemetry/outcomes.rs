//! How things end, as metrics and logs call it.

/// How a verification ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VerifyOutcome {
    /// The credentials are right.
    Accepted,
    /// Not looked at: too many failures before.
    HeldBack,
    /// They are not.
    Refused,
    /// It could not be found out.
    Unavailable,
}

impl VerifyOutcome {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Accepted,
        Self::HeldBack,
        Self::Refused,
        Self::Unavailable,
    ];

    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::HeldBack => "held_back",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Where the answer about credentials came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KnownGoodAnswer {
    /// The verifier was asked.
    Asked,
    /// From memory: right, lately.
    Fresh,
    /// From memory, for want of an answer: right, when it was verified last.
    Stale,
    /// From memory: refused, lately.
    Wrong,
}

impl KnownGoodAnswer {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Asked, Self::Fresh, Self::Stale, Self::Wrong];

    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
        }
    }
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebhookOutcome {
    /// What it names is invalidated.
    Applied,
    /// It says nothing that matters here.
    Ignored,
    /// Not signed by Clerk, or not now.
    Refused,
    /// It had taken effect before.
    Repeated,
}

impl WebhookOutcome {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Applied, Self::Ignored, Self::Refused, Self::Repeated];

    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
        }
    }
}

/// What came of a call that Clerk limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClerkCallOutcome {
    /// A useful answer.
    Answered,
    /// Not made: Clerk's limits, or an outage, stand against it.
    Held,
    /// Clerk said no.
    Refused,
    /// Clerk asks for fewer calls.
    Throttled,
    /// No answer, or none that can be used.
    Unanswered,
}

impl ClerkCallOutcome {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Answered,
        Self::Held,
        Self::Refused,
        Self::Throttled,
        Self::Unanswered,
    ];

    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Unanswered => "unanswered",
        }
    }
}

/// What a request to revoke a token came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationOutcome {
    /// It was no good token, or not the caller's.
    NothingToDo,
    /// All of its subject's tokens are cut off, because too many were revoked one by one.
    Subject,
    /// It is revoked.
    Token,
}

impl RevocationOutcome {
    /// Every outcome.
    #[cfg(test)]
    pub(super) const ALL: [Self; 3] = [Self::NothingToDo, Self::Subject, Self::Token];

    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Subject => "subject",
            Self::Token => "token",
        }
    }
}
