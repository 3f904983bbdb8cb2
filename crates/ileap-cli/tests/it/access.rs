//! `ileap access` with rules that name objects.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use ileap_server::store::{Store as _, sql::SqlStore};
use serde_json::{Value, json};

use crate::commands::{configuration, ileap, run};

#[test]
fn a_partner_is_allowed_shown_and_disallowed() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let (_, _, stderr) = run(&mut ileap(&["access", "list", "--config", &path]));
    assert!(stderr.contains("it is a new database"), "{stderr}");
    for (arguments, everything) in [
        (["show", "org_2abc"].as_slice(), false),
        (&["allow", "org_2abc", "--everything"], true),
        (&["show", "org_2abc"], true),
        (&["disallow", "org_2abc", "--everything"], false),
    ] {
        let all = [&["access"], arguments, &["--json", "--config", &path]].concat();
        let (code, stdout, stderr) = run(&mut ileap(&all));
        let shown: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            (code, shown["everything"].as_bool()),
            (0, Some(everything)),
            "{arguments:?}"
        );
        assert_eq!(stderr, "", "{arguments:?}");
    }
}

#[test]
fn a_script_whose_list_of_objects_is_empty_opens_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    for verb in ["allow", "disallow"] {
        let (code, _, stderr) = run(&mut ileap(&["access", verb, "org_2abc", "--config", &path]));
        assert!(code == 2 && stderr.contains("--everything"), "{stderr}");
    }
    let mixed = [
        "access", "disallow", "org_2abc", "--all", "--toc", "x", "--config", &path,
    ];
    let (code, _, stderr) = run(&mut ileap(&mixed));
    assert!(code == 2 && stderr.contains("--all"), "{stderr}");
    let (_, shown, _) = run(&mut ileap(&["access", "list", "--json", "--config", &path]));
    assert_eq!(shown, "{\"recipients\":[]}\n");
}

#[test]
fn all_rules_of_a_partner_are_taken_away_together() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let access = |arguments: &[&str]| {
        let all = [&["access"], arguments, &["--json", "--config", &path]].concat();
        let (code, stdout, stderr) = run(&mut ileap(&all));
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap()
    };
    access(&[
        "allow",
        "org_2abc",
        "--everything",
        "--toc",
        "x",
        "--from",
        "2026-01-01",
    ]);
    let left = access(&["disallow", "org_2abc", "--everything"]);
    assert_eq!(left["rules"].as_array().unwrap().len(), 2);
    let left = access(&["disallow", "org_2abc", "--all"]);
    assert_eq!(left["rules"], json!([]));
    access(&["disallow", "org_2abc", "--all"]);
}

#[test]
fn a_recipient_that_looks_like_none_is_refused_or_remarked_upon() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let arguments = ["access", "allow", "acme", "--everything", "--config", &path];
    let (code, _, stderr) = run(&mut ileap(&arguments));
    assert!(code == 1 && stderr.contains("org_"), "{stderr}");
    let arguments = [
        "access",
        "allow",
        "user|1",
        "--everything",
        "--config",
        &path,
    ];
    let (code, _, stderr) = run(&mut ileap(&arguments));
    assert!(
        code == 0 && stderr.contains("note: user|1 is neither"),
        "{stderr}"
    );
    let arguments = [
        "access",
        "allow",
        "clerk|user_1",
        "--everything",
        "--config",
        &path,
    ];
    let (code, _, stderr) = run(&mut ileap(&arguments));
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_is_taken_away_while_another_process_imports() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let allowed = run(&mut ileap(&[
        "access",
        "allow",
        "org_2abc",
        "--everything",
        "--config",
        &path,
    ]));
    assert_eq!(allowed.0, 0, "{}", allowed.2);
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    let import = store.begin_import().await.unwrap();
    let mut revoking = ileap(&["access", "disallow", "org_2abc", "--all", "--config", &path])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It says what it waits for, and goes on once the import has ended.
    let mut stderr = BufReader::new(revoking.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("waiting"), "{said}");
    import.commit().await.unwrap();
    let mut stdout = String::new();
    revoking
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert!(revoking.wait().unwrap().success());
    assert!(stdout.contains("sees nothing"), "{stdout}");
}

#[test]
fn a_partner_is_allowed_single_objects_and_the_rules_are_listed_as_the_flags_that_made_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let access = |arguments: &[&str]| {
        let mut all = vec!["access"];
        all.extend(arguments);
        all.extend(["--config", &path]);
        run(&mut ileap(&all))
    };
    let samples = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../ileap-server/sample-data/footprints.json"
    );
    let (code, _, stderr) = run(&mut ileap(&["import", samples, "--config", &path]));
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = access(&[
        "allow",
        "org_acme",
        "--shipment",
        "shipment-multi-modal-1",
        "--tad",
        "a b",
    ]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = access(&[
        "allow",
        "org_acme",
        "--from",
        "2026-01-01",
        "--until",
        "2026-04-01T00:00:00+02:00",
    ]);
    assert_eq!(code, 0, "{stderr}");
    let (_, shown, _) = access(&["show", "org_acme"]);
    for part in [
        "  --shipment shipment-multi-modal-1\n",
        "  --tad a b\n",
        "  --from 2026-01-01T00:00:00Z --until 2026-03-31T22:00:00Z\n",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let (_, shown, _) = access(&["show", "org_acme", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["everything"], &shown["opens"]["shipments"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(shown["opens"]["tocs"], json!(2));
    let (_, list, _) = access(&["list", "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        list,
        json!({"recipients": [{"recipient": "org_acme", "rules": 3}]})
    );
    let (code, _, stderr) = access(&[
        "disallow",
        "org_acme",
        "--shipment",
        "another",
        "--tad",
        "a b",
    ]);
    assert!(code == 0 && stderr.contains("1 of the rules"), "{stderr}");
    let (_, shown, _) = access(&["show", "org_acme", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["rules"].as_array().unwrap().len(), 2);
}

#[test]
fn times_that_cannot_be_are_refused_with_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    for (flags, code, part) in [
        (["--from", "yesterday"].as_slice(), 2, "2026-01-01"),
        (
            &["--from", "2026-02-01", "--until", "2026-02-01"],
            1,
            "--from must be before --until",
        ),
        (&["--footprint", "x"], 2, "UUID"),
    ] {
        let mut all = vec!["access", "allow", "org_acme", "--config", &path];
        all.extend(flags);
        let (ended, _, stderr) = run(&mut ileap(&all));
        assert!(ended == code && stderr.contains(part), "{ended} {stderr}");
    }
}
