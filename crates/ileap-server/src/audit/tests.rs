use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use serde_json::Value;
use tempfile::TempDir;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn open(path: &Path) -> Audit {
    let target = Target::File(path.to_owned());
    Audit::open(&target, DataAccess::All, Arc::new(Metrics::new())).unwrap()
}

fn record(audit: &Audit, client_id: &str) {
    let decision = Decision {
        client_id: Some(client_id),
        ..Decision::new(Event::TokenRequest, "refused")
    };
    audit.record(Timestamp::UNIX_EPOCH, &decision);
}

fn clients(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let client = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["client_id"].as_str().unwrap().to_owned()
    };
    text.lines().map(client).collect()
}

/// Whoever reads the metrics knows.
fn count(audit: &Audit, outcome: &str) -> Option<u64> {
    let text = audit.metrics.render();
    let name = format!("ileap_audit_lines_total{{outcome=\"{outcome}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name))?;
    line.parse().ok()
}

#[test]
fn a_line_says_when_who_and_how() {
    let decision = Decision {
        reason: Some("wrong_secret"),
        client_address: Some("192.0.2.7".parse().unwrap()),
        client_id: Some("ops@acme.example"),
        request_id: Some("r-1"),
        status: Some(400),
        ..Decision::new(Event::TokenRequest, "refused")
    };
    let at = "2026-11-26T10:00:00.5Z".parse().unwrap();
    assert_eq!(
        String::from_utf8(line::written(at, &decision)).unwrap(),
        concat!(
            r#"{"time":"2026-11-26T10:00:00.500000Z","event":"token_request","outcome":"refused","#,
            r#""reason":"wrong_secret","request_id":"r-1","client_address":"192.0.2.7","status":400,"#,
            r#""client_id":"ops@acme.example"}"#,
            "\n"
        )
    );
}

#[test]
fn no_client_id_forges_a_line_or_drives_a_terminal() {
    let hostile =
        "x\"\r\n{\"event\":\"forged\"}\u{1b}[2J\u{7f}\u{9b}2J\u{2028}\u{202e}\\u000a \u{1f69b}\0";
    let decision = Decision {
        client_id: Some(hostile),
        ..Decision::new(Event::TokenRequest, "refused")
    };
    let line = line::written(Timestamp::UNIX_EPOCH, &decision);
    let (end, text) = line.split_last().unwrap();
    assert_eq!(*end, b'\n');
    assert!(
        text.iter().all(|byte| (b' '..=b'~').contains(byte)),
        "{}",
        String::from_utf8_lossy(text)
    );
    let read: Value = serde_json::from_slice(text).unwrap();
    assert_eq!(
        read["client_id"], hostile,
        "and whoever reads JSON reads what was sent"
    );
}

#[test]
fn lines_are_on_disk_after_a_flush_and_for_the_owner_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let audit = open(&path);
    for number in 0..100 {
        record(&audit, &number.to_string());
    }
    assert!(audit.flush(PATIENCE));
    let wanted: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(clients(&path), wanted);
    assert_eq!(count(&audit, "written"), Some(100));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_was_moved_away_is_opened_anew() {
    let directory = TempDir::new().unwrap();
    let [path, rotated] = ["audit.jsonl", "audit.jsonl.1"].map(|name| directory.path().join(name));
    let audit = open(&path);
    record(&audit, "before");
    assert!(audit.flush(PATIENCE));
    fs::rename(&path, &rotated).unwrap();
    record(&audit, "after");
    assert!(audit.flush(PATIENCE));
    assert_eq!(clients(&rotated), ["before"]);
    assert_eq!(clients(&path), ["after"]);
}

#[test]
fn two_processes_write_to_one_file_line_by_line() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let (server, command) = (open(&path), open(&path));
    for _ in 0..200 {
        record(&server, "server");
        record(&command, "command");
    }
    assert!(server.flush(PATIENCE) && command.flush(PATIENCE));
    assert_eq!(clients(&path).len(), 400);
}

#[test]
fn a_full_disk_holds_nobody_up_and_what_is_lost_is_counted() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    // Every write to it fails for want of room.
    symlink("/dev/full", &path).unwrap();
    let audit = open(&path);
    // The queue, the line that the writer holds, and some more.
    for number in 0..QUEUE + 11 {
        record(&audit, &number.to_string());
    }
    let lost = count(&audit, "lost").unwrap();
    assert!((10..=11).contains(&lost), "{lost} lines were lost");
    assert_eq!(count(&audit, "written"), Some(0));
    assert!(!audit.flush(Duration::from_millis(1)), "nothing is on disk");
    // There is room again.
    fs::remove_file(&path).unwrap();
    while count(&audit, "written") == Some(0) {
        std::thread::yield_now();
    }
    while !audit.flush(PATIENCE) {
        std::thread::yield_now();
    }
    let kept = clients(&path);
    assert_eq!(
        kept.len() as u64 + lost,
        QUEUE as u64 + 11,
        "the others have waited"
    );
    assert_eq!(kept[0], "0");
}

#[test]
fn a_line_that_was_never_finished_takes_no_other_with_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let whole = "{\"client_id\":\"whole\"}\n";
    for (there, lines) in [("", 1), (whole, 2), (&*format!("{whole}{{\"ti"), 3)] {
        fs::write(&path, there).unwrap();
        let audit = open(&path);
        record(&audit, "next");
        assert!(audit.flush(PATIENCE));
        let text = fs::read_to_string(&path).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["client_id"], "next");
        assert_eq!(text.lines().count(), lines, "{text}");
    }
}

/// A disk that takes what is written and loses it.
struct Forgetful;

impl Trail for Forgetful {
    fn write(&mut self, line: &mut sink::Pending) -> io::Result<()> {
        line.write_to(&mut io::sink())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::Other.into())
    }
}

#[test]
fn whoever_waits_for_the_disk_is_told_that_it_failed() {
    let audit = Audit::begin(Forgetful, DataAccess::All, Arc::new(Metrics::new())).unwrap();
    record(&audit, "x");
    assert!(!audit.flush(PATIENCE));
    assert_eq!(count(&audit, "written"), Some(1));
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    symlink("/dev/null", &path).unwrap();
    let audit = open(&path);
    record(&audit, "x");
    assert!(audit.flush(PATIENCE));
}

#[test]
fn a_trail_that_cannot_be_opened_is_no_trail() {
    let target = Target::File("/nowhere/audit.jsonl".into());
    let opened = Audit::open(&target, DataAccess::All, Arc::new(Metrics::new()));
    assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn without_a_trail_nothing_is_written_and_nothing_is_missing() {
    let audit = Audit::open(&Target::Off, DataAccess::All, Arc::new(Metrics::new())).unwrap();
    record(&audit, "x");
    assert!(audit.flush(PATIENCE));
    assert_eq!(audit.data_access(), DataAccess::None);
    assert_eq!(count(&audit, "lost"), Some(0));
}
