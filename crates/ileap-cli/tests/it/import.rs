//! Files into the store, judged before, and taken back after.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use ileap_server::store::{Store as _, sql::SqlStore};
use serde_json::{Value, json};

use crate::{
    commands::{Running, configuration, ileap, run},
    postgres::Postgres,
    static_users::eventually,
};

fn samples(name: &str) -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ileap-server/sample-data");
    serde_json::from_slice(&fs::read(directory.join(name)).unwrap()).unwrap()
}

/// A directory with a configuration and files.
struct Place {
    directory: tempfile::TempDir,
    configuration: String,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let configuration = configuration(directory.path());
        Self {
            directory,
            configuration,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A command that needs the store.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(ileap(arguments).env("ILEAP_CONFIG", &self.configuration))
    }

    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(stdout.lines().count(), 1, "{stdout}{stderr}");
        (code, serde_json::from_str(&stdout).unwrap())
    }
}

fn with_stdin(arguments: &[&str], configuration: &str, text: &str) -> (i32, Value) {
    let mut child = ileap(arguments)
        .env("ILEAP_CONFIG", configuration)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), report)
}

#[test]
fn good_files_are_valid_without_any_configuration() {
    let place = Place::new();
    let footprints = place.file("a.json", &json!(samples("footprints.json")).to_string());
    let tads = place.file("b.json", &json!({"data": samples("tads.json")}).to_string());
    let (code, stdout, stderr) = run(&mut ileap(&["validate", &footprints, &tads]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        stdout.contains("a.json: 20 objects, 0 errors, 0 warnings"),
        "{stdout}"
    );
    assert!(stdout.contains("b.json: 13 objects"), "{stdout}");
    assert!(!place.path("ileap.db").exists());
}

#[test]
fn a_broken_file_is_described_for_people_and_for_programs() {
    let place = Place::new();
    let mut footprints = samples("footprints.json");
    footprints[1]["pcf"]["declaredUnit"] = json!("furlong");
    let broken = place.file("a.json", &json!(footprints).to_string());
    let (code, stdout, stderr) = run(&mut ileap(&["validate", &broken, "/nowhere/b.json"]));
    assert_eq!(code, 1);
    assert!(
        stdout.contains("item 2 /pcf/declaredUnit: error P02: found `furlong`"),
        "{stdout}"
    );
    assert!(
        stderr.contains("/nowhere/b.json") && stderr.contains("2 of 2"),
        "{stderr}"
    );
    let (code, stdout, _) = run(&mut ileap(&["validate", "--json", &broken]));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &report["objects"]), (1, &json!(20)));
    let finding = &report["findings"][0];
    assert_eq!(
        [
            &finding["place"],
            &finding["pointer"],
            &finding["rule"],
            &finding["severity"]
        ],
        ["item 2", "/pcf/declaredUnit", "P02", "error"]
    );
    assert!(finding["message"].as_str().unwrap().contains("kilogram"));
    // An import says the same, and writes nothing.
    let (code, imported) = place.json(&["import", "--json", &broken]);
    assert_eq!((code, imported), (1, report));
}

#[test]
fn references_are_met_by_the_file_or_one_before_it() {
    let place = Place::new();
    let is_shipment = |value: &Value| value.to_string().contains("shipment-footprint.json");
    let (shipments, others): (Vec<_>, Vec<_>) = samples("footprints.json")
        .into_iter()
        .partition(is_shipment);
    let shipments = place.file("shipments.json", &json!(shipments).to_string());
    let others = place.file("others.json", &json!(others).to_string());
    assert_eq!(run(&mut ileap(&["validate", &others, &shipments])).0, 0);
    let (code, stdout, _) = run(&mut ileap(&["validate", &shipments, &others]));
    assert!(code == 1 && stdout.contains("error R24"), "{stdout}");
}

#[test]
fn stdin_is_read_like_a_file() {
    let place = Place::new();
    let tads = samples("tads.json");
    let lines: String = tads.iter().map(|tad| format!("{tad}\n")).collect();
    let arguments = ["import", "--json", "--format", "ndjson", "-"];
    let (code, report) = with_stdin(&arguments, &place.configuration, &lines);
    assert_eq!((code, &report["added"]), (0, &json!(13)));
    let array = json!(tads).to_string();
    let (code, report) = with_stdin(&["import", "--json", "-"], &place.configuration, &array);
    assert_eq!((code, &report["unchanged"]), (0, &json!(13)));
    let (code, report) = with_stdin(&["validate", "--json", "-"], "", "{}");
    assert_eq!((code, &report["errors"]), (1, &json!(1)));
    let (code, _, stderr) = run(ileap(&["validate", "-"]).env("TMPDIR", "/nowhere"));
    let expected = "validating stdin: copying it to a temporary file in /nowhere: ";
    assert!(code == 1 && stderr.contains(expected), "{stderr}");
}

