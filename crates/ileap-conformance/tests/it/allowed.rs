//! What the specifications leave open is not held against a host.

use std::time::Duration;

use ileap_conformance::{Profile, Report, case::Verdict};

use crate::{
    data::{Data, SHIPMENT, conformant},
    host::Host,
    options::{everything, run},
};

/// Addresses of the cases that ended so.
fn ended(report: &Report, verdict: Verdict) -> Vec<&'static str> {
    let cases = report.cases.iter();
    let ended = cases.filter(|case| case.verdict == verdict);
    ended.map(|case| case.address).collect()
}

fn verdict(report: &Report, address: &str) -> (Verdict, String) {
    let case = report.cases.iter().find(|case| case.address == address);
    let case = case.unwrap();
    (case.verdict, case.reason.clone())
}

async fn judged(data: Data, fault: &'static str) -> Report {
    let base = Host::start(data, fault).await;
    run(&everything(&base)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_ignores_all_filters_fails_the_one_case_that_demands_them() {
    let report = judged(conformant(), "filters-ignored").await;
    assert_eq!(
        ended(&report, Verdict::Fail),
        ["ileap/tc005"],
        "{report:#?}"
    );
    assert_eq!(ended(&report, Verdict::Warn), [""; 0], "{report:#?}");
    for address in ["pact/tc20", "filter/tad-unknown", "paging/filter-kept"] {
        assert_eq!(verdict(&report, address).0, Verdict::Skip, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_union_of_filters_is_remarked_upon_and_no_failure() {
    let report = judged(conformant(), "tad-or-across").await;
    let (verdict, reason) = verdict(&report, "filter/tad-and");
    assert_eq!(verdict, Verdict::Warn, "{reason}");
    assert!(report.is_conformant());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_list_that_is_not_ready_is_asked_for_again() {
    let report = judged(conformant(), "later").await;
    assert_eq!(ended(&report, Verdict::Fail), [""; 0], "{report:#?}");
    assert_eq!(verdict(&report, "pact/tc20").0, Verdict::Pass);
    assert_eq!(verdict(&report, "ileap/tc005").0, Verdict::Pass);
    assert_eq!(verdict(&report, "paging/filter-kept").0, Verdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_list_that_is_never_ready_is_judged_by_nobody() {
    let base = Host::start(conformant(), "never-whole").await;
    let mut options = everything(&base);
    options.timing.throttle = Duration::from_millis(300);
    options.cases = ["pact/tc20", "paging/", "filter/"]
        .map(str::to_owned)
        .to_vec();
    let report = run(&options).await;
    assert_eq!(ended(&report, Verdict::Fail), [""; 0], "{report:#?}");
    let (verdict, reason) = verdict(&report, "pact/tc20");
    assert_eq!(verdict, Verdict::Skip, "{reason}");
    assert!(reason.contains("202"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_small_pages_passes_every_case_too() {
    let mut data = conformant();
    data.page = 2;
    let report = judged(data, "").await;
    assert!(report.is_conformant(), "{report:#?}");
    assert_eq!(ended(&report, Verdict::Warn), [""; 0], "{report:#?}");
    assert_eq!(verdict(&report, "filter/tad-plus").0, Verdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_lists_everything_for_an_unknown_name_does_so_on_several_pages_too() {
    let mut data = conformant();
    data.page = 2;
    let report = judged(data, "unknown-ignored").await;
    assert_eq!(ended(&report, Verdict::Fail), ["filter/tad-unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_suite_stops_reading_nothing_is_said_of_the_rest() {
    let mut data = conformant();
    // What the shipment refers to lies behind the bound.
    data.footprints.swap(0, SHIPMENT);
    data.page = 1;
    let base = Host::start(data, "").await;
    let mut options = everything(&base);
    options.most_records = 2;
    options.profiles = vec![Profile::Ileap];
    let report = run(&options).await;
    assert_eq!(ended(&report, Verdict::Fail), [""; 0], "{report:#?}");
    let (end, reason) = verdict(&report, "paging/no-link-at-end");
    assert_eq!(end, Verdict::Pass);
    assert!(reason.contains("first 2 records"), "{reason}");
    for address in ["data/r24", "ileap/tc002", "ileap/tc003"] {
        let (verdict, reason) = verdict(&report, address);
        assert_eq!(verdict, Verdict::Inconclusive, "{address}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_optional_before_pact_2_2() {
    let base = Host::start(conformant(), "no-events").await;
    let mut options = everything(&base);
    options.profiles = vec![Profile::Pact21];
    let report = run(&options).await;
    assert!(report.is_conformant(), "{report:#?}");
    assert_eq!(ended(&report, Verdict::Warn), [""; 0], "{report:#?}");
    assert_eq!(verdict(&report, "pact/tc12").0, Verdict::Skip);
    assert_eq!(verdict(&report, "events/broken-json").0, Verdict::Skip);
    options.profiles = vec![Profile::Pact22];
    let report = run(&options).await;
    assert!(
        ended(&report, Verdict::Fail).contains(&"pact/tc12"),
        "{report:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_is_not_demanded_by_pact_2_0() {
    let base = Host::start(conformant(), "no-discovery").await;
    let mut options = everything(&base);
    options.profiles = vec![Profile::Pact20];
    let report = run(&options).await;
    assert!(report.is_conformant(), "{report:#?}");
    options.profiles = vec![Profile::Pact21];
    let report = run(&options).await;
    assert_eq!(ended(&report, Verdict::Fail), ["auth/discovery"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_another_host_are_not_missed_at_this_one() {
    let report = judged(conformant(), "foreign-tokens-only").await;
    let first = report.fix_first().unwrap();
    assert_eq!(first.address, "pact/tc01", "{first:?}");
    assert!(first.reason.contains("--allow-auth-host"), "{first:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_decodes_what_it_gets_is_sent_encoded_credentials_if_told_so() {
    let base = Host::start(conformant(), "plus-secret").await;
    let mut options = everything(&base);
    options.client_secret = "a+b%41".into();
    options.cases = vec!["pact/tc01".to_owned()];
    assert!(!run(&options).await.is_conformant());
    options.is_form_encoded = true;
    assert!(run(&options).await.is_conformant());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_discovery_are_looked_for_where_the_user_says() {
    let issuer = Host::start(conformant(), "").await;
    let base = Host::start(conformant(), "foreign-tokens-only").await;
    let mut options = everything(&base);
    options.cases = ["auth/discovery", "pact/tc01", "pact/tc18", "pact/tc04"]
        .map(str::to_owned)
        .to_vec();
    options.auth_base = Some(issuer.parse().unwrap());
    let report = run(&options).await;
    assert!(report.is_conformant(), "{report:#?}");
    assert_eq!(ended(&report, Verdict::Warn), [""; 0], "{report:#?}");
}
