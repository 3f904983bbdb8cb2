use serde::Serialize;
use serde_json::Value;

use super::RuleId;

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Conformant software may refuse the object.
    Error,
    /// The object is allowed but probably not what was meant.
    Warning,
}

/// One place in an object that breaks one rule.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The broken rule.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// RFC 6901 pointer into the judged object; it may name a member that is missing.
    pub pointer: String,
    /// What was found and what to change. Bounded: quoted values are cut.
    pub message: String,
}

/// Collects findings about one object. Of each severity it stops listening when there are many: warnings,
/// however many, must not hide an error.
#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Of one severity; more than a person reads about one object.
    const MAX: usize = 100;

    pub(super) fn error(&mut self, rule: RuleId, pointer: &str, message: String) {
        self.add(rule, Severity::Error, pointer, message);
    }

    pub(super) fn warning(&mut self, rule: RuleId, pointer: &str, message: String) {
        self.add(rule, Severity::Warning, pointer, message);
    }

    pub(super) fn add(&mut self, rule: RuleId, severity: Severity, pointer: &str, message: String) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if *count < Self::MAX {
            *count += 1;
            self.found.push(Finding {
                rule,
                severity,
                pointer: pointer.to_owned(),
                message,
            });
        }
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.found
    }
}

/// Quotes foreign text for a message: no control characters, at most 80 characters.
pub(super) fn quote(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut shown: String = text
        .chars()
        .take(MAX_CHARS)
        .map(|char| {
            if char.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                char
            }
        })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Names a JSON value for a message.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {}", quote(&number.to_string())),
        Value::String(text) => quote(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
