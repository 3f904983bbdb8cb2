//! The document's data model is the one that imports are judged by.

use std::collections::BTreeSet;

use ileap_types::rules::{Finding, RuleId, Severity, judge_footprint, judge_tad};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::Document;
use crate::harness::TestServer;

const FOOTPRINTS: &str = include_str!("../../../sample-data/footprints.json");
const TADS: &str = include_str!("../../../sample-data/tads.json");

/// One event of each type.
pub(super) fn events() -> Vec<Value> {
    let event = |kind: &str, data: Value| {
        json!({
            "specversion": "1.0",
            "id": kind,
            "source": "//partner.example",
            "time": "2026-01-01T00:00:00Z",
            "type": format!("org.wbcsd.pathfinder.{kind}.v1"),
            "data": data,
        })
    };
    let id = "0d1f7a42-6b1c-4a57-9c2a-7b0f0b6b1c11";
    let error = json!({"code": "NotFound", "message": "none"});
    vec![
        event("ProductFootprint.Published", json!({"pfIds": [id]})),
        event(
            "ProductFootprintRequest.Created",
            json!({"pf": {"productIds": ["urn:x:y"]}}),
        ),
        event(
            "ProductFootprintRequest.Fulfilled",
            json!({"requestEventId": "1", "pfs": []}),
        ),
        event(
            "ProductFootprintRequest.Rejected",
            json!({"requestEventId": "1", "error": error}),
        ),
    ]
}

/// An object type of the document, and what judges its instances.
struct Model<'a> {
    document: &'a Document,
    judge: fn(&Value) -> Vec<Finding>,
    schema: &'static str,
    /// The schemas of objects that an instance was seen of.
    seen: BTreeSet<String>,
    validator: Validator,
}

impl<'a> Model<'a> {
    fn new(
        document: &'a Document,
        schema: &'static str,
        judge: fn(&Value) -> Vec<Finding>,
    ) -> Self {
        Self {
            document,
            judge,
            schema,
            seen: BTreeSet::new(),
            validator: document.validator(schema),
        }
    }

    /// Takes away and spoils each member of each object in `instance`, one at a time.
    fn probe(&mut self, instance: &Value) {
        let is_valid = self.validator.is_valid(instance);
        assert!(is_valid && !self.refuses(instance, ""), "{instance}");
        self.probe_object(instance, "", self.schema);
    }

    fn probe_object(&mut self, instance: &Value, at: &str, schema: &str) {
        self.seen.insert(schema.to_owned());
        let object = instance.pointer(at).unwrap();
        let described = self.document.at(schema);
        let Some(properties) = described.get("properties").and_then(Value::as_object) else {
            return;
        };
        let undescribed = object
            .as_object()
            .unwrap()
            .keys()
            .find(|name| !properties.contains_key(*name));
        assert_eq!(undescribed, None, "{schema}");
        let required: Vec<Value> = described
            .get("required")
            .map_or_else(Vec::new, |names| names.as_array().unwrap().clone());
        for name in properties.keys() {
            let member = format!("{at}/{name}");
            let is_required = required.contains(&name.as_str().into());
            assert_eq!(
                self.misses(instance, at, name),
                is_required,
                "{schema}/{name}"
            );
            let property = self
                .document
                .resolved(&format!("{schema}/properties/{name}"));
            self.assert_type_matters(instance, (at, name), &property);
            self.probe_value(instance, &member, &property);
        }
    }

    fn probe_value(&mut self, instance: &Value, at: &str, schema: &str) {
        match instance.pointer(at) {
            Some(Value::Object(_)) => self.probe_object(instance, at, schema),
            Some(Value::Array(items)) => {
                let schema = self.document.resolved(&format!("{schema}/items"));
                for index in 0..items.len() {
                    self.probe_value(instance, &format!("{at}/{index}"), &schema);
                }
            }
            _ => {}
        }
    }

    /// Whether the rules miss a member that is taken away.
    fn misses(&self, instance: &Value, at: &str, name: &str) -> bool {
        let mut without = instance.clone();
        without
            .pointer_mut(at)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(name);
        let pointer = format!("{at}/{name}");
        (self.judge)(&without)
            .iter()
            .any(|finding| finding.rule == RuleId::P01 && finding.pointer == pointer)
    }

