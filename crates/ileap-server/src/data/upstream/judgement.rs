//! Which of the service's objects are served, and in which bytes.

use bytes::Bytes;
use ileap_types::{
    extension::ObjectKind,
    rules::{
        Finding, Severity, judge_footprint, judge_tad, remove_absent_in_footprint,
        remove_absent_in_tad,
    },
    strict_json,
};
use serde_json::{Value, value::RawValue};

use super::answer::OBJECT_LIMIT_BYTES;
use crate::{
    identity::{Principal, Role},
    telemetry::Metrics,
};

/// Judges the objects of one answer.
pub(super) struct Judge {
    /// Whether the caller's roles open it and its filter asks for it.
    is_wanted: Box<dyn Fn(&Value) -> bool + Send + Sync>,
    rules: fn(&Value) -> Vec<Finding>,
    remove_absent: fn(&mut Value) -> bool,
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

impl Judge {
    /// Judges footprints; those of kinds that the caller's roles do not open are hidden, and those that
    /// `is_asked_for` denies.
    pub(super) fn of_footprints(
        caller: &Principal,
        is_asked_for: impl Fn(&Value) -> bool + Send + Sync + 'static,
    ) -> Self {
        let roles = caller.roles.clone();
        let is_wanted = move |footprint: &Value| {
            let opens = |role: &Role| opens(*role, kind(footprint));
            roles.iter().any(opens) && is_asked_for(footprint)
        };
        Self {
            is_wanted: Box::new(is_wanted),
            rules: judge_footprint,
            remove_absent: remove_absent_in_footprint,
        }
    }

    /// Judges activity data.
    pub(super) fn of_tads(is_asked_for: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        Self {
            is_wanted: Box::new(is_asked_for),
            rules: judge_tad,
            remove_absent: remove_absent_in_tad,
        }
    }

    pub(super) fn judge(&self, object: &RawValue) -> Judged {
        let sent = object.get();
        if sent.len() > OBJECT_LIMIT_BYTES {
            return Judged::Refuse(Refusal::of_text("too large"));
        }
        let Ok(mut value) = strict_json::from_slice(sent.as_bytes()) else {
            return Judged::Refuse(Refusal::of_text("a member twice, or too many levels"));
        };
        // PACT has no nulls and no empty lists; services that write them mean an absent member.
        let is_changed = (self.remove_absent)(&mut value);
        // First: what is hidden must look like what is not there, whatever is wrong with it.
        if !(self.is_wanted)(&value) {
            return Judged::Hide;
        }
        let mut findings = (self.rules)(&value).into_iter();
        if let Some(finding) = findings.find(|finding| finding.severity == Severity::Error) {
            return Judged::Refuse(Refusal {
                id: id(&value),
                finding: format!("{} at {}", finding.rule, finding.pointer),
            });
        }
        Judged::Serve(if is_changed {
            value.to_string().into()
        } else {
            Bytes::copy_from_slice(sent.as_bytes())
        })
    }
}

impl Refusal {
    /// Of what is no object.
    fn of_text(finding: &str) -> Self {
        Self {
            id: String::new(),
            finding: finding.to_owned(),
        }
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
