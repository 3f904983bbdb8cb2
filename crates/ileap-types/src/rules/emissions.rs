//! The rules of emission values and energy carriers (iLEAP 1.0.0, `EnergyCarrier`).

use bigdecimal::BigDecimal;

use super::{
    RuleId,
    cursor::Cursor,
    finding::{Findings, quote},
    tolerance::is_close,
};

/// Judges the energy carriers of a TOC, HOC or TAD, wherever they are.
pub(super) fn judge_carriers(object: &Cursor<'_>, findings: &mut Findings) {
    r11_shares(object, findings);
    for carrier in object.items("energyCarriers") {
        r09_wheel(&carrier, "emissionFactorWTW", "emissionFactorTTW", findings);
        r12_feedstocks(&carrier, findings);
        r13_unit(&carrier, findings);
    }
}

/// Compares a well-to-wheel (WTW) with a tank-to-wheel (TTW) value.
pub(super) fn r09_wheel(object: &Cursor<'_>, wtw: &str, ttw: &str, findings: &mut Findings) {
    for member in [wtw, ttw] {
        if object.decimal(member).is_some_and(|value| value < 0) {
            let message = "the value is negative: check it".to_owned();
            findings.warning(RuleId::R09, &object.pointer_to(member), message);
        }
    }
    if let (Some(whole), Some(part)) = (object.decimal(wtw), object.decimal(ttw))
        && part > whole
    {
        let message = format!(
            "found {}, more than {} in `{wtw}`: swap or correct them",
            quote(&part.to_plain_string()),
            quote(&whole.to_plain_string())
        );
        findings.warning(RuleId::R09, &object.pointer_to(ttw), message);
    }
}

fn r11_shares(object: &Cursor<'_>, findings: &mut Findings) {
    const SHARE: &str = "relativeShare";
    let carriers = object.items("energyCarriers");
    let mut in_range = true;
    for carrier in &carriers {
        if carrier
            .decimal(SHARE)
            .is_some_and(|share| share <= 0 || share > 1)
        {
            let message = "the share is not above 0 and up to 1: correct it".to_owned();
            findings.error(RuleId::R11, &carrier.pointer_to(SHARE), message);
            in_range = false;
        }
    }
    let sum: Option<BigDecimal> = carriers.iter().map(|carrier| carrier.decimal(SHARE)).sum();
    if let Some(sum) = sum
        && in_range
        && !carriers.is_empty()
        && !is_close(&sum, &1.into())
    {
        let message = format!(
            "the relative shares add up to {}: correct them to a sum of 1",
            quote(&sum.to_plain_string())
        );
        findings.error(RuleId::R11, &object.pointer_to("energyCarriers"), message);
    }
}

fn r12_feedstocks(carrier: &Cursor<'_>, findings: &mut Findings) {
    const SHARE: &str = "feedstockShare";
    let feedstocks = carrier.items("feedstocks");
    let range = BigDecimal::from(0)..=BigDecimal::from(1);
    let mut in_range = true;
    for feedstock in &feedstocks {
        if feedstock
            .decimal(SHARE)
            .is_some_and(|share| !range.contains(&share))
        {
            let message = "the share is not from 0 to 1: correct it".to_owned();
            findings.error(RuleId::R12, &feedstock.pointer_to(SHARE), message);
            in_range = false;
        }
    }
    let sum: BigDecimal = feedstocks
        .iter()
        .filter_map(|feedstock| feedstock.decimal(SHARE))
        .sum();
    if in_range && sum > 1 && !is_close(&sum, &1.into()) {
        let message = format!(
            "the feedstock shares add up to {}: correct them to a sum of at most 1",
            quote(&sum.to_plain_string())
        );
        findings.error(RuleId::R12, &carrier.pointer_to("feedstocks"), message);
    }
}

/// A unit without a consumption is fine: it says what the emission factors are per.
fn r13_unit(carrier: &Cursor<'_>, findings: &mut Findings) {
    const UNIT: &str = "energyConsumptionUnit";
    if carrier.at("energyConsumption").is_some() && carrier.at(UNIT).is_none() {
        let message = format!("a consumption is given without `{UNIT}`: add the unit");
        findings.error(RuleId::R13, &carrier.pointer_to(UNIT), message);
    }
}

pub(super) fn r14_factors(object: &Cursor<'_>, findings: &mut Findings) {
    for carrier in object.items("energyCarriers") {
        for factor in ["emissionFactorWTW", "emissionFactorTTW"] {
            if carrier.value().is_object() && carrier.at(factor).is_none() {
                let message = format!("`{factor}` is missing: add it, `0` if there is none");
                findings.error(RuleId::R14, &carrier.pointer_to(factor), message);
            }
        }
    }
}
