//! Traces, which a build with the feature `otel` sends to a collector.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    commands::{Running, ileap},
    static_users::{eventually, free_address, hash, token, write_users},
};

const SECRET: &str = "canary:quartz+Lantern%41 4711";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const STRANGERS_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A server over static users that would send traces to `collector`.
fn serve(directory: &std::path::Path, address: &str, collector: &str) -> Running {
    let users = directory.join("users.toml");
    write_users(&users, &[("acme", &hash(SECRET))]);
    let child = ileap(&["serve"])
        .env("ILEAP_VERIFIER__KIND", "static_users")
        .env("ILEAP_VERIFIER__STATIC_USERS__FILE", &users)
        .env("ILEAP_LISTENER__BIND", address)
        .env("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0")
        .env("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.1")
        .env("ILEAP_STORE__URL", "sqlite::memory:")
        .env("ILEAP_TOKEN__ALGORITHM", "ES256")
        .env("ILEAP_LOG__LEVEL", "trace")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"))
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(child);
    eventually(|| token(address, "acme", SECRET).0 == 200);
    server
}

/// A collector that keeps what it is sent.
fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let keep = keep.clone();
            thread::spawn(move || take(stream.unwrap(), &keep));
        }
    });
    (address, kept)
}

fn take(mut stream: TcpStream, keep: &Mutex<Vec<u8>>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut request = Vec::new();
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        request.extend_from_slice(&buffer[..count]);
        let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(request[..end].to_vec())
            .unwrap()
            .to_lowercase();
        assert!(head.starts_with("post /v1/traces "), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
        if request.len() < end + 4 + length {
            continue;
        }
        keep.lock().unwrap().extend_from_slice(&request[end + 4..]);
        request.clear();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |place| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn has(kept: &[u8], wanted: &[u8]) -> bool {
    kept.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_collector_gets_spans_that_continue_a_trusted_proxys_trace_and_name_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (collector, kept) = collector();
    let address = free_address();
    let server = serve(directory.path(), &address, &collector);
    let ask = |arguments: &[&str]| {
        let output = Command::new("curl").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let footprints = format!("http://{address}/2/footprints?canary-query=1");
    let (_, body) = token(&address, "acme", SECRET);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let bearer = format!(
        "Authorization: Bearer {}",
        body["access_token"].as_str().unwrap()
    );
    let parent = format!("traceparent: 00-{TRACE}-{SPAN}-01");
    let answer = ask(&["-s", "-H", &bearer, "-H", &parent, &footprints]);
    assert!(answer.starts_with("{\"data\":"), "{answer}");
    let parent = format!("traceparent: 00-{STRANGERS_TRACE}-{SPAN}-01");
    let stranger = ["-s", "--interface", "127.0.0.2"];
    let answer = ask(&[&stranger[..], &["-H", &bearer, "-H", &parent, &footprints]].concat());
    assert!(answer.starts_with("{\"data\":"), "{answer}");
    token(&address, "acme", "canary-wrong-0815");
    assert_eq!(server.terminate(), (0, String::new()));
    let kept = kept.lock().unwrap().clone();
    for wanted in [
        "ileap",
        "token",
        "list_footprints",
        "verify",
        "store",
        "sqlite",
        "http.response.status_code",
        "http.request.method",
        "error.type",
        "client_refused",
        "request.id",
        "service.version",
    ] {
        assert!(has(&kept, wanted.as_bytes()), "{wanted} is in no span");
    }
    assert!(
        has(&kept, &bytes(TRACE)) && has(&kept, &bytes(SPAN)),
        "the proxy's trace goes on"
    );
    assert!(
        !has(&kept, &bytes(STRANGERS_TRACE)),
        "a stranger begins no trace"
    );
    for secret in ["canary", "acme", "127.0.0.", "eyJ", "code.", "thread."] {
        assert!(!has(&kept, secret.as_bytes()), "{secret} is in a span");
    }
}
