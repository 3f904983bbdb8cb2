//! The client side as a shell sees it, against the demo.

mod elsewhere;
mod odd_hosts;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::commands::{Running, ileap, run};

/// A demo, and a user with a home of their own.
struct User {
    demo: Running,
    url: String,
    home: TempDir,
}

impl User {
    fn new() -> Self {
        let (demo, ready) = Running::start(&["demo", "--port", "0", "--json"]);
        Self {
            demo,
            url: ready["base_url"].as_str().unwrap().to_owned(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn logged_in() -> Self {
        let user = Self::new();
        let (code, stdout, stderr) = run(&mut user.log_in(&[]));
        assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
        user
    }

    fn ileap(&self, arguments: &[&str]) -> Command {
        let mut command = ileap(arguments);
        command.env("XDG_DATA_HOME", self.home.path());
        command
    }

    fn log_in(&self, more: &[&str]) -> Command {
        let mut command = self.ileap(&[&["login", &self.url], more].concat());
        command
            .env("ILEAP_CLIENT_ID", "hello")
            .env("ILEAP_CLIENT_SECRET", "pathfinder");
        command
    }

    fn saved(&self) -> std::path::PathBuf {
        self.home.path().join("ileap/logins.json")
    }

    /// The lines of a command that succeeds.
    fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let (code, stdout, stderr) = run(&mut self.ileap(arguments));
        assert_eq!(code, 0, "{stderr}");
        stdout.lines().map(str::to_owned).collect()
    }
}

fn ndjson(lines: &[String]) -> Vec<Value> {
    let parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    parsed.collect()
}

#[test]
fn a_login_is_kept_for_its_owner_alone_and_ends_with_logout() {
    let user = User::logged_in();
    let mode = fs::metadata(user.saved()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let saved = fs::read_to_string(user.saved()).unwrap();
    assert!(
        !saved.contains("pathfinder"),
        "the secret is kept only on request"
    );
    let (_, stdout, _) = run(&mut user.ileap(&["whoami", "--json"]));
    let whoami: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(whoami["current"], "default");
    assert_eq!(whoami["logins"][0]["client_id"], "hello");
    assert!(!stdout.contains("eyJ"), "a token is shown to nobody");

    fs::set_permissions(user.saved(), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, stderr) = run(&mut user.ileap(&["footprints"]));
    assert!(code == 1 && stderr.contains("chmod 600"), "{stderr}");
    fs::set_permissions(user.saved(), fs::Permissions::from_mode(0o600)).unwrap();

    assert_eq!(user.lines(&["logout"]), ["forgotten: default"]);
    let (code, _, stderr) = run(&mut user.ileap(&["footprints"]));
    assert!(code == 1 && stderr.contains("ileap login"), "{stderr}");
}

#[test]
fn conformance_takes_who_we_are_from_a_login_however_its_url_is_written() {
    let user = User::new();
    let mut log_in = user.log_in(&[
        "--save-secret",
        "--basic",
        "rfc6749",
        "--auth-url",
        &user.url,
    ]);
    assert_eq!(run(&mut log_in).0, 0);
    let url = format!("{}/", user.url.replacen("http:", "HTTP:", 1));
    let cases = ["--case", "pact/tc01", "--case", "pact/tc18"];
    let mut judge = user.ileap(&[&["conformance", &url], &cases[..]].concat());
    let (code, stdout, stderr) = run(&mut judge);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("passes the 2 selected cases"), "{stdout}");
}

#[test]
fn several_logins_have_names() {
    let user = User::logged_in();
    let mut shipper = user.log_in(&["--name", "shipper", "--save-secret"]);
    shipper
        .env("ILEAP_CLIENT_ID", "transport_service_user")
        .env("ILEAP_CLIENT_SECRET", "ileap");
    assert_eq!(run(&mut shipper).0, 0);
    let kinds = |arguments: &[&str]| {
        let lines = user.lines(arguments);
        let kinds = lines
            .iter()
            .skip(1)
            .filter_map(|line| line.split(' ').next());
        kinds.filter(|kind| *kind == "product").count()
    };
    assert_eq!(kinds(&["footprints"]), 0, "the login made last counts");
    assert!(kinds(&["footprints", "--login", "default"]) > 0);
    let (code, _, stderr) = run(&mut user.ileap(&["tads", "--login", "nobody"]));
    assert!(code == 1 && stderr.contains("nobody"), "{stderr}");
}

#[test]
fn wrong_credentials_are_exit_77_and_a_host_that_is_away_exit_69() {
    let user = User::new();
    let (code, stdout, stderr) = run(user.log_in(&[]).env("ILEAP_CLIENT_SECRET", "wrong"));
    assert_eq!((code, stdout.as_str()), (77, ""), "{stderr}");
    assert!(
        stderr.contains("invalid_client") && !stderr.contains("wrong\""),
        "{stderr}"
    );
    let mut away = user.ileap(&["tads", "--host", "http://127.0.0.1:9"]);
    away.env("ILEAP_CLIENT_ID", "hello")
        .env("ILEAP_CLIENT_SECRET", "pathfinder");
    let (code, _, stderr) = run(&mut away);
    assert_eq!(code, 69, "{stderr}");
    let (code, _, stderr) = run(&mut user.ileap(&["login", "http://host.example"]));
    assert!(code != 0 && stderr.contains("error: "), "{stderr}");
}

#[test]
fn a_url_that_cannot_be_used_is_told_before_anybody_types_a_secret() {
    let user = User::new();
    for url in ["ileap.example.com", "ftp://ileap.example.com"] {
        let (code, _, stderr) = run(&mut user.ileap(&["login", url]));
        assert!(code == 1 && stderr.contains("https://"), "{stderr}");
    }
}

#[test]
fn modes_may_be_given_at_once_and_numbers_begin_with_one() {
    let user = User::logged_in();
    let both = ndjson(&user.lines(&["tads", "--mode", "Rail,Air", "--json"]));
    for mode in ["Rail", "Air"] {
        assert!(both.iter().any(|tad| tad["mode"] == mode), "{mode}");
    }
    for argument in ["--limit", "--timeout"] {
        let (code, _, stderr) = run(&mut user.ileap(&["tads", argument, "0"]));
        let says = stderr.contains("a whole number from 1 to ");
        assert!(code == 2 && says, "{stderr}");
    }
}

#[test]
fn a_list_of_nothing_says_so() {
    let user = User::logged_in();
    let (code, stdout, stderr) = run(&mut user.ileap(&["tads", "--mode", "Pipeline"]));
    assert_eq!((code, stdout.as_str()), (0, ""));
    assert!(stderr.contains("none that fit"), "{stderr}");
}

#[test]
fn a_script_needs_no_login_but_the_environment() {
    let user = User::new();
    let mut command = user.ileap(&["tads", "--host", &user.url, "--json"]);
    command
        .env("ILEAP_CLIENT_ID", "hello")
        .env("ILEAP_CLIENT_SECRET", "pathfinder");
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.lines().count() > 5);
    assert!(!user.saved().exists());
}

#[test]
fn footprints_are_a_table_for_people_with_what_they_come_to() {
    let user = User::logged_in();
    let lines = user.lines(&["footprints"]);
    assert!(
        lines[0].starts_with("KIND") && lines[0].contains("KG CO2E"),
        "{}",
        lines[0]
    );
    let shipments = lines
        .iter()
        .position(|line| line.contains("shipments: "))
        .unwrap();
    assert!(
        lines[shipments + 1..]
            .iter()
            .any(|line| line.trim_start().starts_with("Road: "))
    );
    let (_, stdout, stderr) = run(&mut user.ileap(&["footprints", "--limit", "2"]));
    assert_eq!(stdout.lines().count(), 3, "{stdout}");
    assert!(stderr.contains("--all"), "{stderr}");
}

#[test]
fn json_is_one_object_a_line_as_it_was_sent_and_filters_reach_the_host() {
    let user = User::logged_in();
    let all = ndjson(&user.lines(&["footprints", "--all", "--json"]));
    let filter = "productCategoryCpc eq '83117'";
    let logistics = ndjson(&user.lines(&["footprints", "--json", "--filter", filter]));
    assert!(logistics.len() < all.len() && !logistics.is_empty());
    assert!(
        logistics
            .iter()
            .all(|footprint| footprint["productCategoryCpc"] == "83117")
    );
    let rail = ndjson(&user.lines(&["tads", "--mode", "rail", "--mode", "AIR", "--json"]));
    assert!(!rail.is_empty());
    assert!(
        rail.iter()
            .all(|tad| tad["mode"] == "Rail" || tad["mode"] == "Air")
    );
    let berlin = ndjson(&user.lines(&["tads", "--where", "origin.city=Berlin", "--json"]));
    assert!(berlin.iter().all(|tad| tad["origin"]["city"] == "Berlin") && !berlin.is_empty());
}

#[test]
fn a_shipment_is_drawn_from_its_first_place_to_its_last() {
    let user = User::logged_in();
    let all = ndjson(&user.lines(&["footprints", "--all", "--json"]));
    let is_wanted = |footprint: &&Value| {
        footprint["extensions"][0]["data"]["shipmentId"] == "shipment-multi-modal-1"
    };
    let id = all.iter().find(is_wanted).unwrap()["id"].as_str().unwrap();
    let lines = user.lines(&["footprints", id]);
    let start = lines
        .iter()
        .position(|line| line.starts_with("shipment "))
        .unwrap();
    let drawn = &lines[start + 1..];
    assert!(drawn[0].contains("● Hamburg DE"), "{drawn:#?}");
    assert!(
        drawn
            .iter()
            .any(|line| line.contains("│ Rail") && line.contains(" km ")),
        "{drawn:#?}"
    );
    assert!(
        drawn.iter().any(|line| line.contains("◆ hub")),
        "{drawn:#?}"
    );
    let (code, _, stderr) = run(&mut user.ileap(&["footprints", "nonsense"]));
    assert!(code == 1 && stderr.contains("none of this id"), "{stderr}");
}

#[test]
fn a_download_goes_on_where_it_was_interrupted_and_leaves_one_whole_file() {
    let user = User::logged_in();
    let file = user.home.path().join("tads.ndjson");
    let path = file.to_str().unwrap();
    let whole = user.lines(&["tads", "--all", "--json"]);
    user.lines(&["tads", "--all", "--output", path]);
    assert_eq!(lines_of(&file), whole);

    // As an interruption leaves it: two objects, half a third, and the word that two are whole.
    let list = format!("{}/2/ileap/tad?limit=1000", user.url);
    let next = first_page_of_two(&user);
    let kept: String = whole[..2].iter().map(|line| format!("{line}\n")).collect();
    let interrupted = |client_id: &str| {
        let mark = serde_json::json!({
            "list": list, "client_id": client_id, "next": next, "objects": 2, "bytes": kept.len()
        });
        let part = format!("{kept}{{\"half");
        fs::write(file.with_file_name("tads.ndjson.part"), part).unwrap();
        fs::write(
            file.with_file_name("tads.ndjson.part.json"),
            mark.to_string(),
        )
        .unwrap();
        fs::remove_file(&file).unwrap();
    };
    // What another account sees is another list.
    interrupted("somebody");
    let (code, _, stderr) = run(&mut user.ileap(&["tads", "--all", "--output", path]));
    assert!(code == 0 && !stderr.contains("going on"), "{stderr}");
    assert_eq!(lines_of(&file), whole);
    interrupted("hello");
    let (code, stdout, stderr) = run(&mut user.ileap(&["tads", "--all", "--output", path]));
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stderr.contains("going on after 2") && stdout.contains("13 written"),
        "{stdout}{stderr}"
    );
    assert_eq!(lines_of(&file), whole);
    assert!(!file.with_file_name("tads.ndjson.part.json").exists());
}

