//! What a case is, and what it can find.

use std::{fmt, pin::Pin, str::FromStr};

use serde::Serialize;

use crate::{outcome::Judgement, run::Run, suites};

/// One thing that is asked of a host.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its stable name, such as `ileap/tc007`.
    pub address: &'static str,
    /// What the host has to do, in words.
    pub requirement: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// Whom a failure concerns.
    pub(crate) demand: Demand,
    /// The profiles it belongs to.
    pub profiles: &'static [Profile],
    /// It may lock an account or fill a disk, and runs only where that is allowed.
    pub is_intrusive: bool,
    pub(crate) judge: Judge,
}

/// Finds out.
pub(crate) type Judge =
    for<'a> fn(&'a Run, &'static Case) -> Pin<Box<dyn Future<Output = Judgement> + Send + 'a>>;

/// How binding a case is, over the versions of PACT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Demand {
    Required,
    /// Events became mandatory with PACT 2.2.
    RequiredFrom22,
    Recommended,
    Hardening,
}

/// How binding a case is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A specification demands it.
    Required,
    /// A specification recommends it, or partners depend on it.
    Recommended,
    /// It keeps strangers out and the host up.
    Hardening,
}

/// What a case found.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The host breaks the requirement.
    Fail,
    /// It could not be found out.
    Inconclusive,
    /// The host breaks something that this run does not insist on.
    Warn,
    /// The case does not apply here.
    Skip,
    /// The host does as required.
    Pass,
}

/// A named set of cases.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Profile {
    /// iLEAP 1.0.0.
    #[serde(rename = "ileap")]
    Ileap,
    /// PACT 2.0.
    #[serde(rename = "pact-2.0")]
    Pact20,
    /// PACT 2.1.
    #[serde(rename = "pact-2.1")]
    Pact21,
    /// PACT 2.2.
    #[serde(rename = "pact-2.2")]
    Pact22,
    /// PACT 2.3.
    #[serde(rename = "pact-2.3")]
    Pact23,
    /// What SINE's Automated Conformance Testing asks.
    #[serde(rename = "act")]
    Act,
    /// What strangers may try.
    #[serde(rename = "hardening")]
    Hardening,
}

/// A published version of PACT's data model.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PactVersion {
    /// 2.0
    V20,
    /// 2.1
    V21,
    /// 2.2
    V22,
    /// 2.3
    V23,
}

pub(crate) const ILEAP: &[Profile] = &[Profile::Ileap, Profile::Act];
pub(crate) const PACT: &[Profile] = &[
    Profile::Pact20,
    Profile::Pact21,
    Profile::Pact22,
    Profile::Pact23,
    Profile::Act,
];
/// What both specifications build on.
pub(crate) const BOTH: &[Profile] = &[
    Profile::Ileap,
    Profile::Pact20,
    Profile::Pact21,
    Profile::Pact22,
    Profile::Pact23,
    Profile::Act,
];
/// What PACT 2.0 does not know.
pub(crate) const BOTH_FROM_21: &[Profile] = &[
    Profile::Ileap,
    Profile::Pact21,
    Profile::Pact22,
    Profile::Pact23,
    Profile::Act,
];
pub(crate) const ACT: &[Profile] = &[Profile::Act];
pub(crate) const HARDENING: &[Profile] = &[Profile::Hardening];

/// Every case, in the order in which they run.
pub fn all() -> Vec<&'static Case> {
    suites::ALL.iter().copied().flatten().collect()
}

impl Case {
    /// How binding it is for the profiles that are looked at.
    pub fn severity(&self, profiles: &[Profile]) -> Severity {
        match self.demand {
            Demand::Required => Severity::Required,
            Demand::RequiredFrom22 => {
                let version = profiles.iter().filter_map(|profile| profile.version());
                match version.max() {
                    Some(PactVersion::V20 | PactVersion::V21) => Severity::Recommended,
                    Some(PactVersion::V22 | PactVersion::V23) | None => Severity::Required,
                }
            }
            Demand::Recommended => Severity::Recommended,
            Demand::Hardening => Severity::Hardening,
        }
    }

    /// Whether it is about events, which hosts may leave out before PACT 2.2.
    pub(crate) fn is_of_events(&self) -> bool {
        self.demand == Demand::RequiredFrom22 || self.group() == "events"
    }

    /// The first part of its address.
    pub fn group(&self) -> &'static str {
        self.address.split('/').next().unwrap_or_default()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address)
    }
}

impl Severity {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Recommended => "recommended",
            Self::Hardening => "hardening",
        }
    }
}

impl Verdict {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Pass => "pass",
        }
    }

    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Fail,
        Self::Inconclusive,
        Self::Warn,
        Self::Skip,
        Self::Pass,
    ];
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ileap,
        Self::Pact20,
        Self::Pact21,
        Self::Pact22,
        Self::Pact23,
        Self::Act,
        Self::Hardening,
    ];

    /// Those of a run that names none.
    pub const DEFAULT: [Self; 2] = [Self::Ileap, Self::Pact23];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ileap => "ileap",
            Self::Pact20 => "pact-2.0",
            Self::Pact21 => "pact-2.1",
            Self::Pact22 => "pact-2.2",
            Self::Pact23 => "pact-2.3",
            Self::Act => "act",
            Self::Hardening => "hardening",
        }
    }

    /// The version of PACT that it is about; ACT tests 2.2.
    pub fn version(self) -> Option<PactVersion> {
        match self {
            Self::Pact20 => Some(PactVersion::V20),
            Self::Pact21 => Some(PactVersion::V21),
            Self::Pact22 | Self::Act => Some(PactVersion::V22),
            Self::Pact23 => Some(PactVersion::V23),
            Self::Ileap | Self::Hardening => None,
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|profile| profile.as_str()).collect();
            format!("the profiles are {}", names.join(", "))
        })
    }
}

impl PactVersion {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V20 => "2.0",
            Self::V21 => "2.1",
            Self::V22 => "2.2",
            Self::V23 => "2.3",
        }
    }
}
