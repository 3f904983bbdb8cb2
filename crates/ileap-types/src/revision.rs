//! Names and forms of iLEAP's drafts, turned into those of 1.0.0.
//!
//! | draft | 1.0.0 |
//! |---|---|
//! | `feedstockPercentage`, a number | `feedstockShare`; percents if one in the list is above 1 |
//! | `co2eIntensityThroughput` | `transportActivityUnit` in a TOC, `hubActivityUnit` in a HOC |
//! | `isAccredited` | `certifications` with `ISO14083:2023` if true |
//! | `co2eIntensityWTW`, `co2eIntensityTTW` in an energy carrier | `emissionFactorWTW`, `emissionFactorTTW` |
//! | no `relativeShare` in the only energy carrier | `"1"` |
//! | `packagingOrTrEqAmount` in a TCE, a number | a decimal |
//! | `consignmentId` in a TAD | `consignmentIds` |
//! | `energyCarrier` and `feedstocks` in a TAD | the only one of its `energyCarriers` |
//! | `feedstocks` in a TAD with `energyCarriers` | those of its only carrier; gone if its carriers have some |
//! | `service-footprint.json`, the schema of a `ServiceFootprint` | `shipment-footprint.json` |
//! | `specVersion` 0.2.0 of an extension | 2.0.0 |
//! | `isVerified`, `glecDataQualityIndex`; `numberOfItems`, `typeOfItems` of a shipment; `temperatureControl` in a TCE | gone |
//!
//! A member of 1.0.0 that is there already stays, and so does its predecessor.

use std::str::FromStr as _;

use bigdecimal::BigDecimal;
use serde_json::{Map, Value, json};

use crate::{
    extension::{ObjectKind, SPEC_VERSION},
    mode::Certification,
    rules,
};

/// The `specVersion` that drafts' software writes.
const DRAFT_SPEC_VERSION: &str = "0.2.0";
/// The end of the schema of what is a shipment now.
const DRAFT_SHIPMENT_SCHEMA: &str = "/service-footprint.json";

/// Modernizes the iLEAP objects in a footprint; nothing else is touched.
pub fn modernize_footprint(footprint: &mut Value) {
    let extensions = footprint
        .get_mut("extensions")
        .and_then(Value::as_array_mut);
    for extension in extensions.into_iter().flatten() {
        if let Some(schema) = extension.get_mut("dataSchema")
            && schema
                .as_str()
                .is_some_and(|schema| schema.ends_with(DRAFT_SHIPMENT_SCHEMA))
        {
            *schema = ObjectKind::Shipment.data_schema().into();
        }
        let Some(kind) = rules::kind_of_extension(extension) else {
            continue;
        };
        if let Some(version) = extension.get_mut("specVersion")
            && version == DRAFT_SPEC_VERSION
        {
            *version = SPEC_VERSION.into();
        }
        let Some(data) = extension.get_mut("data").and_then(Value::as_object_mut) else {
            continue;
        };
        match kind {
            ObjectKind::Hoc => modernize_category(data, "hubActivityUnit"),
            ObjectKind::Shipment => modernize_shipment(data),
            ObjectKind::Toc => modernize_category(data, "transportActivityUnit"),
        }
    }
}

/// Modernizes transport activity data.
pub fn modernize_tad(tad: &mut Value) {
    let Some(tad) = tad.as_object_mut() else {
        return;
    };
    if !tad.contains_key("consignmentIds")
        && let Some(id) = tad.remove("consignmentId")
    {
        tad.insert("consignmentIds".to_owned(), json!([id]));
    }
    if !tad.contains_key("energyCarriers") && tad.contains_key("energyCarrier") {
        let moved = ["energyCarrier", "feedstocks"];
        let carrier = moved.iter().filter_map(|name| tad.remove_entry(*name));
        let carrier: Map<_, _> = carrier.collect();
        tad.insert("energyCarriers".to_owned(), json!([carrier]));
    }
    move_feedstocks(tad);
    modernize_carriers(tad);
}

