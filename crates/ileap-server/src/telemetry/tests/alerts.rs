//! The alerts ask for nothing that no scraper ever sees.

use super::{Metrics, everything, read};

const ALERTS: &str = include_str!("../../../../../deploy/prometheus/alerts.yml");

/// What an expression asks for: names of samples, each with what its labels must be.
fn asked(expression: &str) -> Vec<(String, Vec<(String, String)>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut asked = Vec::new();
    let mut rest = expression;
    while let Some(start) = ["ileap_", "process_"]
        .iter()
        .filter_map(|prefix| rest.find(prefix))
        .min()
    {
        rest = &rest[start..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let mut labels = Vec::new();
        rest = behind;
        if let Some(inside) = behind.strip_prefix('{') {
            let (matchers, behind) = inside.split_once('}').unwrap();
            rest = behind;
            for matcher in matchers.split(',') {
                let (label, value) = matcher.split_once('=').unwrap();
                let values = value.trim_start_matches('~').trim_matches('"');
                for value in values.split('|') {
                    labels.push((label.trim_end_matches('!').to_owned(), value.to_owned()));
                }
            }
        }
        asked.push((name.to_owned(), labels));
    }
    asked
}

fn rules() -> Vec<serde_json::Value> {
    let file: serde_json::Value = serde_norway::from_str(ALERTS).unwrap();
    let groups = file["groups"].as_array().unwrap();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn every_alert_asks_for_metrics_and_labels_that_there_are() {
    let metrics = read(&everything().render());
    let mut count = 0;
    for rule in rules() {
        let alert = rule["alert"].as_str().unwrap();
        let expression = rule["expr"].as_str().unwrap();
        // Prometheus' own, whatever is scraped.
        if expression.starts_with("up{job=\"ileap\"}") {
            continue;
        }
        let asked = asked(expression);
        assert!(!asked.is_empty(), "{alert} asks for nothing of ours");
        for (name, labels) in asked {
            let seen = metrics.values().find(|seen| seen.samples.contains(&name));
            let seen = seen.unwrap_or_else(|| panic!("{alert}: nobody sees {name}"));
            // Whoever scrapes adds the job's name.
            for (label, value) in labels.into_iter().filter(|(label, _)| label != "job") {
                let values = seen.labels.get(&label);
                let values = values.unwrap_or_else(|| panic!("{alert}: {name} has no {label}"));
                // Statuses are numbers, and asked for by their first digit.
                let is_known = label == "status" || values.contains(&value);
                assert!(
                    is_known,
                    "{alert}: {name} has {label} in {values:?}, never {value}"
                );
            }
            count += 1;
        }
    }
    assert!(count > 10, "the file has been read");
}

#[test]
fn what_happens_for_the_first_time_is_a_rise_that_an_alert_sees() {
    let text = Metrics::new().render();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut count = 0;
    for rule in rules() {
        let (alert, expression) = (&rule["alert"], rule["expr"].as_str().unwrap());
        let is_about_first_times = expression.contains("increase(") || expression.ends_with(" > 0");
        for (name, labels) in asked(expression) {
            if !name.ends_with("_total") || !is_about_first_times {
                continue;
            }
            let labels = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{value}\""));
            for label in labels.chain([String::new()]) {
                let mut shown = samples.iter().filter(|line| line.starts_with(&name));
                let is_shown = shown.any(|line| line.contains(&label) && line.ends_with(" 0"));
                assert!(is_shown, "{alert}: {name} with {label}");
                count += 1;
            }
        }
    }
    assert!(count > 10, "the file has been read");
}

/// As long as the window is, one failure keeps the rate above nothing.
#[test]
fn nobody_is_paged_by_two_short_bursts_of_failures() {
    let mut count = 0;
    for rule in rules() {
        let (alert, expression) = (&rule["alert"], rule["expr"].as_str().unwrap());
        if rule["labels"]["severity"] != "page" || !expression.contains("rate(") {
            continue;
        }
        let Some((_, window)) = expression
            .strip_suffix("m])) > 0")
            .and_then(|e| e.rsplit_once('['))
        else {
            continue;
        };
        let minutes = |text: &str| text.trim_end_matches('m').parse::<u32>().unwrap();
        let lasting = minutes(rule["for"].as_str().unwrap());
        assert!(
            lasting > 2 * minutes(window),
            "{alert} lasts {lasting}m of [{window}m]"
        );
        count += 1;
    }
    assert_eq!(count, 3, "the file has been read");
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    for rule in rules() {
        let alert = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str();
        assert!(
            matches!(severity, Some("page" | "ticket")),
            "{alert}: {severity:?}"
        );
        for text in ["summary", "remedy"] {
            assert!(
                rule["annotations"][text].is_string(),
                "{alert} has no {text}"
            );
        }
        let name = format!("`{alert}`");
        let manual = include_str!("../../../../../docs/operations.md");
        assert!(
            manual.contains(&name),
            "{alert} is not in the operations manual"
        );
    }
}

#[test]
fn a_matcher_is_read_with_its_alternatives() {
    assert_eq!(
        asked(r#"sum(rate(ileap_x_total{cause=~"a|b"}[5m])) > 0"#),
        [(
            "ileap_x_total".to_owned(),
            vec![
                ("cause".to_owned(), "a".to_owned()),
                ("cause".to_owned(), "b".to_owned())
            ]
        )]
    );
}
