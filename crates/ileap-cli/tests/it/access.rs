//! `ileap access` with rules that name objects.

use serde_json::{Value, json};

use crate::commands::{configuration, ileap, run};

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
