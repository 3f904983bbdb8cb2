use std::fmt;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The key or variable it is about, with its place.
    pub place: String,
    /// What is wrong; secrets are never quoted.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.problem, self.remedy)
    }
}

/// The configuration cannot be run: everything that is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// In the order they were found; at least one.
    pub violations: Vec<Violation>,
    /// What is odd besides: a variable that was passed over may be the one that is missing.
    pub warnings: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.violations.len();
        write!(f, "{count} problem{}", if count == 1 { "" } else { "s" })?;
        self.violations
            .iter()
            .try_for_each(|violation| write!(f, "\n  {violation}"))?;
        self.warnings
            .iter()
            .try_for_each(|warning| write!(f, "\n  warning: {warning}"))
    }
}

impl std::error::Error for ConfigError {}

/// The longest text from outside that a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 80;

/// A text in a message: short, without control characters, and not at all if it looks like a secret that was
/// put in the wrong place.
pub(super) fn shown(text: &str) -> String {
    let is_secret = ["sk_live_", "sk_test_", "whsec_", "@"]
        .iter()
        .any(|mark| text.contains(mark));
    if is_secret {
        return "(not shown: it may hold a secret)".to_owned();
    }
    text.chars()
        .filter(|char| !char.is_control())
        .take(SHOWN_CHARACTERS)
        .collect()
}