const MANUAL: &str = include_str!("../../../../docs/import.md");

#[test]
fn the_table_in_the_manual_can_be_imported() {
    let place = Place::new();
    let (_, rest) = MANUAL.split_once("```csv\n").unwrap();
    let (table, _) = rest.split_once("```").unwrap();
    let path = place.file("manual.csv", table);
    let (code, report) = place.json(&["validate", "--json", &path]);
    assert_eq!((code, &report["findings"]), (0, &json!([])));
    let (code, report) = place.json(&["import", "--json", &path]);
    assert_eq!((code, &report["added"]), (0, &json!(2)));
}

#[test]
fn the_header_has_every_column_of_the_manual() {
    let place = Place::new();
    let (code, header, _) = run(&mut ileap(&["import", "--csv-header"]));
    assert_eq!(code, 0);
    for column in header.trim().split(',') {
        let described = column.replace("destination.", "origin.");
        assert!(MANUAL.contains(&format!("`{described}`")), "{column}");
    }
    let table = place.file("a.csv", &header);
    let (code, report) = place.json(&["import", "--json", &table]);
    assert_eq!((code, &report["added"]), (0, &json!(0)));
}

#[test]
fn a_bad_cell_is_named_by_line_and_column() {
    let place = Place::new();
    let (_, rest) = MANUAL.split_once("```csv\n").unwrap();
    let (table, _) = rest.split_once("```").unwrap();
    let path = place.file(
        "a.csv",
        &table.replace(",Road,2024-10-08", ",Rod,2024-10-08"),
    );
    let (code, report) = place.json(&["validate", "--json", &path]);
    let finding = &report["findings"][0];
    assert_eq!(code, 1);
    assert_eq!([&finding["place"], &finding["column"]], ["line 3", "mode"]);
}

