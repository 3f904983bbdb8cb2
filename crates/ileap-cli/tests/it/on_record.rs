//! Changes made on the command line are on record.

use std::fs;

use serde_json::Value;

use crate::commands::{configuration, ileap, run};

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_is_changed_on_the_command_line_is_on_record_with_who_ran_it() {
    let directory = tempfile::tempdir().unwrap();
    let config = configuration(directory.path());
    let trail = directory.path().join("audit.jsonl");
    let command = |arguments: &[&str]| {
        let (code, _, stderr) = run(ileap(arguments)
            .args(["--config", &config])
            .env("ILEAP_AUDIT__TARGET", "file")
            .env("ILEAP_AUDIT__FILE", &trail)
            .env("ILEAP_PARTNER_SECRET", "canary-partner-secret"));
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
    };
    command(&["access", "allow", "org_acme", "--tad", "tad-1"]);
    command(&["access", "disallow", "clerk|user_1", "--everything"]);
    command(&["access", "list"]);
    command(&[
        "partners",
        "add",
        "org_acme",
        "https://ileap.partner.example",
        "--client-id",
        "us",
    ]);
    command(&[
        "partners",
        "remove",
        "org_acme",
        "https://ileap.partner.example",
    ]);
    command(&["token", "mint", "--client-id", "tester", "--role", "user"]);
    let lines = lines(&trail);
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-");
            let whose = line["organization"].as_str().or(line["subject"].as_str());
            format!(
                "{} {} {}",
                text("event"),
                whose.unwrap_or("-"),
                text("change")
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "access_rules org_acme allowed --tad tad-1",
            "access_rules clerk|user_1 disallowed --everything",
            "partner org_acme registered https://ileap.partner.example",
            "partner org_acme removed https://ileap.partner.example",
            "token_mint minted|tester -",
        ]
    );
    assert!(
        lines
            .iter()
            .all(|line| line["operator"].is_u64() && line["outcome"] == "done")
    );
    let text = fs::read_to_string(&trail).unwrap();
    assert!(!text.contains("canary") && !text.contains("eyJ"), "{text}");
}

#[test]
fn what_cannot_go_on_record_is_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let config = configuration(directory.path());
    let allow = [
        "access",
        "allow",
        "org_acme",
        "--everything",
        "--config",
        &config,
    ];
    let (code, _, stderr) = run(ileap(&allow)
        .env("ILEAP_AUDIT__TARGET", "file")
        .env("ILEAP_AUDIT__FILE", "/nowhere/audit.jsonl"));
    assert_eq!(code, 1);
    assert!(stderr.contains("nothing was changed"), "{stderr}");
    let (_, stdout, _) = run(&mut ileap(&[
        "access", "list", "--json", "--config", &config,
    ]));
    assert_eq!(stdout, "{\"recipients\":[]}\n");
}
