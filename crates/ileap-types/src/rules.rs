//! Mechanical judgement of PACT v2 footprints and iLEAP objects.
//!
//! The functions take JSON as it came, so that every fault of an object is found at once and
//! named by place; they never panic. A decimal is never turned into a float. Sums and products
//! of rounded values may be off by 0.5 %, and by one millionth near zero. Unknown members and
//! unknown values of enumerations that iLEAP leaves open are no faults.

mod absent;
mod chain;
mod collection;
mod cursor;
mod emissions;
mod extension;
mod finding;
mod fingerprints;
mod format;
mod ileap_shape;
mod mapping;
mod nulls;
mod pact;
mod pact_shape;
mod rule_id;
mod shape;
mod shipment;
mod tolerance;
mod transport;

use serde_json::Value;

pub use absent::{remove_absent_in_footprint, remove_absent_in_tad};
pub use collection::{CollectionIndex, ItemRef, judge_collection};
pub use finding::{Finding, Severity};
pub use rule_id::RuleId;

use cursor::Cursor;
use extension::IleapExtension;
use finding::Findings;

use crate::extension::ObjectKind;

/// Judges a PACT v2 footprint and the iLEAP object in it, if there is one.
///
/// At most 100 findings of each severity are returned. What needs other objects is for [`judge_collection`].
pub fn judge_footprint(footprint: &Value) -> Vec<Finding> {
    let footprint = Cursor::root(footprint);
    let mut findings = Findings::default();
    pact::judge(&footprint, &mut findings);
    nulls::p12_in_footprint(&footprint, &mut findings);
    let extensions = extension::find(&footprint);
    if extensions.is_empty() {
        pact::p03_amount(&footprint, &mut findings);
        pact::p08_by_period(&footprint, &mut findings);
    } else {
        pact::p08_by_period_with_ileap(&footprint, &mut findings);
        mapping::r22_single(&footprint, &extensions, &mut findings);
    }
    for ileap in &extensions {
        mapping::judge(&footprint, ileap, &mut findings);
        judge_ileap(ileap, &mut findings);
    }
    findings.into_vec()
}

/// Judges iLEAP transport activity data (TAD).
///
/// At most 100 findings of each severity are returned. What needs other objects is for [`judge_collection`].
pub fn judge_tad(tad: &Value) -> Vec<Finding> {
    let tad = Cursor::root(tad);
    let mut findings = Findings::default();
    shape::judge(&tad, ileap_shape::TAD, &mut findings);
    nulls::p12_in_ileap(&tad, &mut findings);
    emissions::judge_carriers(&tad, &mut findings);
    transport::r15_factors(&tad, &mut findings);
    transport::r17_distance(&tad, &mut findings);
    for location in ["origin", "destination"] {
        if let Some(mode) = tad.text("mode") {
            transport::r16_location(&tad, location, &[mode], &mut findings);
        }
        transport::r18_location(&tad, location, &mut findings);
    }
    transport::r19_times(&tad, &mut findings);
    transport::r26_consignments(&tad, &mut findings);
    findings.into_vec()
}

/// The kind of iLEAP object in an extension, by schema or by content; none if the extension is foreign.
pub(crate) fn kind_of_extension(extension: &Value) -> Option<ObjectKind> {
    extension::kind(&Cursor::root(extension))
}

fn judge_ileap(ileap: &IleapExtension<'_>, findings: &mut Findings) {
    let data = &ileap.data;
    shape::judge(data, ileap.fields(), findings);
    nulls::p12_in_ileap(data, findings);
    match ileap.kind {
        ObjectKind::Shipment => shipment::judge(data, findings),
        ObjectKind::Toc => {
            judge_category(data, findings);
            transport::r15_factors(data, findings);
            transport::r16_category(data, findings);
        }
        ObjectKind::Hoc => {
            judge_category(data, findings);
            transport::r18_location(data, "hubLocation", findings);
        }
    }
}

/// Judges what TOC and HOC have in common.
fn judge_category(data: &Cursor<'_>, findings: &mut Findings) {
    emissions::judge_carriers(data, findings);
    emissions::r09_wheel(data, "co2eIntensityWTW", "co2eIntensityTTW", findings);
    emissions::r14_factors(data, findings);
    transport::r20_certifications(data, findings);
}

#[cfg(test)]
mod tests;