#[test]
fn what_is_removed_is_deprecated_or_gone_and_all_or_nothing() {
    let place = Place::new();
    let (footprints, tads) = (samples("footprints.json"), samples("tads.json"));
    let both = place.file(
        "a.json",
        &json!({"footprints": footprints, "tads": tads}).to_string(),
    );
    assert_eq!(place.run(&["import", &both]).0, 0);
    let (id, activity) = (&footprints[0]["id"], &tads[0]["activityId"]);
    let (id, activity) = (id.as_str().unwrap(), activity.as_str().unwrap());
    let (code, stdout, stderr) = place.run(&["remove", id, activity, "nobody"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("nobody is neither"), "{stderr}");
    let (code, stdout, _) = place.run(&["remove", "--json", id, activity]);
    assert_eq!(code, 0);
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let version = footprints[0]["version"].as_u64().unwrap() + 1;
    assert_eq!(
        lines,
        [
            json!({"outcome": "deprecated", "id": id, "version": version}),
            json!({"outcome": "deleted", "id": activity}),
        ]
    );
    // What was withdrawn does not come back with the next run of the same export.
    let (code, _, stderr) = place.run(&["import", &both]);
    assert!(code == 1 && stderr.contains("was withdrawn"), "{stderr}");
}

#[test]
fn an_import_that_is_killed_leaves_all_or_nothing() {
    let place = Place::new();
    let tad = samples("tads.json").remove(0);
    let line = |number: usize| {
        let mut tad = tad.clone();
        tad["activityId"] = json!(format!("activity {number}"));
        format!("{tad}\n")
    };
    let total = 4_000;
    let lines: String = (0..total).map(line).collect();
    let file = place.file("a.ndjson", &lines);
    // The schema is there before; what is in the log then are the objects.
    assert_eq!(place.run(&["access", "show", "org_a"]).0, 0);
    let child = ileap(&["import", &file])
        .env("ILEAP_CONFIG", &place.configuration)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let log = place.path("ileap.db-wal");
    let written = || fs::metadata(&log).map_or(0, |metadata| metadata.len());
    while written() < 1_000_000 && running.0.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(running);
    let (code, report) = place.json(&["import", "--json", &file]);
    let (added, unchanged) = (&report["added"], &report["unchanged"]);
    assert_eq!(code, 0);
    assert!(
        (added, unchanged) == (&json!(total), &json!(0))
            || (added, unchanged) == (&json!(0), &json!(total)),
        "{report}"
    );
}

#[test]
fn an_import_into_postgresql_that_is_killed_leaves_nothing_and_keeps_nobody_waiting() {
    let place = Place::new();
    let postgres = Postgres::start();
    let store = format!("[store]\nurl = \"{}\"\n", postgres.url());
    let configuration = place.file("store.toml", &store);
    let configured = |arguments: &[&str]| {
        let mut command = ileap(arguments);
        command.env("ILEAP_CONFIG", &configuration);
        command
    };
    // It makes the schema.
    assert_eq!(run(&mut configured(&["access", "list"])).0, 0);
    // It stops in the middle of the second of two batches.
    postgres.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$; \
         CREATE TRIGGER wait BEFORE INSERT ON tads FOR EACH ROW WHEN (NEW.activity_id = 'activity 299') \
         EXECUTE FUNCTION wait()",
    );
    let tad = samples("tads.json").remove(0);
    let line = |number: usize| {
        let mut tad = tad.clone();
        tad["activityId"] = json!(format!("activity {number}"));
        format!("{tad}\n")
    };
    let lines: String = (0..300).map(line).collect();
    let file = place.file("a.ndjson", &lines);
    let child = configured(&["import", &file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let asleep = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    eventually(|| postgres.execute(&format!("SELECT COUNT(*) {asleep}")) == "1");
    drop(running);
    postgres.execute(&format!("SELECT pg_cancel_backend(pid) {asleep}"));
    let rows = "SELECT (SELECT COUNT(*) FROM tads) + (SELECT COUNT(*) FROM tad_fields)";
    assert_eq!(postgres.execute(rows), "0");
    postgres.execute("DROP TRIGGER wait ON tads");
    for (added, unchanged) in [(300, 0), (0, 300)] {
        let (code, stdout, stderr) = run(&mut configured(&["import", "--json", &file]));
        assert_eq!(code, 0, "{stderr}");
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            [&report["added"], &report["unchanged"]],
            [&json!(added), &json!(unchanged)]
        );
    }
}

#[test]
fn an_import_that_finds_no_room_says_so_and_changes_nothing() {
    let place = Place::new();
    // It makes the schema.
    assert_eq!(place.run(&["access", "list"]).0, 0);
    let mut tad = samples("tads.json").remove(0);
    let lines = (0..2000).map(|number| {
        tad["activityId"] = json!(format!("activity {number}"));
        format!("{tad}\n")
    });
    let file = place.file("a.ndjson", &lines.collect::<String>());
    // Files of half a MiB at most.
    let script = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" import \"$1\"";
    let (code, _, stderr) = run(Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_ileap"), &file])
        .env("ILEAP_CONFIG", &place.configuration));
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stderr.contains("disk"),
        "it says what is the matter: {stderr}"
    );
    let (code, report) = place.json(&["import", "--json", &file]);
    assert_eq!((code, &report["added"]), (0, &json!(2000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_and_a_removal_wait_for_another_import_and_say_so() {
    let place = Place::new();
    let (footprints, tads) = (samples("footprints.json"), samples("tads.json"));
    let footprints = place.file("a.json", &json!(footprints).to_string());
    assert_eq!(place.run(&["import", &footprints]).0, 0);
    let tads = place.file("b.json", &json!(tads).to_string());
    let id = samples("footprints.json")[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = format!("sqlite:{}", place.path("ileap.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    let import = store.begin_import().await.unwrap();
    let waiting = [["import", tads.as_str()], ["remove", id.as_str()]].map(|arguments| {
        let child = ileap(&arguments)
            .env("ILEAP_CONFIG", &place.configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        (Running(child), stderr)
    });
    let mut waiting = waiting.map(|(child, mut stderr)| {
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        assert!(said.contains("waiting"), "{said}");
        (child, stderr)
    });
    import.commit().await.unwrap();
    for (child, _) in &mut waiting {
        assert!(child.0.wait().unwrap().success());
    }
}

/// The most memory that a command had, in MiB.
fn peak(command: &mut Command) -> u64 {
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    let status = format!("/proc/{}/status", running.0.id());
    let mut peak = 0;
    let code = loop {
        let now = fs::read_to_string(&status).unwrap_or_default();
        let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or_default() / 1024);
        if let Some(status) = running.0.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(code.success());
    peak
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one_but_for_the_databases_share() {
    /// What SQLite may keep of a transaction.
    const CACHE: u64 = 64;
    let place = Place::new();
    let sample = samples("footprints.json").remove(0);
    let comment = "x".repeat(100_000);
    let file = |name: &str, count: u32| {
        let lines = (0..count).map(|number| {
            let mut footprint = sample.clone();
            footprint["id"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
            footprint["comment"] = json!(comment);
            format!("{footprint}\n")
        });
        place.file(name, &lines.collect::<String>())
    };
    let (small, large) = (file("small.ndjson", 20), file("large.ndjson", 800));
    let size = fs::metadata(&large).unwrap().len() / 1024 / 1024;
    assert!(size > 70);
    let usual = peak(&mut ileap(&["validate", &small]));
    let validated = peak(&mut ileap(&["validate", &large]));
    assert!(validated < usual + size / 2, "{usual} and {validated} MiB");
    let imported = peak(ileap(&["import", &large]).env("ILEAP_CONFIG", &place.configuration));
    assert!(
        imported < usual + CACHE + size / 2,
        "{usual} and {imported} MiB"
    );
}

#[test]
fn how_far_a_file_is_shows_on_a_terminal_and_nowhere_else() {
    let place = Place::new();
    let sample = samples("tads.json").remove(0);
    let lines = (0..3000).map(|number| {
        let mut activity = sample.clone();
        activity["activityId"] = json!(format!("activity-{number}"));
        format!("{activity}\n")
    });
    let file = place.file("many.ndjson", &lines.collect::<String>());
    let command = format!("{} import {file}", env!("CARGO_BIN_EXE_ileap"));
    // A terminal, whose lines are as wide as somebody's.
    let on_terminal = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .args([&format!("stty cols 120; {command}"), "/dev/null"])
        .env("ILEAP_CONFIG", &place.configuration)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(on_terminal.stdout).unwrap();
    assert!(on_terminal.status.success(), "{shown}");
    let mut bars = shown.split('\r').filter(|line| line.contains(" % "));
    let bar = bars.next_back().unwrap_or_else(|| panic!("{shown}"));
    assert!(bar.contains("many.ndjson"), "{bar}");
    assert!(shown.contains("3000 added"), "{shown}");
    let (code, stdout, stderr) = place.run(&["import", &file]);
    assert_eq!(code, 0);
    assert!(stdout.contains("3000 unchanged"), "{stdout}");
    assert!(!stderr.contains('%') && !stderr.contains('\r'), "{stderr}");
}

#[test]
fn commands_on_the_store_need_to_know_no_more_than_the_store() {
    let place = Place::new();
    let store = format!(
        "[store]\nurl = \"sqlite:{}\"\n",
        place.path("other.db").display()
    );
    let configuration = place.file("store.toml", &store);
    let footprints = place.file("a.json", &json!(samples("footprints.json")).to_string());
    let id = samples("footprints.json")[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for arguments in [
        &["import", &footprints] as &[&str],
        &["remove", &id],
        &["access", "allow", "org_1", "--toc", "toc-rail-1"],
        &["access", "show", "org_1"],
        &["access", "list"],
        &["partners", "list"],
        &["partners", "tasks"],
        &["partners", "received", "org_1"],
    ] {
        let (code, _, stderr) = run(ileap(arguments).env("ILEAP_CONFIG", &configuration));
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
    }
    let (code, _, stderr) = run(ileap(&["serve"]).env("ILEAP_CONFIG", &configuration));
    assert_eq!(code, 64);
    assert!(stderr.contains("nothing says where Clerk is"), "{stderr}");
    // A key that is misspelt may be the store's.
    let configuration = place.file("store.toml", &format!("{store}ulr = \"sqlite:x.db\"\n"));
    let (code, _, stderr) = run(ileap(&["access", "list"]).env("ILEAP_CONFIG", &configuration));
    assert_eq!(code, 64);
    assert!(stderr.contains("did you mean"), "{stderr}");
}
