//! What people and machines read.

use ileap_conformance::{Profile, Severity, case::Verdict, options, report};
use serde_json::json;

use crate::{
    data::conformant,
    host::Host,
    options::{everything, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn no_report_holds_a_secret_or_a_token() {
    for fault in [
        "cors",
        "token-type",
        "stored",
        "long-life",
        "no-nosniff",
        "data-null",
        "token-camel",
        "token-nested",
        "token-bom",
        "token-broken",
        "echo",
        "echo-refusal",
    ] {
        let base = Host::start(conformant(), fault).await;
        let report = run(&everything(&base)).await;
        let all = [
            report::json(&report).to_string(),
            report::junit(&report),
            report::html(&report),
            report.cases.iter().map(report::details).collect(),
            report::summary(&report),
        ];
        for text in all {
            for secret in ["pathfinder-", "c2lnbmF0dXJl", crate::host::EXPIRED_TOKEN] {
                assert!(!text.contains(secret), "{fault}: {secret}");
            }
            assert!(
                !text.contains("hello:pathfinder") && !text.contains("aGVsbG86"),
                "{fault}"
            );
            // Both with each byte as %XX.
            assert!(!text.contains("JTY4JTY1"), "{fault}");
            // The claims of the host's tokens.
            assert!(!text.contains("eyJleHAiO"), "{fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_sends_is_text_in_every_report() {
    let mut data = conformant();
    let evil = "<script>alert(1)</script>\u{1b}[31m & \"quoted\" ]]>";
    data.footprints[0]["status"] = json!(evil);
    let base = Host::start(data, "").await;
    let report = run(&everything(&base)).await;
    let html = report::html(&report);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert!(!html.contains("http-equiv=\"refresh\"") && !html.contains("src="));
    let junit = report::junit(&report);
    assert!(!junit.contains("<script") && !junit.contains('\u{1b}'));
    assert!(junit.contains("<failure"));
    // Each case stands there once, though groups take turns.
    assert_eq!(junit.matches("<testcase").count(), report.cases.len());
    assert_eq!(html.matches("<details").count(), report.cases.len());
    for case in &report.cases {
        let text = report::case_line(case) + &report::details(case);
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let broken = report
        .cases
        .iter()
        .find(|case| case.address == "data/p02")
        .unwrap();
    assert_eq!(broken.problems.listed[0].pointer, "/data/0/status");
    assert!(broken.exchange.as_ref().unwrap().curl.contains("$TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_nothing_and_shows_what_to_fix_first() {
    let base = Host::start(conformant(), "nobody").await;
    let report = run(&everything(&base)).await;
    let html = report::html(&report);
    assert!(html.contains("<h1>Not conformant</h1>"));
    for outward in ["src=", "url(", "@import", "<link", "http-equiv=\"refresh"] {
        assert!(!html.contains(outward), "{outward}");
    }
    let targets: Vec<_> = html
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(targets[0], "#pact-tc18");
    for target in targets {
        let id = target.strip_prefix('#').unwrap();
        assert!(html.contains(&format!("<details id=\"{id}\"")), "{id}");
    }
    let against = report.cases.iter().filter(|case| case.is_against()).count();
    assert_eq!(html.matches("\" open>").count(), against);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_told_in_short_what_files_hold_in_full() {
    let mut data = conformant();
    let names = [
        "id",
        "specVersion",
        "version",
        "created",
        "companyName",
        "productIds",
        "comment",
    ];
    for footprint in &mut data.footprints {
        for name in names {
            footprint[name] = json!({});
        }
    }
    let base = Host::start(data, "").await;
    let mut options = everything(&base);
    options.cases = vec!["data/p01".to_owned()];
    let report = run(&options).await;
    let problems = &report.cases[0].problems;
    assert!(problems.listed.len() >= names.len(), "{problems:?}");
    assert!(
        problems.listed.iter().all(|problem| problem.also == 5),
        "what is wrong with each of six footprints is said once: {problems:?}"
    );
    let terminal = report::details(&report.cases[0]);
    assert_eq!(terminal.matches("      at  ").count(), 5, "{terminal}");
    assert!(terminal.contains("(and in 5 other places)"), "{terminal}");
    let html = report::html(&report);
    assert_eq!(
        html.matches("<li><code>/data/").count(),
        problems.listed.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recommended_case_warns_unless_its_profile_is_named() {
    let base = Host::start(conformant(), "stored").await;
    let mut options = everything(&base);
    options.profiles.clear();
    options.cases.clear();
    let report = run(&options).await;
    let case = report
        .cases
        .iter()
        .find(|case| case.address == "auth/no-store")
        .unwrap();
    assert_eq!(
        (case.verdict, case.severity),
        (Verdict::Warn, Severity::Recommended)
    );
    assert!(report.is_conformant(), "{}", report.sentence());
    options.profiles = vec![Profile::Ileap];
    let report = run(&options).await;
    assert_eq!(report.count(Verdict::Fail), 1);
    assert!(!report.is_conformant());
    assert_eq!(report.fix_first().unwrap().address, "auth/no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_is_partial_and_not_conformant() {
    let base = Host::start(conformant(), "").await;
    let options = everything(&base);
    let report = ileap_conformance::run(&options, |_| {}, std::future::ready(()))
        .await
        .unwrap();
    assert!(report.is_partial && !report.is_conformant());
    assert!(report.sentence().contains("interrupted"));
    let junit = report::junit(&report);
    assert!(
        junit.contains("failures=\"1\"") && junit.contains("<failure"),
        "{junit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_do_not_follow_discovery_elsewhere_unless_allowed() {
    let base = Host::start(conformant(), "foreign-token-endpoint").await;
    let report = run(&everything(&base)).await;
    let sent = report
        .cases
        .iter()
        .filter_map(|case| case.exchange.as_ref());
    assert!(
        sent.into_iter()
            .all(|exchange| !exchange.curl.contains("elsewhere.invalid"))
    );
}

#[test]
fn cases_that_are_named_run_whatever_profile_they_are_in() {
    let chosen = options::select(&[], &["hardening/token".to_owned()]);
    assert!(chosen.len() > 4);
    let chosen = options::select(&[], &[]);
    assert!(
        chosen
            .iter()
            .all(|case| case.group() != "hardening" && case.group() != "act")
    );
    let chosen = options::select(&[Profile::Pact20], &["pact/tc12".to_owned()]);
    assert_eq!(
        chosen[0].severity(&[Profile::Pact20]),
        Severity::Recommended
    );
    assert_eq!(chosen[0].severity(&[Profile::Pact22]), Severity::Required);
}
