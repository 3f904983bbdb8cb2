//! The sample data validate against every published schema that describes them.

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::{footprints, json, tads};

macro_rules! schema {
    ($file:literal) => {
        include_str!(concat!("../fixtures/schemas/", $file))
    };
}

const PACT: [(&str, &str); 4] = [
    ("2.0", schema!("openapi_v2_0.yaml")),
    ("2.1", schema!("openapi_v2_1.yaml")),
    ("2.2", schema!("openapi_v2_2.yaml")),
    ("2.3", schema!("openapi_v2_3.yaml")),
];

/// The oldest draft that knows the format `uuid`; nothing in these documents reads differently.
const PACT_DRAFT: Draft = Draft::Draft201909;

/// The end of the schema URL, the schema of the object and that of the footprint around it.
const ILEAP: [(&str, &str, &str); 3] = [
    (
        "/shipment-footprint.json",
        schema!("shipment-footprint.json"),
        schema!("pcf-shipment-footprint.json"),
    ),
    ("/toc.json", schema!("toc.json"), schema!("pcf-toc.json")),
    ("/hoc.json", schema!("hoc.json"), schema!("pcf-hoc.json")),
];

fn validator(draft: Draft, schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// The schema of a footprint in a PACT OpenAPI document, as JSON Schema.
fn pact_footprint(document: &str) -> Value {
    let mut document: Value = serde_norway::from_str(document).unwrap();
    translate_nullable(&mut document["components"]);
    json!({
        "$ref": "#/components/schemas/ProductFootprint",
        "components": document["components"],
    })
}

/// OpenAPI 3.0 writes `nullable` where JSON Schema adds a type.
fn translate_nullable(schema: &mut Value) {
    if schema.get("nullable") == Some(&Value::Bool(true))
        && let Some(kind) = schema.get("type").cloned()
    {
        schema["type"] = json!([kind, "null"]);
    }
    match schema {
        Value::Array(elements) => elements.iter_mut().for_each(translate_nullable),
        Value::Object(members) => members.values_mut().for_each(translate_nullable),
        _ => {}
    }
}

/// Two published schemas refer to a definition by another case than they define it in.
fn ileap_footprint(schema: &str) -> Value {
    let mut schema = json(schema);
    for (referred, defined) in [("Toc", "TOC"), ("Hoc", "HOC")] {
        if let Some(definition) = schema["definitions"].get(defined).cloned() {
            schema["definitions"][referred] = definition;
        }
    }
    schema
}

fn assert_valid(validator: &Validator, instance: &Value, name: &str) {
    let faults: Vec<_> = validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name}: {faults:#?} in {instance}");
}

#[test]
fn every_footprint_validates_against_pact_2_0_to_2_3() {
    for (version, document) in PACT {
        let validator = validator(PACT_DRAFT, &pact_footprint(document));
        for footprint in footprints() {
            assert_valid(&validator, &footprint, version);
        }
    }
}

#[test]
fn the_pact_schemas_do_reject_faults() {
    for (version, document) in PACT {
        let validator = validator(PACT_DRAFT, &pact_footprint(document));
        let footprint = || footprints().remove(0);
        for (pointer, value) in [
            ("/id", json!("1")),
            ("/created", json!("yesterday")),
            ("/pcf/declaredUnit", json!("piece")),
            ("/pcf/dqi", Value::Null),
            ("/pcf/crossSectoralStandardsUsed", json!([])),
        ] {
            let mut faulty = footprint();
            *faulty.pointer_mut(pointer).unwrap() = value;
            assert!(
                !validator.is_valid(&faulty),
                "{version} accepts a faulty {pointer}"
            );
        }
    }
}

#[test]
fn every_ileap_footprint_and_its_object_validate_against_ileap_1_0_0() {
    let mut judged = 0;
    for (url_end, object, footprint) in ILEAP {
        let of_object = validator(Draft::Draft7, &json(object));
        let of_footprint = validator(Draft::Draft7, &ileap_footprint(footprint));
        for footprint in footprints() {
            let extension = &footprint["extensions"][0];
            if extension["dataSchema"]
                .as_str()
                .is_some_and(|schema| schema.ends_with(url_end))
            {
                assert_valid(&of_object, &extension["data"], url_end);
                assert_valid(&of_footprint, &footprint, url_end);
                judged += 1;
            }
        }
    }
    assert_eq!(judged, 15);
}

#[test]
fn every_activity_validates_against_ileap_1_0_0() {
    let validator = validator(Draft::Draft7, &json(schema!("tad.json")));
    for tad in tads() {
        assert_valid(&validator, &tad, "tad");
    }
    assert!(!validator.is_valid(&json!({"activityId": "1"})));
}
