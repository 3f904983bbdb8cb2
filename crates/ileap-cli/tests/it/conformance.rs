//! `ileap conformance` as a shell sees it, against the demo.

mod hostile;
pub(crate) mod hosts;

use std::{fs, path::Path, process::Command, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    commands::{Running, ileap, run},
    static_users::free_address,
};

fn conformance(url: &str, arguments: &[&str]) -> Command {
    let mut command = ileap(&[&["conformance", url], arguments].concat());
    command
        .env("ILEAP_CLIENT_ID", "hello")
        .env("ILEAP_CLIENT_SECRET", "pathfinder");
    command
}

fn demo() -> (Running, String) {
    let (demo, ready) = Running::start(&["demo", "--port", "0", "--json"]);
    (demo, ready["base_url"].as_str().unwrap().to_owned())
}

#[test]
fn the_demo_conforms_in_every_profile() {
    let (_demo, url) = demo();
    let profiles = [
        "ileap",
        "pact-2.0",
        "pact-2.1",
        "pact-2.2",
        "pact-2.3",
        "act",
        "hardening",
    ];
    // Each run waits for callbacks now and then.
    thread::scope(|scope| {
        for profile in profiles {
            let url = &url;
            scope.spawn(move || {
                let arguments = ["--profile", profile, "--intrusive"];
                let (code, stdout, stderr) = run(&mut conformance(url, &arguments));
                assert_eq!(code, 0, "{profile}: {stdout}{stderr}");
                let verdict = format!("{url} conforms to {profile}");
                assert!(stdout.contains(&verdict), "{stdout}");
            });
        }
    });
}

#[test]
fn a_run_that_names_no_profile_prints_every_case_and_writes_its_reports() {
    let (_demo, url) = demo();
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (html, junit) = (path("report.html"), path("report.xml"));
    let arguments = ["--html", &html, "--junit", &junit, "--json"];
    let (code, stdout, stderr) = run(&mut conformance(&url, &arguments));
    assert_eq!(code, 0, "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["conformant"], true);
    let cases = report["report"]["cases"].as_array().unwrap();
    for case in cases {
        assert!(stderr.contains(case["address"].as_str().unwrap()), "{case}");
    }
    let html = fs::read_to_string(html).unwrap();
    assert!(html.contains("<h1>Conformant</h1>") && html.contains("<dd>ileap, pact-2.3</dd>"));
    assert!(fs::read_to_string(junit).unwrap().contains("<testsuites"));
    for secret in ["pathfinder\"", "eyJ"] {
        assert!(
            !stdout.contains(secret) && !html.contains(secret),
            "{secret}"
        );
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_no_report_behind_and_every_other_as_it_was() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (new, old, broken) = (path("new.html"), path("old.xml"), path("ca.pem"));
    fs::write(&old, "the last report").unwrap();
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&broken, no_certificate).unwrap();
    let nowhere = path("nowhere/report.xml");
    for (arguments, remark) in [
        (["--junit", &nowhere, "--case", "pact/"], "nowhere"),
        (
            ["--junit", &old, "--ca-file", &broken],
            "a CA certificate is none",
        ),
    ] {
        let arguments = [&["--html", &new], &arguments[..]].concat();
        let (code, stdout, stderr) = run(&mut conformance("https://ileap.example", &arguments));
        assert!(code == 1 && stderr.contains(remark), "{stdout}{stderr}");
        assert!(!Path::new(&new).exists(), "{arguments:?}");
    }
    assert_eq!(fs::read_to_string(old).unwrap(), "the last report");
}

#[test]
fn an_account_that_sees_too_little_is_exit_1_with_what_to_fix_first() {
    let (_demo, url) = demo();
    let mut command = conformance(&url, &["--case", "ileap/tc00"]);
    command
        .env("ILEAP_CLIENT_ID", "transport_service_organizer")
        .env("ILEAP_CLIENT_SECRET", "ileap");
    let (code, stdout, _) = run(&mut command);
    assert_eq!(code, 1, "{stdout}");
    assert!(
        stdout.contains("Fix this first:\n  1. ileap/tc001: "),
        "{stdout}"
    );
    assert!(
        stdout.contains("curl -i -H \"Authorization: Bearer $TOKEN\""),
        "{stdout}"
    );
}

#[test]
fn the_cases_are_listed_without_a_host_and_nonsense_is_exit_2() {
    let (code, stdout, _) = run(&mut ileap(&["conformance", "--list"]));
    assert!(code == 0 && stdout.contains("ileap/tc007"), "{stdout}");
    let (code, _, stderr) = run(&mut ileap(&["conformance", "--list", "--case", "nothing/"]));
    assert!(code == 2 && stderr.contains("--list"), "{stderr}");
    assert_eq!(run(&mut ileap(&["conformance"])).0, 2);
    let (code, _, stderr) = run(&mut conformance("http://ileap.example.com", &[]));
    assert!(code == 2 && stderr.contains("https"), "{stderr}");
}

#[test]
fn a_host_that_is_away_is_exit_69() {
    let url = format!("http://{}", free_address());
    let (code, stdout, _) = run(&mut conformance(&url, &[]));
    assert_eq!(code, 69, "{stdout}");
}

#[test]
fn colours_are_for_terminals_and_who_forces_them() {
    let (_demo, url) = demo();
    let colours = |names: &[(&str, &str)]| {
        let mut command = conformance(&url, &["--case", "pact/tc01"]);
        let (code, stdout, _) = run(command.envs(names.iter().copied()));
        assert_eq!(code, 0, "{stdout}");
        stdout.contains('\u{1b}')
    };
    assert!(!colours(&[("TERM", "xterm")]), "a pipe gets none");
    assert!(colours(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn the_workflow_in_the_readme_is_one_and_its_command_is_understood() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, workflow) = page.split_once("```yaml\n").unwrap();
    let (workflow, _) = workflow.split_once("```").unwrap();
    let workflow: Value = serde_norway::from_str(workflow).unwrap();
    let steps = workflow["jobs"]["conformance"]["steps"].as_array().unwrap();
    let command = steps[1]["run"].as_str().unwrap();
    let arguments: Vec<_> = command.split(' ').skip(1).collect();
    let (code, _, stderr) = run(&mut ileap(&[&arguments[..], &["--list"]].concat()));
    assert_eq!(code, 0, "{stderr}");
    assert!(steps[2]["uses"].as_str().unwrap().contains('@'));
}
