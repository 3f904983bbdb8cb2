//! `ileap partners`

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use ileap_server::{
    identity::{ClientId, Principal, Role, Scopes},
    store::{ReceivedEvent, Store as _, sql::SqlStore},
};
use ileap_types::pact::event::CloudEvent;
use serde_json::{Value, json};

use crate::{
    commands::{configuration, ileap, run},
    static_users::free_address,
};

struct Place {
    directory: tempfile::TempDir,
    path: String,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = configuration(directory.path());
        Self { directory, path }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut all = vec!["partners"];
        all.extend(arguments);
        all.extend(["--config", &self.path]);
        run(ileap(&all)
            .env("ILEAP_PARTNER_SECRET", "sesame+open")
            .env("ILEAP_EVENTS__PRIVATE_NETWORKS", "true"))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let (code, stdout, stderr) = self.run(&all);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }
}

/// A host that answers every request alike; its address.
fn host(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    base
}

#[test]
fn a_partners_host_is_registered_listed_and_forgotten_and_its_secret_is_never_shown() {
    let place = Place::new();
    let added = place.json(&[
        "add",
        "org_acme",
        "https://acme.example/ileap/2/events/",
        "--client-id",
        "us",
        "--auth-url",
        "https://login.acme.example",
        "--basic",
        "rfc6749",
        "--publish-as",
        "user",
    ]);
    let expected = json!({
        "recipient": "org_acme", "base_url": "https://acme.example/ileap", "auth_base_url": "https://login.acme.example",
        "client_id": "us", "basic": "rfc6749", "publish_as": "user",
    });
    assert_eq!(added, expected);
    assert_eq!(place.json(&["list"]), json!({ "partners": [expected] }));
    let (_, listed, _) = place.run(&["list"]);
    assert!(
        listed.contains("https://acme.example/ileap") && !listed.contains("sesame"),
        "{listed}"
    );
    assert_eq!(place.json(&["tasks"]), json!({ "tasks": [] }));
    assert_eq!(place.json(&["retry", "org_acme"]), json!({ "revived": 0 }));
    // Written as it was added.
    place.json(&[
        "remove",
        "org_acme",
        "HTTPS://Acme.example:443/ileap/2/events/",
    ]);
    assert_eq!(place.json(&["list"]), json!({ "partners": [] }));
    let (code, _, stderr) = place.run(&["remove", "org_acme", "https://acme.example/ileap"]);
    assert!(code == 1 && stderr.contains("partners list"), "{stderr}");
    let database = std::fs::metadata(place.directory.path().join("ileap.db")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&database.permissions()) & 0o777,
        0o600
    );
}

#[test]
fn what_a_partner_has_shared_is_listed_and_old_of_it_forgotten() {
    let place = Place::new();
    let (code, stdout, _) = place.run(&["received", "org_acme"]);
    assert!(code == 0 && stdout.contains("nothing is kept"), "{stdout}");
    let (code, stdout, _) = place.run(&["received", "org_acme", "--json"]);
    assert_eq!((code, stdout.as_str()), (0, ""));
    let forget = [
        "received",
        "org_acme",
        "--forget-until",
        "2026-01-31T00:00:00Z",
    ];
    let (code, stdout, _) = place.run(&forget);
    assert!(code == 0 && stdout.starts_with("0 footprints"), "{stdout}");
    assert_eq!(
        place
            .run(&["received", "org_acme", "--forget-until", "soon"])
            .0,
        2
    );
}

#[tokio::test]
async fn a_partners_answers_say_what_they_answer_and_why_it_refuses() {
    let place = Place::new();
    let url = format!("sqlite:{}/ileap.db", place.directory.path().display());
    let store = SqlStore::open(&url).await.unwrap();
    for (id, kind, data) in [
        (
            "1",
            "Fulfilled",
            json!({ "requestEventId": "first", "pfs": [{}, {}] }),
        ),
        (
            "2",
            "Rejected",
            json!({ "requestEventId": "second", "error": { "code": "NoSuchFootprint", "message": "None\u{1b}[2J." } }),
        ),
    ] {
        let body = json!({
            "specversion": "1.0", "id": id, "source": "https://acme.example",
            "type": format!("org.wbcsd.pathfinder.ProductFootprintRequest.{kind}.v1"), "data": data,
        });
        let body = bytes::Bytes::from(body.to_string());
        let sender = Principal {
            subject: "org_acme".to_owned(),
            client_id: ClientId::new("acme").unwrap(),
            organization: None,
            roles: [Role::User].into(),
            scopes: Scopes::all(),
        };
        let received = ReceivedEvent {
            event: &CloudEvent::parse_v2(&body).unwrap(),
            body: &body,
            sender: &sender,
            received_at: jiff::Timestamp::UNIX_EPOCH,
        };
        store.record_event(&received, &[]).await.unwrap();
    }
    let (code, stdout, _) = place.run(&["received", "org_acme", "--answers"]);
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(
        (code, lines),
        (
            0,
            vec![
                "request first  2 footprints  came 1970-01-01T00:00:00Z",
                "request second  rejected: NoSuchFootprint: None\u{fffd}[2J.  came 1970-01-01T00:00:00Z",
            ]
        )
    );
    let (_, stdout, _) = place.run(&["received", "org_acme", "--answers", "--json"]);
    let events: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[1]["data"]["error"]["code"], "NoSuchFootprint");
    assert_eq!(events.len(), 2);
}

#[test]
fn a_login_at_the_partners_host_is_tried_and_the_exit_code_says_how_it_went() {
    let place = Place::new();
    for (status, body, code) in [
        ("200 OK", r#"{"access_token":"t"}"#, 0),
        ("400 Bad Request", r#"{"error":"invalid_client"}"#, 77),
        ("503 Service Unavailable", "", 69),
        ("200 OK", "<html>", 1),
    ] {
        let base = host(status, body);
        place.json(&["add", "org_acme", &base, "--client-id", "us"]);
        let (ended, stdout, stderr) = place.run(&["test", "org_acme", &base]);
        assert_eq!(ended, code, "{status}: {stdout} {stderr}");
        assert!(!stderr.contains("sesame"), "{stderr}");
    }
    let base = format!("http://{}", free_address());
    place.json(&["add", "org_acme", &base, "--client-id", "us"]);
    assert_eq!(place.run(&["test", "org_acme", &base]).0, 69);
}

#[test]
fn hosts_that_would_not_be_called_are_not_registered() {
    let place = Place::new();
    for url in [
        "http://acme.example",
        "ftp://acme.example",
        "acme.example",
        "https://user@acme.example",
        "https://acme.example/?x",
        "https://169.254.169.254",
    ] {
        let (code, _, stderr) = place.run(&["add", "org_acme", url, "--client-id", "us"]);
        assert!(code == 1 && stderr.contains("base URL"), "{url}: {stderr}");
    }
    let (code, _, stderr) = run(ileap(&[
        "partners",
        "add",
        "org_acme",
        "http://127.0.0.1:9",
        "--client-id",
        "us",
        "--config",
        &place.path,
    ])
    .env("ILEAP_PARTNER_SECRET", "x"));
    assert!(
        code == 1 && stderr.contains("events.private_networks"),
        "{stderr}"
    );
}
