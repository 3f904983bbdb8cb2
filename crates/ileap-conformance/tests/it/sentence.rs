//! What a run claims, and no more.

use ileap_conformance::{Profile, case::Verdict, report};

use crate::{
    data::conformant,
    host::Host,
    options::{everything, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_named_cases_speaks_of_these_alone() {
    let base = Host::start(conformant(), "stored").await;
    let mut options = everything(&base);
    options.profiles = vec![Profile::Ileap];
    options.cases = vec!["auth/token-response".to_owned(), "auth/jwks".to_owned()];
    let report = run(&options).await;
    let sentence = report.sentence();
    assert_eq!(sentence, format!("{base} passes the 2 selected cases."));
    let page = report::html(&report);
    assert!(page.contains("<h1>Selected cases passed</h1>"), "{page}");
    options.cases.push("auth/no-store".to_owned());
    let sentence = run(&options).await.sentence();
    assert_eq!(sentence, format!("{base} fails 1 of the 3 selected cases."));
}

#[tokio::test(flavor = "multi_thread")]
async fn required_cases_that_were_skipped_are_named_beside_conformance() {
    let base = Host::start(conformant(), "").await;
    let mut options = everything(&base);
    options.profiles = vec![Profile::Ileap];
    options.expired_token = None;
    let report = run(&options).await;
    assert!(report.is_conformant());
    let sentence = report.sentence();
    let wanted =
        format!("{base} conforms to ileap as far as it was asked: ileap/tc008 was skipped.");
    assert_eq!(sentence, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_by_event_are_sent_even_where_nobody_can_be_called_back() {
    let base = Host::start(conformant(), "").await;
    let mut options = everything(&base);
    // An address of nobody (RFC 5737): no listener can be opened there.
    options.callback_bind = "192.0.2.1:0".parse().unwrap();
    options.cases = vec!["pact/tc1".to_owned()];
    let report = run(&options).await;
    let verdict = |address: &str| {
        let case = report.cases.iter().find(|case| case.address == address);
        case.unwrap().verdict
    };
    for (address, wanted) in [
        ("pact/tc12", Verdict::Pass),
        ("pact/tc13", Verdict::Skip),
        ("pact/tc14a", Verdict::Pass),
        ("pact/tc14b", Verdict::Skip),
    ] {
        assert_eq!(verdict(address), wanted, "{address}");
    }
}