/// Feedstocks of a whole activity belong to its carrier, if there is one and it has none of its own.
fn move_feedstocks(tad: &mut Map<String, Value>) {
    let mut carriers: Vec<_> = objects(tad, "energyCarriers").collect();
    let are_known = carriers
        .iter()
        .any(|carrier| carrier.contains_key("feedstocks"));
    let has_one = carriers.len() == 1;
    carriers.clear();
    if !(are_known || has_one) {
        return;
    }
    let Some(feedstocks) = tad.remove("feedstocks") else {
        return;
    };
    if are_known {
        return;
    }
    for carrier in objects(tad, "energyCarriers") {
        carrier.insert("feedstocks".to_owned(), feedstocks.clone());
    }
}

fn modernize_category(data: &mut Map<String, Value>, unit: &str) {
    rename(data, "co2eIntensityThroughput", unit);
    if !data.contains_key("certifications") {
        if data.get("isAccredited") == Some(&Value::Bool(true)) {
            let certification = Certification::Iso14083.as_str();
            data.insert("certifications".to_owned(), json!([certification]));
        }
        data.remove("isAccredited");
    }
    for name in ["isVerified", "glecDataQualityIndex"] {
        data.remove(name);
    }
    modernize_carriers(data);
}

fn modernize_shipment(shipment: &mut Map<String, Value>) {
    for name in ["numberOfItems", "typeOfItems"] {
        shipment.remove(name);
    }
    for tce in objects(shipment, "tces") {
        tce.remove("temperatureControl");
        if let Some(amount) = tce.get_mut("packagingOrTrEqAmount")
            && let Some(number) = amount.is_number().then(|| number(amount)).flatten()
        {
            *amount = decimal(&number);
        }
    }
}

fn modernize_carriers(object: &mut Map<String, Value>) {
    let mut carriers: Vec<_> = objects(object, "energyCarriers").collect();
    if let [only] = carriers.as_mut_slice()
        && !only.contains_key("relativeShare")
    {
        only.insert("relativeShare".to_owned(), "1".into());
    }
    for carrier in carriers {
        rename(carrier, "co2eIntensityWTW", "emissionFactorWTW");
        rename(carrier, "co2eIntensityTTW", "emissionFactorTTW");
        modernize_feedstocks(carrier);
    }
}

fn modernize_feedstocks(carrier: &mut Map<String, Value>) {
    let share = |feedstock: &Map<String, Value>| number(feedstock.get("feedstockPercentage")?);
    let are_percents = objects(carrier, "feedstocks")
        .any(|feedstock| share(feedstock).is_some_and(|share| share > 1));
    for feedstock in objects(carrier, "feedstocks") {
        if feedstock.contains_key("feedstockShare") {
            continue;
        }
        let Some(share) = share(feedstock) else {
            continue;
        };
        let share = if are_percents {
            share * BigDecimal::new(1.into(), 2)
        } else {
            share
        };
        feedstock.remove("feedstockPercentage");
        feedstock.insert("feedstockShare".to_owned(), decimal(&share));
    }
}

fn objects<'a>(
    object: &'a mut Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> + use<'a> {
    let list = object.get_mut(list).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn rename(object: &mut Map<String, Value>, old: &str, new: &str) {
    if !object.contains_key(new)
        && let Some(value) = object.remove(old)
    {
        object.insert(new.to_owned(), value);
    }
}

/// Within what drafts hold; far larger exponents would only fill memory.
fn number(value: &Value) -> Option<BigDecimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let number = BigDecimal::from_str(&text).ok()?;
    (number.fractional_digit_count().abs() <= 32).then_some(number)
}

