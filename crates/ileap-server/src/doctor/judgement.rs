//! What a check says.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// A stable name; several findings may share it.
    pub name: &'static str,
    /// How it is.
    #[serde(rename = "verdict")]
    pub severity: Severity,
    /// What was found, in one sentence.
    pub finding: String,
    /// What was asked and what came back. Never a secret, never a body.
    pub evidence: String,
    /// What to do, where there is something to do.
    pub remedy: Option<String>,
    /// Who has to act, if it is a problem.
    #[serde(skip)]
    pub blame: Blame,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// Works, or may not for some.
    Warning,
    /// Partners, or the one partner asked about, cannot log in.
    Problem,
}

impl Severity {
    /// Its stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// Who has to act, the least lasting cause first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Blame {
    /// Clerk, or the network on the way to it: waiting may be enough.
    Upstream,
    /// This machine, the account, or nobody in particular.
    Other,
    /// Whoever configures the server or the Clerk instance.
    Configuration,
}

impl Check {
    /// As it should be.
    pub(super) fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self::new(name, Severity::Ok, finding)
    }

    /// Good to know.
    pub(super) fn note(name: &'static str, finding: impl Into<String>) -> Self {
        Self::new(name, Severity::Note, finding)
    }

    /// It may hurt.
    pub(super) fn warning(name: &'static str, finding: impl Into<String>) -> Self {
        Self::new(name, Severity::Warning, finding)
    }

    /// Nobody gets in.
    pub(super) fn problem(name: &'static str, blame: Blame, finding: impl Into<String>) -> Self {
        Self {
            blame,
            ..Self::new(name, Severity::Problem, finding)
        }
    }

    pub(super) fn new(name: &'static str, severity: Severity, finding: impl Into<String>) -> Self {
        Self {
            name,
            severity,
            finding: finding.into(),
            evidence: String::new(),
            remedy: None,
            blame: Blame::Other,
        }
    }

    /// The same, with what it rests on.
    #[must_use]
    pub(super) fn seen(self, evidence: impl Into<String>) -> Self {
        Self {
            evidence: evidence.into(),
            ..self
        }
    }

    /// The same, with what to do.
    #[must_use]
    pub(super) fn advise(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// The same, but no graver than this.
    #[must_use]
    pub(super) fn at_most(self, severity: Severity) -> Self {
        Self {
            severity: self.severity.min(severity),
            ..self
        }
    }
}

/// A moment, shown in RFC 3339 and whole seconds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
