//! The demo's answers to events, at a host on this machine that knows its credentials: PACT's cases 12 to 14.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::{commands::Running, static_users::eventually};

/// `test_client_id:test_client_secret`
const BASIC: &str = "Basic dGVzdF9jbGllbnRfaWQ6dGVzdF9jbGllbnRfc2VjcmV0";

/// A host that gives a token for these credentials alone, and takes events with it, below its base.
struct Host {
    address: String,
    events: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = events.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                thread::spawn(move || answer(stream, &kept));
            }
        });
        Self { address, events }
    }

    /// Where the answer to this request came, and what it says.
    fn answer_to(&self, id: &str) -> (String, Value) {
        let find = || {
            let events = self.events.lock().unwrap();
            let mut found = events
                .iter()
                .filter(|(_, event)| event["data"]["requestEventId"] == id);
            let first = found.next().cloned();
            assert!(found.next().is_none(), "{id} is answered once");
            first
        };
        eventually(|| find().is_some());
        find().unwrap()
    }
}

fn answer(stream: TcpStream, kept: &Mutex<Vec<(String, Value)>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut first, mut length, mut authorization) = (String::new(), 0, String::new());
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let is_below = |end: &str| [end.to_owned(), format!("/app{end}")].contains(&path);
    let (status, text) = if is_below("/auth/token") && authorization == BASIC {
        // A token is good below its own base alone.
        let base = path.trim_end_matches("/auth/token");
        (
            "200 OK",
            json!({ "access_token": format!("token-of-{}", base.trim_matches('/')) }).to_string(),
        )
    } else if is_below("/2/events") {
        let base = path
            .trim_end_matches("/2/events")
            .trim_matches('/')
            .to_owned();
        if authorization == format!("Bearer token-of-{base}") {
            let event = serde_json::from_slice(&body).ok()?;
            kept.lock().ok()?.push((path.clone(), event));
            ("200 OK", String::new())
        } else {
            ("401 Unauthorized", String::new())
        }
    } else {
        ("404 Not Found", String::new())
    };
    let (length, mut stream) = (text.len(), stream);
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
    .ok()
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").arg("-sS").args(arguments).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn the_demo_answers_requests_at_whatever_host_on_this_machine_their_source_names() {
    let (demo, ready) = Running::start(&["demo", "--port", "0", "--json"]);
    let base = ready["base_url"].as_str().unwrap();
    let token = curl(&[
        "-u",
        "hello:pathfinder",
        "-d",
        "grant_type=client_credentials",
        &format!("{base}/auth/token"),
    ]);
    let token: Value = serde_json::from_str(&token).unwrap();
    let bearer = format!(
        "Authorization: Bearer {}",
        token["access_token"].as_str().unwrap()
    );
    let list = curl(&["-H", &bearer, &format!("{base}/2/footprints?limit=1")]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let product = &list["data"][0]["productIds"][0];
    let host = Host::start();
    let send = |id: &str, source: &str, product: &Value| {
        let event = json!({
            "specversion": "1.0", "id": id, "source": source, "time": "2026-01-01T00:00:00Z",
            "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
            "data": { "pf": { "productIds": [product] } },
        });
        curl(&[
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            &bearer,
            "-H",
            "content-type: application/cloudevents+json",
            "-d",
            &event.to_string(),
            &format!("{base}/2/events"),
        ])
    };
    let address = &host.address;
    for (number, (source, path)) in [
        (format!("http://{address}/"), "/2/events"),
        (format!("http://{address}/app"), "/app/2/events"),
        (format!("http://{address}/app/2/events"), "/app/2/events"),
        (format!("//{address}/app/"), "/app/2/events"),
        (format!("//{address}"), "/2/events"),
    ]
    .iter()
    .enumerate()
    {
        // TC12 and TC13.
        let id = format!("run/{number}/13");
        assert_eq!(send(&id, source, product), "200", "{source}");
        let (came, event) = host.answer_to(&id);
        assert_eq!(came, *path, "{source}");
        let kind = "org.wbcsd.pathfinder.ProductFootprintRequest.Fulfilled.v1";
        assert_eq!(event["type"], kind);
        let pfs = event["data"]["pfs"].as_array().unwrap();
        let has_product = |pf: &Value| pf["productIds"].as_array().unwrap().contains(product);
        assert!(pfs.iter().any(has_product), "{source}");
        // TC14.A and TC14.B.
        let id = format!("run/{number}/14");
        assert_eq!(send(&id, source, &json!("urn:pact:null")), "200");
        let (came, event) = host.answer_to(&id);
        assert_eq!(came, *path, "{source}");
        let kind = "org.wbcsd.pathfinder.ProductFootprintRequest.Rejected.v1";
        assert_eq!(event["type"], kind);
        for member in ["code", "message"] {
            assert!(!event["data"]["error"][member].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(demo.terminate().0, 0);
}
