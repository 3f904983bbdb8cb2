//! The published JSON Schemas, compiled once.

use std::{cmp::Reverse, sync::LazyLock};

use jsonschema::{Draft, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json};

use crate::case::PactVersion;

macro_rules! schema {
    ($file:literal) => {
        include_str!(concat!("../fixtures/schemas/", $file))
    };
}

/// The oldest draft that knows the format `uuid`; nothing in these documents reads differently.
const PACT_DRAFT: Draft = Draft::Draft201909;
/// The most faults of one record that are looked at.
const MOST_FAULTS: usize = 50;
/// How much of a fault's text is kept: it quotes the record.
const MOST_CHARS: usize = 240;

static SHIPMENT: LazyLock<Option<Validator>> =
    LazyLock::new(|| ileap(schema!("shipment-footprint.json")));
static TOC: LazyLock<Option<Validator>> = LazyLock::new(|| ileap(schema!("toc.json")));
static HOC: LazyLock<Option<Validator>> = LazyLock::new(|| ileap(schema!("hoc.json")));
static TAD: LazyLock<Option<Validator>> = LazyLock::new(|| ileap(schema!("tad.json")));
static PACT_20: LazyLock<Option<Validator>> = LazyLock::new(|| pact(schema!("openapi_v2_0.yaml")));
static PACT_21: LazyLock<Option<Validator>> = LazyLock::new(|| pact(schema!("openapi_v2_1.yaml")));
static PACT_22: LazyLock<Option<Validator>> = LazyLock::new(|| pact(schema!("openapi_v2_2.yaml")));
static PACT_23: LazyLock<Option<Validator>> = LazyLock::new(|| pact(schema!("openapi_v2_3.yaml")));

/// A published schema.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schema {
    Footprint(PactVersion),
    Hoc,
    Shipment,
    Tad,
    Toc,
}

/// One way in which a record does not match.
#[derive(Debug)]
pub(crate) struct Fault {
    /// From the record's root.
    pub(crate) pointer: String,
    pub(crate) text: String,
    pub(crate) kind: FaultKind,
}

/// Which rule a fault is one of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FaultKind {
    /// A value outside a closed list.
    Enum,
    /// The same element twice.
    Repeated,
    /// Types, forms, what is missing.
    Shape,
}

impl Schema {
    /// Every way in which `record` does not match.
    pub(crate) fn faults(self, record: &Value) -> Vec<Fault> {
        let Some(validator) = self.validator() else {
            return vec![Fault {
                pointer: String::new(),
                text: "this suite cannot read its schema: please report it".to_owned(),
                kind: FaultKind::Shape,
            }];
        };
        let mut faults = Vec::new();
        for error in validator.iter_errors(record).take(MOST_FAULTS) {
            add(&error, &mut faults);
        }
        faults
    }

    fn validator(self) -> Option<&'static Validator> {
        match self {
            Self::Footprint(PactVersion::V20) => PACT_20.as_ref(),
            Self::Footprint(PactVersion::V21) => PACT_21.as_ref(),
            Self::Footprint(PactVersion::V22) => PACT_22.as_ref(),
            Self::Footprint(PactVersion::V23) => PACT_23.as_ref(),
            Self::Hoc => HOC.as_ref(),
            Self::Shipment => SHIPMENT.as_ref(),
            Self::Tad => TAD.as_ref(),
            Self::Toc => TOC.as_ref(),
        }
    }
}

/// Of alternatives that all fail, the one that the record comes nearest to says more than that they do: the one whose
/// faults lie deepest, and are fewest.
fn add(error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        error.kind()
    else {
        faults.push(fault(error));
        return;
    };
    // Nobody who sent something meant nothing.
    let is_null = |errors: &&Vec<ValidationError<'_>>| {
        errors
            .iter()
            .all(|inner| inner.to_string().ends_with("of type \"null\""))
    };
    let alternatives: Vec<_> = context.iter().filter(|errors| !is_null(errors)).collect();
    let depth = |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
    let nearest = alternatives.iter().max_by_key(|errors| {
        let deepest = errors.iter().map(depth).max();
        (deepest, Reverse(errors.len()))
    });
    let is_told = |errors: &&&Vec<ValidationError<'_>>| {
        alternatives.len() == 1 || errors.iter().any(|inner| depth(inner) > depth(error))
    };
    match nearest.filter(is_told) {
        Some(errors) => errors.iter().for_each(|inner| add(inner, faults)),
        None => faults.push(fault(error)),
    }
}

fn fault(error: &ValidationError<'_>) -> Fault {
    Fault {
        pointer: error.instance_path().as_str().to_owned(),
        text: text_of(error),
        kind: match error.kind() {
            ValidationErrorKind::Enum { .. } => FaultKind::Enum,
            ValidationErrorKind::UniqueItems => FaultKind::Repeated,
            _ => FaultKind::Shape,
        },
    }
}

/// Whole objects are not quoted: the pointer says where they are.
fn text_of(error: &ValidationError<'_>) -> String {
    let instance = error.instance();
    let text = if instance.is_object() || instance.is_array() {
        error.masked().to_string()
    } else {
        error.to_string()
    };
    text.chars().take(MOST_CHARS).collect()
}

fn ileap(text: &str) -> Option<Validator> {
    compiled(Draft::Draft7, &serde_json::from_str(text).ok()?)
}

fn pact(text: &str) -> Option<Validator> {
    let mut document: Value = serde_norway::from_str(text).ok()?;
    let components = document.get_mut("components")?;
    translate_nullable(components);
    let schema = json!({
        "$ref": "#/components/schemas/ProductFootprint",
        "components": components.take(),
    });
    compiled(PACT_DRAFT, &schema)
}

fn compiled(draft: Draft, schema: &Value) -> Option<Validator> {
    let options = jsonschema::options();
    let options = options.with_draft(draft).should_validate_formats(true);
    options.build(schema).ok()
}

/// OpenAPI 3.0 writes `nullable` where JSON Schema adds a type.
fn translate_nullable(schema: &mut Value) {
    match schema {
        Value::Array(elements) => elements.iter_mut().for_each(translate_nullable),
        Value::Object(members) => {
            if members.get("nullable") == Some(&Value::Bool(true))
                && let Some(kind) = members.get("type").cloned()
            {
                members.insert("type".to_owned(), json!([kind, "null"]));
            }
            members.values_mut().for_each(translate_nullable);
        }
        _ => {}
    }
}