    /// A value of another type is refused by the document and by the rules.
    fn assert_type_matters(&self, instance: &Value, (at, name): (&str, &str), schema: &str) {
        let is_boolean = self.document.at(schema)["type"] == "boolean";
        let wrong = if is_boolean { json!("x") } else { json!(true) };
        let mut spoiled = instance.clone();
        spoiled.pointer_mut(at).unwrap()[name] = wrong;
        let is_valid = self.validator.is_valid(&spoiled);
        assert!(!is_valid, "{schema} {at}/{name}");
        assert!(
            self.refuses(&spoiled, &format!("{at}/{name}")),
            "{schema} {at}/{name}"
        );
    }

    fn refuses(&self, instance: &Value, at: &str) -> bool {
        (self.judge)(instance)
            .iter()
            .any(|finding| finding.severity == Severity::Error && finding.pointer.starts_with(at))
    }
}

fn schemas(names: &[&str]) -> BTreeSet<String> {
    names
        .iter()
        .map(|name| format!("/components/schemas/{name}"))
        .collect()
}

#[tokio::test]
async fn footprints_are_described_as_they_are_judged() {
    let document = Document::of(&TestServer::start().await).await;
    let mut model = Model::new(
        &document,
        "/components/schemas/ProductFootprint",
        judge_footprint,
    );
    let mut footprints: Vec<Value> = serde_json::from_str(FOOTPRINTS).unwrap();
    footprints[0]["pcf"]["assurance"] = json!({"assurance": true, "providerName": "x"});
    for footprint in footprints {
        model.probe(&footprint);
    }
    let expected = [
        "Assurance",
        "CarbonFootprint",
        "DataModelExtension",
        "DataQualityIndicators",
        "EmissionFactorSource",
        "ProductFootprint",
        "ProductOrSectorSpecificRule",
    ];
    let data = "/components/schemas/DataModelExtension/properties/data".to_owned();
    let expected: BTreeSet<_> = schemas(&expected).into_iter().chain([data]).collect();
    assert_eq!(model.seen, expected);
}

#[tokio::test]
async fn activity_data_is_described_as_it_is_judged() {
    let document = Document::of(&TestServer::start().await).await;
    let mut model = Model::new(
        &document,
        "/components/schemas/TransportActivityData",
        judge_tad,
    );
    let tads: Vec<Value> = serde_json::from_str(TADS).unwrap();
    for tad in tads {
        model.probe(&tad);
    }
    let expected = [
        "EnergyCarrier",
        "Feedstock",
        "GlecDistance",
        "Location",
        "TransportActivityData",
    ];
    assert_eq!(model.seen, schemas(&expected));
}

#[tokio::test]
async fn every_field_of_activity_data_is_described_as_a_filter_and_filters() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let document = Document::of(&server).await;
    let parameters = document
        .at("/paths/~12~1ileap~1tad/get/parameters")
        .as_array()
        .unwrap();
    let described: BTreeSet<String> = parameters
        .iter()
        .filter_map(|parameter| Some(parameter.get("name")?.as_str()?.to_owned()))
        .collect();
    let mut fields = BTreeSet::new();
    leaves(
        &document,
        "/components/schemas/TransportActivityData",
        "",
        &mut fields,
    );
    assert_eq!(described, fields);
    for name in described {
        let answer = caller
            .get(&format!("/2/ileap/tad?{name}=2024-10-07T05:30:00Z"))
            .await;
        assert_eq!(answer.status(), 200, "{name}");
    }
}

/// The dotted paths to all that is neither an object nor a list of objects.
fn leaves(document: &Document, schema: &str, path: &str, found: &mut BTreeSet<String>) {
    let described = document.at(schema);
    if described.get("items").is_some() {
        let items = document.resolved(&format!("{schema}/items"));
        return leaves(document, &items, path, found);
    }
    let Some(properties) = described.get("properties").and_then(Value::as_object) else {
        found.insert(path.trim_start_matches('.').to_owned());
        return;
    };
    for name in properties.keys() {
        let property = document.resolved(&format!("{schema}/properties/{name}"));
        leaves(document, &property, &format!("{path}.{name}"), found);
    }
}