fn decimal(number: &BigDecimal) -> Value {
    number.normalized().to_plain_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Finding, Severity, judge_footprint, judge_tad};

    fn modernized(kind: ObjectKind, data: &Value) -> Value {
        let mut footprint = json!({"extensions": [{
            "specVersion": "0.2.0", "dataSchema": kind.data_schema(), "data": data,
        }]});
        modernize_footprint(&mut footprint);
        assert_eq!(footprint["extensions"][0]["specVersion"], "2.0.0");
        footprint["extensions"][0]["data"].take()
    }

    #[test]
    fn units_and_certifications_of_categories_get_their_names() {
        for (kind, unit) in [
            (ObjectKind::Toc, "transportActivityUnit"),
            (ObjectKind::Hoc, "hubActivityUnit"),
        ] {
            let data = json!({
                "co2eIntensityThroughput": "tkm", "isAccredited": true, "isVerified": false,
                "glecDataQualityIndex": 2,
            });
            let expected = json!({unit: "tkm", "certifications": ["ISO14083:2023"]});
            assert_eq!(modernized(kind, &data), expected);
        }
        let data = json!({"isAccredited": false, "description": "kept"});
        let expected = json!({"description": "kept"});
        assert_eq!(modernized(ObjectKind::Toc, &data), expected);
    }

    #[test]
    fn percentages_of_feedstocks_become_shares() {
        let shares = |percentages: &Value| {
            let list = percentages.as_array().unwrap().iter();
            let feedstocks: Vec<_> = list
                .map(|percentage| json!({"feedstockPercentage": percentage}))
                .collect();
            let data = json!({"energyCarriers": [{"feedstocks": feedstocks}]});
            let mut carrier = modernized(ObjectKind::Toc, &data)["energyCarriers"][0].take();
            assert_eq!(carrier["relativeShare"], "1");
            let list = carrier["feedstocks"].take();
            let list = list.as_array().unwrap().iter();
            list.map(|feedstock| feedstock["feedstockShare"].clone())
                .collect::<Value>()
        };
        assert_eq!(shares(&json!([100])), json!(["1"]));
        assert_eq!(shares(&json!([1, 99])), json!(["0.01", "0.99"]));
        assert_eq!(shares(&json!([0.25, 0.75])), json!(["0.25", "0.75"]));
        assert_eq!(shares(&json!([1])), json!(["1"]));
    }

    #[test]
    fn amounts_of_elements_become_decimals() {
        let data =
            json!({"tces": [{"packagingOrTrEqAmount": 2.25}, {"packagingOrTrEqAmount": "3"}]});
        let expected =
            json!({"tces": [{"packagingOrTrEqAmount": "2.25"}, {"packagingOrTrEqAmount": "3"}]});
        assert_eq!(modernized(ObjectKind::Shipment, &data), expected);
    }

    #[test]
    fn what_1_0_0_has_no_place_for_goes() {
        let data = json!({
            "numberOfItems": 3, "typeOfItems": "pallets", "shipmentId": "s",
            "tces": [{"temperatureControl": "ambient"}],
        });
        let expected = json!({"shipmentId": "s", "tces": [{}]});
        assert_eq!(modernized(ObjectKind::Shipment, &data), expected);
    }

    #[test]
    fn a_draft_is_recognised_by_an_old_schema_or_by_content() {
        for (schema, expected) in [
            (
                "https://api.ileap.sine.dev/service-footprint.json",
                ObjectKind::Shipment.data_schema(),
            ),
            // Not ours to guess: the rules name it.
            ("https://example.org/x.json", "https://example.org/x.json"),
        ] {
            let data = json!({"shipmentId": "s", "tces": [{}], "numberOfItems": 3});
            let mut footprint = json!({"extensions": [{"dataSchema": schema, "data": data}]});
            modernize_footprint(&mut footprint);
            let extension = &footprint["extensions"][0];
            assert_eq!(extension["dataSchema"], expected);
            assert_eq!(extension["data"], json!({"shipmentId": "s", "tces": [{}]}));
        }
    }

    #[test]
    fn feedstocks_of_an_activity_become_those_of_its_carrier() {
        let draft = json!([{"feedstock": "Fossil", "feedstockPercentage": 100}]);
        let moved = json!([{"feedstock": "Fossil", "feedstockShare": "1"}]);
        let own = json!([{"feedstock": "Grid"}]);
        for (carriers, expected) in [
            (
                json!([{}]),
                json!([{"relativeShare": "1", "feedstocks": moved}]),
            ),
            (
                json!([{"feedstocks": own}]),
                json!([{"relativeShare": "1", "feedstocks": own}]),
            ),
            (
                json!([{"feedstocks": own}, {}]),
                json!([{"feedstocks": own}, {}]),
            ),
        ] {
            let mut tad = json!({"energyCarriers": carriers, "feedstocks": draft});
            modernize_tad(&mut tad);
            assert_eq!(tad, json!({"energyCarriers": expected}));
        }
        // Whose they are is not known.
        let mut tad = json!({"energyCarriers": [{}, {}], "feedstocks": draft});
        let expected = tad.clone();
        modernize_tad(&mut tad);
        assert_eq!(tad, expected);
    }

    #[test]
    fn an_activity_of_a_draft_is_read() {
        let mut tad = crate::fixtures::tads()[0].clone();
        let members = tad.as_object_mut().unwrap();
        members.remove("energyCarriers");
        let id = members.remove("consignmentIds").unwrap()[0].clone();
        members.insert("consignmentId".to_owned(), id.clone());
        members.insert("energyCarrier".to_owned(), "Diesel".into());
        members.insert(
            "feedstocks".to_owned(),
            json!([{"feedstock": "Fossil", "feedstockPercentage": 100}]),
        );
        modernize_tad(&mut tad);
        assert_eq!(tad["consignmentIds"], json!([id]));
        let carrier = json!([{
            "energyCarrier": "Diesel", "relativeShare": "1",
            "feedstocks": [{"feedstock": "Fossil", "feedstockShare": "1"}],
        }]);
        assert_eq!(tad["energyCarriers"], carrier);
        assert_eq!(tad.get("feedstocks"), None);
        let findings = judge_tad(&tad);
        assert!(
            findings
                .iter()
                .all(|finding| finding.severity == Severity::Warning),
            "{findings:?}"
        );
    }

    #[test]
    fn the_examples_with_names_of_drafts_become_right() {
        for example in [
            include_str!("../tests/fixtures/negative/appendixb-toc.json"),
            include_str!("../tests/fixtures/negative/appendixb-hoc.json"),
        ] {
            let mut footprint = serde_json::from_str(example).unwrap();
            let errors = |footprint: &Value| {
                let findings = judge_footprint(footprint).into_iter();
                let is_of_ileap = |finding: &Finding| finding.pointer.starts_with("/extensions");
                let errors = findings.filter(|finding| finding.severity == Severity::Error);
                errors.filter(is_of_ileap).collect::<Vec<_>>()
            };
            assert_ne!(errors(&footprint), []);
            modernize_footprint(&mut footprint);
            assert_eq!(errors(&footprint), []);
        }
    }

    #[test]
    fn what_is_of_1_0_0_or_of_others_stays_as_it_is() {
        let samples = include_str!("../../ileap-server/sample-data/footprints.json");
        let samples: Vec<Value> = serde_json::from_str(samples).unwrap();
        for original in samples {
            let mut footprint = original.clone();
            modernize_footprint(&mut footprint);
            assert_eq!(footprint, original);
        }
        let foreign = json!({"extensions": [{
            "specVersion": "0.2.0", "dataSchema": "https://example.org/other.json",
            "data": {"co2eIntensityThroughput": "tkm"},
        }]});
        let mut footprint = foreign.clone();
        modernize_footprint(&mut footprint);
        assert_eq!(footprint, foreign);
    }
}
