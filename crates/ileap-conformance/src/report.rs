//! What a run found, for terminals, machines and managers.

mod html;
mod json;
mod junit;
mod text;

use serde::Serialize;

pub use self::{
    html::html,
    json::{json, list_json},
    junit::junit,
    text::{FIX_FIRST, case_line, catalogue, details, list, summary, verdict_word},
};
use crate::case::{Profile, Severity, Verdict};
pub use crate::outcome::{Exchange, Problem, Problems};

/// How many things to fix are named at once.
const MOST_FIRST: usize = 5;

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The base URL.
    pub host: String,
    /// The profiles that were looked at.
    pub profiles: Vec<Profile>,
    /// When it began, in RFC 3339.
    pub started_at: String,
    /// Only cases that the user named ran.
    pub is_selection: bool,
    /// It was interrupted.
    pub is_partial: bool,
    /// In the order in which they ran.
    pub cases: Vec<CaseReport>,
}

/// What a case found.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The case's name.
    pub address: &'static str,
    /// What the host has to do.
    pub requirement: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// How binding it is.
    pub severity: Severity,
    /// A failure counts.
    pub is_binding: bool,
    /// The outcome.
    pub verdict: Verdict,
    /// Why; empty where nothing is to be said.
    pub reason: String,
    /// What is wrong with records.
    pub problems: Problems,
    /// The exchange that shows it.
    pub exchange: Option<Exchange>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Whether the host showed everything that counts.
    pub fn is_conformant(&self) -> bool {
        !self.is_partial && !self.cases.is_empty() && !self.cases.iter().any(CaseReport::is_against)
    }

    /// Whether the host said nothing at all.
    pub fn is_unanswered(&self) -> bool {
        let is_answer = |case: &CaseReport| {
            let status = case.exchange.as_ref().and_then(|exchange| exchange.status);
            case.verdict == Verdict::Pass || status.is_some()
        };
        !self.cases.is_empty() && !self.is_partial && !self.cases.iter().any(is_answer)
    }

    /// The first parts of addresses, in the order in which they came up.
    pub fn groups(&self) -> Vec<&'static str> {
        let mut groups = Vec::new();
        for case in &self.cases {
            if !groups.contains(&case.group()) {
                groups.push(case.group());
            }
        }
        groups
    }

    /// How many cases ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases
            .iter()
            .filter(|case| case.verdict == verdict)
            .count()
    }

    /// The case to begin with: the first that counts, as later ones often follow from it.
    pub fn fix_first(&self) -> Option<&CaseReport> {
        self.to_fix().into_iter().next()
    }

    /// What keeps the host from being conformant, in the order in which to see to it: failures, then what could not
    /// be found out; of these first what the official tests of PACT and iLEAP ask, then what rests on other standards.
    pub fn to_fix(&self) -> Vec<&CaseReport> {
        let mut cases: Vec<_> = self.cases.iter().filter(|case| case.is_against()).collect();
        let is_official = |case: &CaseReport| ["pact", "ileap"].contains(&case.group());
        cases.sort_by_key(|case| (case.verdict, !is_official(case)));
        cases
    }

    /// The first things to see to, and how many there are besides. What could not be found out waits for failures.
    pub fn first_to_fix(&self) -> (Vec<&CaseReport>, usize) {
        let order = self.to_fix();
        let all = order.len();
        let worst = order.first().map(|case| case.verdict);
        let first = order
            .into_iter()
            .take_while(|case| Some(case.verdict) == worst)
            .take(MOST_FIRST);
        let first: Vec<_> = first.collect();
        let rest = all - first.len();
        (first, rest)
    }

    /// The verdict in a sentence.
    pub fn sentence(&self) -> String {
        let names: Vec<_> = self
            .profiles
            .iter()
            .map(|profile| profile.as_str())
            .collect();
        let profiles = names.join(", ");
        let failed = self.count(Verdict::Fail);
        let open = self.cases.iter().filter(|case| case.is_against()).count() - failed;
        let host = &self.host;
        let selected = match self.cases.len() {
            1 => "1 selected case".to_owned(),
            count => format!("{count} selected cases"),
        };
        let claim = if self.is_selection {
            format!("passes the {selected}")
        } else {
            format!("conforms to {profiles}")
        };
        if self.is_partial {
            format!("The run was interrupted: what {host} does is known in part ({profiles}).")
        } else if self.cases.is_empty() {
            "No case was selected.".to_owned()
        } else if self.is_unanswered() {
            let why = self.to_fix().first().map_or("", |case| &case.reason);
            format!("{host} answered to nothing: {why}.")
        } else if failed > 0 {
            let cases = if failed == 1 { "case" } else { "cases" };
            if self.is_selection {
                format!("{host} fails {failed} of the {selected}.")
            } else {
                format!("{host} fails {failed} {cases} of {profiles}.")
            }
        } else if open > 0 {
            format!("{host} has not shown that it {claim}: {open} could not be found out.")
        } else {
            format!("{host} {claim}{}.", self.unasked())
        }
    }
}

impl Report {
    /// The required cases that were skipped, behind a claim.
    fn unasked(&self) -> String {
        let skipped = self
            .cases
            .iter()
            .filter(|case| case.severity == Severity::Required && case.verdict == Verdict::Skip);
        let skipped: Vec<_> = skipped.map(|case| case.address).collect();
        match skipped.as_slice() {
            [] => String::new(),
            [only] => format!(" as far as it was asked: {only} was skipped"),
            [all @ .., last] => {
                format!(
                    " as far as it was asked: {} and {last} were skipped",
                    all.join(", ")
                )
            }
        }
    }
}

impl CaseReport {
    /// It keeps the host from being conformant. What could not be found out was not shown.
    pub fn is_against(&self) -> bool {
        match self.verdict {
            Verdict::Fail => true,
            Verdict::Inconclusive => self.is_binding,
            Verdict::Warn | Verdict::Skip | Verdict::Pass => false,
        }
    }

    /// The first part of the address.
    pub fn group(&self) -> &'static str {
        self.address.split('/').next().unwrap_or_default()
    }
}

/// Text in HTML and XML 1.0, also within quotes; in XML most control characters may not stand in any form.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(char),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            char => out.push(char),
        }
    }
    out
}