fn lines_of(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Where the host says that the list goes on after two.
fn first_page_of_two(user: &User) -> String {
    let saved: Value = serde_json::from_str(&fs::read_to_string(user.saved()).unwrap()).unwrap();
    let token = saved["logins"]["default"]["access_token"].as_str().unwrap();
    let (_, head, _) = run(Command::new("curl").args([
        "-s",
        "-D",
        "-",
        "-o",
        "/dev/null",
        "-H",
        &format!("Authorization: Bearer {token}"),
        &format!("{}/2/ileap/tad?limit=2", user.url),
    ]));
    let link = head
        .lines()
        .find(|line| line.starts_with("link: <"))
        .unwrap();
    link["link: <".len()..]
        .split('>')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn a_request_by_event_is_answered_to_whoever_listens() {
    let user = User::logged_in();
    let mut listener = user
        .ileap(&["events", "listen", "--count", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(listener.stderr.as_mut().unwrap())
        .read_line(&mut said)
        .unwrap();
    let source = said
        .split(' ')
        .find(|word| word.starts_with("http://"))
        .unwrap()
        .to_owned();
    let all = ndjson(&user.lines(&["footprints", "--limit", "1", "--json"]));
    let product = all[0]["productIds"][0].as_str().unwrap();
    let sent = user.lines(&[
        "events",
        "request",
        "--product",
        product,
        "--source",
        &source,
        "--json",
    ]);
    let output = listener.wait_with_output().unwrap();
    assert!(output.status.success());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["data"]["requestEventId"], ndjson(&sent)[0]["id"]);
    assert_eq!(answer["data"]["pfs"][0]["productIds"][0], product);
    assert_eq!(user.demo.terminate().0, 0);
}
