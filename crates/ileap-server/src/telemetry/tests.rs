//! What a scraper sees, what the manual says of it, and what the alerts ask of it.

mod alerts;
mod fields;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::SignedDuration;

use super::*;
use crate::{
    http::{endpoint::Endpoint, failure},
    manual,
    store::outbox::OutboxDepth,
    token::KeyState,
};

const VERIFIERS: [&str; 3] = ["clerk_backend", "clerk_frontend", "static_users"];
/// Labels whose values are listed elsewhere, or are numbers.
const LISTED_ELSEWHERE: [&str; 6] = ["cause", "endpoint", "le", "reason", "status", "version"];
/// Has reasons of its own.
const TURNED_AWAY: &str = "ileap_http_connections_turned_away";

/// Metrics on which everything has happened once.
fn everything() -> Metrics {
    let metrics = Metrics::new();
    let while_ = Duration::from_millis(3);
    for endpoint in Endpoint::ALL {
        let known = KnownEndpoint::default();
        metrics.answered((endpoint.as_str(), &known), 200, while_);
        for cause in causes().into_keys() {
            metrics.failed(endpoint.as_str(), cause.leak());
        }
    }
    for verifier in VERIFIERS {
        for outcome in VerifyOutcome::ALL {
            metrics.verified(verifier, outcome, while_);
        }
    }
    for answer in KnownGoodAnswer::ALL {
        metrics.known_good(answer);
    }
    for outcome in WebhookOutcome::ALL {
        metrics.webhook(outcome);
    }
    for is_active in [true, false] {
        metrics.introspected(is_active);
    }
    for outcome in RevocationOutcome::ALL {
        metrics.revoked(outcome);
    }
    for state in [KeyState::Published, KeyState::Active, KeyState::Retiring] {
        metrics.signing_keys(state.as_str(), 1);
    }
    metrics.signing_key_age(SignedDuration::from_secs(1));
    metrics.signing_key_trouble(true);
    for part in ["worker", "publisher", "leases", "tidying"] {
        metrics.delivered(part, "restarted");
    }
    for task in ["answer", "fetch", "keep", "publish"] {
        for outcome in ["done", "retry", "dead"] {
            metrics.delivered(task, outcome);
        }
    }
    let depth = OutboxDepth {
        dead: 1,
        ..OutboxDepth::default()
    };
    metrics.outbox(&depth, SignedDuration::from_secs(1));
    metrics.objects_refused(1);
    for reason in reasons().into_keys() {
        metrics.client_refused(reason.leak());
    }
    for budget in ["account", "address", "all"] {
        metrics.held_back(budget);
    }
    for api in ["backend", "frontend"] {
        for outcome in ClerkCallOutcome::ALL {
            metrics.called_clerk(api, outcome, Some(while_));
        }
        metrics.clerk_breaker(api, true);
    }
    for database in ["sqlite", "postgresql"] {
        metrics.store_answered(database, true, while_);
    }
    for cache in [
        "addresses",
        "encodings",
        "issued_tokens",
        "right_credentials",
        "spent_accounts",
        "unknown_users",
        "users",
        "verified_tokens",
        "wrong_credentials",
    ] {
        metrics.remembered(cache, 1);
    }
    for outcome in ["written", "lost"] {
        metrics.audited(outcome);
    }
    for reason in edge::Turned::ALL {
        metrics.edge.turned_away(reason);
    }
    for outcome in edge::Reload::ALL {
        metrics.edge.config_reloaded(outcome);
        metrics.edge.certificate_reloaded(outcome);
    }
    metrics.edge.certificate_expires(1);
    metrics
}

