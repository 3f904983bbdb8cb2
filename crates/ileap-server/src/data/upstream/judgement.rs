//! Which of the service's objects are served, and in which bytes.

use bytes::Bytes;
use ileap_types::{
    extension::ObjectKind,
    rules::{Finding, Severity, judge_footprint, judge_tad},
    strict_json,
};
use serde_json::{Value, value::RawValue};

use crate::{
    identity::{Principal, Role},
    telemetry::Metrics,
};

/// Judges the objects of one answer.
pub(super) struct Judge<'a> {
    /// Whether the caller's roles open it and its filter asks for it.
    is_wanted: Box<dyn Fn(&Value) -> bool + Send + Sync + 'a>,
    rules: fn(&Value) -> Vec<Finding>,
}

/// What becomes of an object.
pub(super) enum Judged {
    /// Served, in these bytes.
    Serve(Bytes),
    /// Not for this caller, or not asked for.
    Hide,
    /// It breaks a rule, or is not even an object.
    Refuse(Refusal),
}

/// Why an object is never served.
pub(super) struct Refusal {
    id: String,
    finding: String,
}

impl<'a> Judge<'a> {
    /// Judges footprints; those of kinds that the caller's roles do not open are hidden, and those that
    /// `is_asked_for` denies.
    pub(super) fn of_footprints(
        caller: &'a Principal,
        is_asked_for: impl Fn(&Value) -> bool + Send + Sync + 'a,
    ) -> Self {
        let is_wanted = move |footprint: &Value| {
            let opens = |role: &Role| opens(*role, kind(footprint));
            caller.roles.iter().any(opens) && is_asked_for(footprint)
        };
        Self {
            is_wanted: Box::new(is_wanted),
            rules: judge_footprint,
        }
    }

    /// Judges activity data.
    pub(super) fn of_tads(is_asked_for: impl Fn(&Value) -> bool + Send + Sync + 'a) -> Self {
        Self {
            is_wanted: Box::new(is_asked_for),
            rules: judge_tad,
        }
    }

    pub(super) fn judge(&self, object: &RawValue) -> Judged {
        let sent = object.get();
        let Ok(mut value) = strict_json::from_slice(sent.as_bytes()) else {
            return Judged::Refuse(Refusal {
                id: String::new(),
                finding: "a member twice, or too many levels".to_owned(),
            });
        };
        let had_nulls = remove_nulls(&mut value);
        let mut findings = (self.rules)(&value).into_iter();
        if let Some(finding) = findings.find(|finding| finding.severity == Severity::Error) {
            return Judged::Refuse(Refusal {
                id: id(&value),
                finding: format!("{} at {}", finding.rule, finding.pointer),
            });
        }
        if !(self.is_wanted)(&value) {
            return Judged::Hide;
        }
        Judged::Serve(if had_nulls {
            value.to_string().into()
        } else {
            Bytes::copy_from_slice(sent.as_bytes())
        })
    }
}

/// The kind of iLEAP object in a footprint, if there is one.
fn kind(footprint: &Value) -> Option<ObjectKind> {
    let extensions = footprint.get("extensions")?.as_array()?;
    let mut schemas = extensions
        .iter()
        .filter_map(|extension| extension.get("dataSchema")?.as_str());
    schemas.find_map(ObjectKind::from_data_schema)
}

/// Whether a role opens a kind. Which TOCs and HOCs a user's shipments refer to is known to the service alone.
fn opens(role: Role, kind: Option<ObjectKind>) -> bool {
    match role {
        Role::All => true,
        Role::Operator | Role::User => kind.is_some(),
        Role::Organizer => matches!(kind, Some(ObjectKind::Toc | ObjectKind::Hoc)),
    }
}

/// PACT has no nulls; services that write them mean an absent member.
fn remove_nulls(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|_, member| !member.is_null());
            let mut had_nulls = members.len() < before;
            for member in members.values_mut() {
                had_nulls |= remove_nulls(member);
            }
            had_nulls
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |had_nulls, item| had_nulls | remove_nulls(item)),
        _ => false,
    }
}

fn id(object: &Value) -> String {
    let id = object.get("id").or_else(|| object.get("activityId"));
    id.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Objects of one answer that are not served.
#[derive(Default)]
pub(super) struct Refusals {
    first: Option<Refusal>,
    count: u64,
}

impl Refusals {
    pub(super) fn add(&mut self, refusal: Refusal) {
        self.count += 1;
        self.first.get_or_insert(refusal);
    }

    /// Says in one line what is missing from the answer and why.
    pub(super) fn report(self, path: &'static str, metrics: &Metrics) {
        let Some(Refusal { id, finding }) = self.first else {
            return;
        };
        metrics.objects_refused(self.count);
        tracing::error!(
            source.path = path,
            object.id = ?id,
            object.finding = finding,
            objects.refused = self.count,
            "the data source answered with objects that break rules: they are left out"
        );
    }
}
