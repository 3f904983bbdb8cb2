//! Every case is proven by a host on which it fails, and by the whole one on which it does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ileap_conformance::{all, case::Verdict};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    data::{Data, GENERIC, HOC, SHIPMENT, TOC, conformant},
    host::Host,
    options::{everything, run},
};

type Change = fn(&mut Data);

/// What a host does wrong, and the cases that notice: all of them, and no others.
const FAULTS: &[(&str, &[&str])] = &include!("mutants/faults.in");

/// What is wrong with data, and the cases that notice.
const CHANGES: &[(&str, Change, &[&str])] = &include!("mutants/changes.in");

async fn noticed(data: Data, fault: &'static str) -> BTreeMap<&'static str, String> {
    let base = Host::start(data, fault).await;
    let report = run(&everything(&base)).await;
    let noticed = report
        .cases
        .into_iter()
        .filter(|case| matches!(case.verdict, Verdict::Fail | Verdict::Warn));
    noticed
        .map(|case| (case.address, format!("{:?}: {}", case.verdict, case.reason)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conformant_host_passes_every_case() {
    let base = Host::start(conformant(), "https").await;
    let report = run(&everything(&base)).await;
    let others: Vec<_> = report
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Pass)
        .map(|case| (case.address, case.verdict, &case.reason))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(report.is_conformant());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_deaf_to_plain_http_is_asked_everything_else() {
    let base = Host::start(conformant(), "https-only").await;
    let mut options = everything(&base);
    options.timing.call = Duration::from_secs(1);
    options.cases = ["pact/tc09", "pact/tc1", "pact/tc21"]
        .map(str::to_owned)
        .to_vec();
    let report = run(&options).await;
    assert!(report.is_conformant(), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mutant_is_noticed_by_its_cases_and_no_others() {
    let mut waiting: Vec<(&'static str, Data, &'static str, &'static [&'static str])> = Vec::new();
    for (fault, expected) in FAULTS {
        waiting.push((fault, conformant(), fault, expected));
    }
    for (name, change, expected) in CHANGES {
        let mut data = conformant();
        change(&mut data);
        waiting.push((name, data, "", expected));
    }
    let mut wrong = Vec::new();
    let mut running = JoinSet::new();
    let mut waiting = waiting.into_iter();
    loop {
        // Enough at a time to work while some wait for callbacks.
        while running.len() < 12
            && let Some((name, data, fault, expected)) = waiting.next()
        {
            running.spawn(async move { (name, noticed(data, fault).await, expected) });
        }
        let Some(done) = running.join_next().await else {
            break;
        };
        let (name, noticed, expected) = done.unwrap();
        let found: BTreeSet<_> = noticed.keys().copied().collect();
        if found != expected.iter().copied().collect() {
            let text = format!("{name}: {noticed:#?}, not {expected:?}");
            // At once: the others may take minutes.
            eprintln!("{text}");
            wrong.push(text);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_has_a_mutant() {
    let of_faults = FAULTS.iter().flat_map(|(_, expected)| *expected);
    let of_changes = CHANGES.iter().flat_map(|(_, _, expected)| *expected);
    let covered: BTreeSet<_> = of_faults.chain(of_changes).copied().collect();
    let addresses: BTreeSet<_> = all().iter().map(|case| case.address).collect();
    let missing: Vec<_> = addresses.difference(&covered).collect();
    assert!(missing.is_empty(), "no mutant proves {missing:?}");
    assert_eq!(
        addresses.len(),
        all().len(),
        "two cases have the same address"
    );
}

/// A value in the data of a footprint's extension.
fn carried(data: &mut Data, index: usize) -> &mut Value {
    &mut data.footprints[index]["extensions"][0]["data"]
}

fn pcf(data: &mut Data, index: usize) -> &mut Value {
    &mut data.footprints[index]["pcf"]
}

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name).unwrap();
}

fn tce(data: &mut Data, index: usize) -> &mut Value {
    &mut carried(data, SHIPMENT)["tces"][index]
}
