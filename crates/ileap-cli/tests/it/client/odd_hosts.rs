//! Hosts whose data is not what the specifications say.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    commands::{ileap, run},
    conformance::hosts::{Manner, start},
};

/// What a command prints of a host that answers everything with a token and `data`.
fn printed(arguments: &[&str], data: &Value) -> (i32, String, String) {
    let answer = json!({"access_token": "t", "token_type": "Bearer", "data": data});
    let body: &'static str = answer.to_string().leak();
    let json = "content-type: application/json\r\n";
    let host = start(Manner::Says("200 OK", json, body.as_bytes()));
    let home = TempDir::new().unwrap();
    let mut command = ileap(&[arguments, &["--host", &host]].concat());
    command
        .env("ILEAP_CLIENT_ID", "hello")
        .env("ILEAP_CLIENT_SECRET", "pathfinder")
        .env("XDG_DATA_HOME", home.path());
    run(&mut command)
}

/// A file of the demo's data.
fn samples(name: &str) -> Vec<Value> {
    let path = format!(
        "{}/../ileap-server/sample-data/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_word_that_no_list_knows_is_shown_as_it_came_and_is_no_command_to_the_terminal() {
    let mut footprints = samples("footprints.json");
    footprints.truncate(2);
    footprints[0]["pcf"]["declaredUnit"] = json!("gallon\u{1b}[31m");
    footprints[1]["status"] = json!("Draft");
    let (code, stdout, stderr) = printed(&["footprints"], &json!(footprints));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains(" gallon\u{fffd}[31m "), "{stdout}");
    assert!(stdout.contains(" Draft "), "{stdout}");
    let (code, stdout, stderr) = printed(&["footprints", "any"], &footprints[0]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains(" gallon\u{fffd}[31m\n"), "{stdout}");

    let mut tads = samples("tads.json");
    tads.truncate(1);
    tads[0]["mode"] = json!("Pipeline");
    let (code, stdout, stderr) = printed(&["tads"], &json!(tads));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("\nPipeline: 1 transport"), "{stdout}");
}

#[test]
fn a_host_that_is_silent_is_given_the_time_that_is_wanted_and_each_new_attempt_is_told() {
    let host = start(Manner::Hangs);
    let home = TempDir::new().unwrap();
    let mut command = ileap(&["login", &host, "--timeout", "1"]);
    command
        .env("ILEAP_CLIENT_ID", "hello")
        .env("ILEAP_CLIENT_SECRET", "pathfinder")
        .env("XDG_DATA_HOME", home.path());
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, stdout.as_str()), (69, ""), "{stderr}");
    let again = stderr
        .lines()
        .filter(|line| line.contains("; trying again in "));
    assert_eq!(again.count(), 4, "{stderr}");
}