/// The stable names of an enum's variants, from the arms of its `as_str`.
fn names(source: &str) -> BTreeMap<String, String> {
    let arm = |line: &str| {
        let (pattern, name) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
        Some((identifier(pattern), name.strip_suffix("\",")?.to_owned()))
    };
    source.lines().filter_map(arm).collect()
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

/// The names of an enum's variants, and what their doc comments say.
fn meanings(source: &str, declaration: &str) -> BTreeMap<String, String> {
    let names = names(source);
    let documented = manual::documented(source, declaration).into_iter();
    documented
        .filter_map(|(line, meaning)| Some((names.get(&identifier(&line))?.clone(), meaning)))
        .collect()
}

/// Why requests fail, and what the source says of it.
fn causes() -> BTreeMap<String, String> {
    let mut causes = meanings(failure::SOURCE, "pub enum Cause");
    let gone = "The client hung up before its answer.";
    causes.insert("client_gone".to_owned(), gone.to_owned());
    causes
}

/// Why clients are refused, and what the source says of it.
fn reasons() -> BTreeMap<String, String> {
    let mut reasons = meanings(include_str!("../verify.rs"), "pub enum RejectReason");
    let no_role = "The account holds no role, and there is no default.";
    reasons.insert("no_role".to_owned(), no_role.to_owned());
    reasons
}

/// One metric as a scraper sees it.
#[derive(Debug, Default)]
struct Seen {
    help: String,
    kind: String,
    /// Names of its samples.
    samples: BTreeSet<String>,
    /// Its labels' values.
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// An exposition, read the way a scraper reads it.
fn read(text: &str) -> BTreeMap<String, Seen> {
    let mut metrics: BTreeMap<String, Seen> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            current = name.to_owned();
            metrics.entry(current.clone()).or_default().help = help.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            metrics.get_mut(name).unwrap().kind = kind.to_owned();
        } else if !line.starts_with('#') {
            let (sample, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            assert!(name.starts_with(&current), "{name} belongs to {current}");
            let seen = metrics.get_mut(&current).unwrap();
            seen.samples.insert(name.to_owned());
            for label in labels
                .trim_end_matches('}')
                .split(',')
                .filter(|label| !label.is_empty())
            {
                let (label, value) = label.split_once('=').unwrap();
                let values = seen.labels.entry(label.to_owned()).or_default();
                values.insert(value.trim_matches('"').to_owned());
            }
        }
    }
    metrics
}

#[test]
fn metrics_render_as_openmetrics_text() {
    let metrics = Metrics::new();
    let known = KnownEndpoint::default();
    metrics.answered(("token", &known), 200, Duration::from_millis(3));
    metrics.failed("token", "client_refused");
    metrics.verified(
        "clerk_frontend",
        VerifyOutcome::Refused,
        Duration::from_millis(90),
    );
    let connection = metrics.connected();
    let text = metrics.render();
    for line in [
        r#"ileap_http_requests_total{endpoint="token",status="200"} 1"#,
        r#"ileap_http_failures_total{endpoint="token",cause="client_refused"} 1"#,
        r#"ileap_verifications_total{verifier="clerk_frontend",outcome="refused"} 1"#,
        r#"ileap_verify_duration_seconds_count{verifier="clerk_frontend"} 1"#,
        "ileap_http_connections 1",
        concat!(
            "ileap_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        ),
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    drop(connection);
    assert!(metrics.render().contains("ileap_http_connections 0"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_scraper_reads_what_the_process_uses() {
    let text = Metrics::new().render();
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} in\n{text}"));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_open_fds") >= 3.0);
    assert!(value("process_max_fds") > value("process_open_fds"));
    assert!(value("process_time_seconds") > value("process_start_time_seconds"));
    assert!(value("process_threads") >= 1.0);
    assert!(value("process_start_time_seconds") > 1.7e9, "after 2023");
    assert!(value("process_cpu_seconds_total") >= 0.0);
}

#[test]
fn no_label_is_made_of_what_callers_send() {
    let known = [
        "answer", "api", "budget", "cache", "cause", "database", "endpoint", "le", "outcome",
        "reason", "state", "status", "task", "verifier", "version",
    ];
    for (name, seen) in read(&everything().render()) {
        let strange = seen
            .labels
            .keys()
            .find(|label| !known.contains(&label.as_str()));
        assert!(strange.is_none(), "{name} has the label {strange:?}");
    }
}

/// Linux alone: elsewhere the process says nothing of itself.
#[cfg(target_os = "linux")]
#[test]
fn the_metrics_in_the_operations_manual_are_those_a_scraper_sees() {
    let row = |(name, seen): (String, Seen)| {
        let suffix = match seen.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels = seen.labels.iter().filter(|(label, _)| *label != "le");
        let labels: Vec<_> = labels
            .map(|(label, values)| {
                if LISTED_ELSEWHERE.contains(&label.as_str()) && name != TURNED_AWAY {
                    return format!("`{label}`");
                }
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("`{label}` ({})", values.join(", "))
            })
            .collect();
        let name = format!("{}{suffix}", name.trim_end_matches(suffix));
        let meaning = seen.help.trim_end_matches('.').to_owned();
        vec![format!("`{name}`"), labels.join(", "), meaning]
    };
    let rows = read(&everything().render()).into_iter().map(row);
    let table = manual::table(&["metric", "labels", "meaning"], rows);
    manual::hold("metrics", &table);
}

#[test]
fn the_causes_in_the_operations_manual_are_those_of_the_code() {
    let row = |(name, meaning)| vec![format!("`{name}`"), meaning];
    let table = manual::table(&["cause", "meaning"], causes().into_iter().map(row));
    manual::hold("causes", &table);
}

#[test]
fn the_reasons_in_the_operations_manual_are_those_of_the_code() {
    let row = |(name, meaning)| vec![format!("`{name}`"), meaning];
    let table = manual::table(&["reason", "meaning"], reasons().into_iter().map(row));
    manual::hold("reasons", &table);
}
