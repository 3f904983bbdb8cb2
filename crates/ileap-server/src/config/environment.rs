//! Environment variables: Clerk's and OpenTelemetry's own, then ours, which go before them.

use super::{
    keys::{self, Key, Kind},
    reader::{Reader, Value},
    values,
};

/// Variables that other parts of the program read.
const OTHER_VARIABLES: [&str; 4] = [
    "ILEAP_CONFIG",
    "ILEAP_CLIENT_ID",
    "ILEAP_CLIENT_SECRET",
    "ILEAP_PARTNER_SECRET",
];

/// Clerk's own variables, and the keys they stand for.
const CLERK_VARIABLES: [(&str, &str); 3] = [
    ("CLERK_PUBLISHABLE_KEY", "verifier.clerk.publishable_key"),
    ("CLERK_SECRET_KEY", "verifier.clerk.secret_key_file"),
    (
        "CLERK_WEBHOOK_SIGNING_SECRET",
        "verifier.clerk.webhook_signing_secret_file",
    ),
];

/// OpenTelemetry's variables, the one that goes before the other last. The rest of them is for its exporter.
const OTEL_VARIABLES: [(&str, &str); 2] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""),
];

/// Reads every variable.
pub(super) fn read(environment: Vec<(String, String)>, reader: &mut Reader) {
    let (ours, others): (Vec<_>, Vec<_>) = environment
        .into_iter()
        .partition(|(name, _)| name.starts_with("ILEAP_"));
    for (name, value) in &others {
        let clerks = CLERK_VARIABLES.iter().find(|(clerks, _)| clerks == name);
        if let Some(key) = clerks.and_then(|(_, path)| keys::find(path)) {
            read_clerks(key, name, value.trim(), reader);
        }
    }
    for (variable, path) in OTEL_VARIABLES {
        let value = others.iter().rfind(|(name, _)| name == variable);
        if let (Some(key), Some((_, value))) = (keys::find("traces.endpoint"), value)
            && !value.trim().is_empty()
        {
            let value = format!("{}{path}", value.trim().trim_end_matches('/'));
            reader.take(key, place(variable), Value::One(value));
        }
    }
    for (name, value) in ours {
        read_own(&name, value.trim(), reader);
    }
}

fn read_clerks(key: &'static Key, name: &str, value: &str, reader: &mut Reader) {
    if value.is_empty() {
        return pass_over_empty(name, reader);
    }
    let value = if key.path.ends_with("_file") {
        Value::Secret(value.into())
    } else {
        Value::One(value.to_owned())
    };
    reader.take(key, place(name), value);
}

fn read_own(name: &str, value: &str, reader: &mut Reader) {
    if OTHER_VARIABLES.contains(&name) {
        return;
    }
    let path = name
        .strip_prefix("ILEAP_")
        .unwrap_or(name)
        .to_ascii_lowercase()
        .replace("__", ".");
    let is_ours = |key: &&Key| key.variable() == name;
    match keys::find(&path).filter(is_ours) {
        Some(_) if value.is_empty() => pass_over_empty(name, reader),
        Some(key) => {
            let value = match key.kind {
                Kind::List => Value::Many(values::list(value)),
                _ => Value::One(value.to_owned()),
            };
            reader.take(key, place(name), value);
        }
        None if is_in_a_section(&path) => reader.unknown(place(name), &path, Key::variable),
        None => reader.pass_over(format!(
            "{} is not one of ileap's and is ignored",
            place(name)
        )),
    }
}

fn is_in_a_section(path: &str) -> bool {
    path.split_once('.')
        .is_some_and(|(section, _)| keys::is_section(section))
}

/// Compositions and manifests set variables to nothing when they mean "not set".
fn pass_over_empty(name: &str, reader: &mut Reader) {
    reader.pass_over(format!("{} is empty and counts as not set", place(name)));
}

fn place(name: &str) -> String {
    format!("environment variable {name}")
}
