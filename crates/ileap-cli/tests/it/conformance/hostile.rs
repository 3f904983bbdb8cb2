//! Hosts that misbehave: a verdict with the reason, in bounded time and memory; and what Ctrl-C leaves.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    conformance,
    hosts::{Manner, YES, secured, start},
};
use crate::{
    commands::run,
    upstream_tls::{Shown, authority},
};

#[test]
fn a_certificate_that_is_not_believed_is_named_with_the_reason() {
    let authority = authority();
    let directory = TempDir::new().unwrap();
    let trusted = directory.path().join("ca.pem");
    fs::write(&trusted, authority.pem()).unwrap();
    let trusted = trusted.to_str().unwrap();
    let here = "127.0.0.1";
    for (name, until, ca, expected) in [
        (here, 2021, true, "certificate has expired"),
        ("elsewhere.example", 2036, true, "is for another name"),
        (here, 2036, false, "of an authority that is not known here"),
    ] {
        let url = secured(&Shown { name, until }, &authority);
        let mut arguments = vec!["--case", "pact/tc0"];
        if ca {
            arguments.extend(["--ca-file", trusted]);
        }
        let (code, stdout, stderr) = run(&mut conformance(&url, &arguments));
        assert_eq!(code, 69, "{stdout}{stderr}");
        let said = format!("{url} answered to nothing: the host's certificate");
        assert!(
            stdout.contains(&said) && stdout.contains(expected),
            "{expected}: {stdout}"
        );
    }
    let good = Shown {
        name: here,
        until: 2036,
    };
    let url = secured(&good, &authority);
    let arguments = ["--case", "pact/tc01", "--ca-file", trusted];
    let (code, stdout, stderr) = run(&mut conformance(&url, &arguments));
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[test]
fn hosts_that_misbehave_get_a_verdict_with_the_reason() {
    let json = "content-type: application/json\r\n";
    let hosts: [(Manner, &str, &str, i32); 11] = [
        (Manner::Hangs, "pact/tc0", "no whole answer within 1 s", 69),
        (Manner::Drips, "pact/tc0", "no whole answer within 1 s", 69),
        (Manner::Floods, "pact/tc01", "larger than 16 MiB", 69),
        (
            Manner::Loops,
            "paging/complete",
            "this record was on an earlier page, too",
            1,
        ),
        (
            Manner::Says("302 Found", "location: http://127.0.0.1:9/\r\n", b""),
            "pact/tc01",
            "status 302 where 200 is due",
            1,
        ),
        (
            Manner::Says("200 OK", "content-type: text/html\r\n", b"<!doctype html>"),
            "pact/tc01",
            "a page for browsers, no JSON: is the base URL right?",
            1,
        ),
        (
            Manner::Says(
                "403 Forbidden",
                json,
                br#"{"error":"nope","error_description":"locked"}"#,
            ),
            "pact/tc01",
            "status 403 where 200 is due; the host says \"nope: locked\"",
            1,
        ),
        (
            Manner::Says("200 OK", json, b"{\"access_token\":"),
            "pact/tc01",
            "the body is no JSON: line 1, column 16",
            1,
        ),
        (
            Manner::Says("200 OK", json, br#"{"access_token":7}"#),
            "pact/tc01",
            "access_token",
            1,
        ),
        (
            Manner::Says("200 OK", json, b"{\"access_token\":\"caf\xe9\"}"),
            "pact/tc01",
            "not UTF-8",
            1,
        ),
        (
            Manner::Says(
                "200 OK",
                "content-type: application/json; charset=iso-8859-1\r\n",
                YES.as_bytes(),
            ),
            "data/content-type",
            "JSON is in UTF-8, not in charset=iso-8859-1",
            1,
        ),
    ];
    thread::scope(|scope| {
        for (manner, case, expected, code) in hosts {
            scope.spawn(move || {
                let url = start(manner);
                let mut command =
                    within_limits(&conformance(&url, &["--case", case, "--timeout", "1"]));
                let (found, stdout, stderr) = run(&mut command);
                assert!(stdout.contains(expected), "{expected}: {stdout}{stderr}");
                assert_eq!(found, code, "{stdout}{stderr}");
            });
        }
    });
}

/// The same command, that cannot have the memory for what a flood brings.
fn within_limits(command: &Command) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -v 1500000; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    limited
}

#[test]
fn an_interrupted_run_leaves_whole_reports_of_what_was_found() {
    let url = start(Manner::Fades);
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (html, junit) = (path("report.html"), path("report.xml"));
    let arguments = ["--json", "--html", &html, "--junit", &junit];
    let mut command = conformance(&url, &arguments);
    let mut running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(running.stderr.take().unwrap());
    stderr.read_line(&mut told).unwrap();
    assert!(told.contains("auth/discovery"), "{told}");
    let interrupt = ["-INT", &running.id().to_string()];
    assert_eq!(run(Command::new("kill").args(interrupt)).0, 0);
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["report"]["is_partial"], true);
    assert_eq!(report["report"]["cases"][0]["address"], "auth/discovery");
    let html = fs::read_to_string(html).unwrap();
    assert!(html.contains("<h1>Interrupted</h1>") && html.ends_with("</html>\n"));
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains("auth/discovery") && junit.ends_with("</testsuites>\n"));
}
