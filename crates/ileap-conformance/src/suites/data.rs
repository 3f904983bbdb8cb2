//! The rules over all data, one case each.

use crate::{
    case::{BOTH, Case, Demand, ILEAP},
    outcome::{Judgement, Problems, Stop, StopKind},
    rules::TADS,
    run::Run,
};

/// A rule as a case.
macro_rules! rule {
    ($address:literal, $demand:ident, $profiles:expr, $source:literal, $requirement:literal) => {
        Case {
            address: $address,
            requirement: $requirement,
            source: $source,
            demand: Demand::$demand,
            profiles: $profiles,
            is_intrusive: false,
            judge: |run, case| Box::pin(judge(run, case)),
        }
    };
}

pub(super) static CASES: &[Case] = &[
    rule!(
        "data/r01",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R01",
        "Decimals are digits with an optional minus and fraction, in a string."
    ),
    rule!(
        "data/r02",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R02",
        "A shipment has transport chain elements, each with an id of its own."
    ),
    rule!(
        "data/r03",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R03",
        "A transport chain element refers to exactly one of TOC and HOC."
    ),
    rule!(
        "data/r04",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R04",
        "A transport chain element names its shipment."
    ),
    rule!(
        "data/r05",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R05",
        "prevTceIds name other elements of the shipment, once, and never in a circle."
    ),
    rule!(
        "data/r06",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R06",
        "A chain has a start, and all its elements hang together."
    ),
    rule!(
        "data/r07",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R07",
        "transportActivity is mass × distance / 1000."
    ),
    rule!(
        "data/r08",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R08",
        "A hub operation has no transport activity."
    ),
    rule!(
        "data/r09",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R09",
        "Emissions are not negative, and tank-to-wheel is not above well-to-wheel."
    ),
    rule!(
        "data/r10",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R10",
        "An element's emissions are its activity times the intensity of its category."
    ),
    rule!(
        "data/r11",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R11",
        "The relative shares of energy carriers are in (0, 1] and make 1."
    ),
    rule!(
        "data/r12",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R12",
        "The shares of feedstocks are in [0, 1] and make no more than 1."
    ),
    rule!(
        "data/r13",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R13",
        "An energy consumption has a unit."
    ),
    rule!(
        "data/r14",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R14",
        "Energy carriers of TOCs and HOCs have emission factors."
    ),
    rule!(
        "data/r15",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R15",
        "loadFactor is in (0, 1], emptyDistanceFactor in [0, 1)."
    ),
    rule!(
        "data/r16",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R16",
        "Fields that belong to one mode stand at that mode only."
    ),
    rule!(
        "data/r17",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R17",
        "A distance has at least one of actual, gcd and sfd, and none is negative."
    ),
    rule!(
        "data/r18",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R18",
        "Locations have both coordinates or none, within the globe, and a country code."
    ),
    rule!(
        "data/r19",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R19",
        "Departures and arrivals are in UTC, and in this order."
    ),
    rule!(
        "data/r20",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R20",
        "Certifications, where given, are not empty, and each stands there once."
    ),
    rule!(
        "data/r21",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R21",
        "productIds holds the URN of the shipment, TOC or HOC."
    ),
    rule!(
        "data/r22",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R22",
        "A footprint's values follow from its extension as the mapping says."
    ),
    rule!(
        "data/r23",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R23",
        "unitaryProductAmount is more than 0."
    ),
    rule!(
        "data/r24",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R24",
        "Every TOC and HOC that a shipment refers to is visible to the same account."
    ),
    rule!(
        "data/r25",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R25",
        "No transport chain element is heavier than its shipment."
    ),
    rule!(
        "data/r26",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Data model, rule R26",
        "Activities have distinct ids, and consignment ids."
    ),
    rule!(
        "data/p01",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P01",
        "Fields have the types and forms of the published schema, and mandatory ones are there."
    ),
    rule!(
        "data/p02",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P02",
        "Values of closed lists are from these lists."
    ),
    rule!(
        "data/p03",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P03",
        "Quantities have the sign that they must have."
    ),
    rule!(
        "data/p04",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P04",
        "At most one geography is given."
    ),
    rule!(
        "data/p05",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P05",
        "The reference period ends after it starts."
    ),
    rule!(
        "data/p06",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P06",
        "The validity period starts after the reference period and lasts three years at most."
    ),
    rule!(
        "data/p07",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P07",
        "Emissions of packaging are given only if they are included."
    ),
    rule!(
        "data/p08",
        Recommended,
        BOTH,
        "PACT 2 §Data model, rule P08",
        "Reference periods that reach into 2025 have what is mandatory since."
    ),
    rule!(
        "data/p09",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P09",
        "otherOperatorName goes with the operator Other."
    ),
    rule!(
        "data/p10",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P10",
        "Sets hold each element once."
    ),
    rule!(
        "data/p11",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P11",
        "`updated` is later than `created`, and goes with a version above 0."
    ),
    rule!(
        "data/p12",
        Required,
        BOTH,
        "PACT 2 §Data model, rule P12",
        "Nothing is null."
    ),
];

async fn judge(run: &Run, case: &Case) -> Judgement {
    let findings = run.findings().await?;
    let rule = case.address.rsplit('/').next().unwrap_or_default();
    let footprints = run.footprints().await?;
    let tads = run.tads().await;
    if rule == "r26" && tads.is_err() {
        return Err(Stop::skip("there is no activity data: see ileap/tc004"));
    }
    let judged = |problems: Problems| {
        let first = problems.listed.first();
        let is_of_tads = first.is_some_and(|problem| problem.pointer.starts_with(TADS));
        let listing = tads.as_ref().ok().filter(|_| is_of_tads);
        problems.judged(&listing.unwrap_or(&footprints).exchange)
    };
    let errors = findings.errors_of(rule);
    if rule == "r24" && errors.count() > 0 {
        footprints.whole()?;
    }
    judged(errors)?;
    judged(findings.warnings_of(rule)).map_err(|stop| stop.softened(StopKind::Warn))?;
    Ok(footprints.remark())
}
