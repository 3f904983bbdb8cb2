//! A host on this machine whose tokens come from elsewhere.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};

use rustls::{ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::{
    commands::{ileap, run},
    conformance::hosts::{Manner, YES, start},
    upstream_tls::{Authority, Shown, authority},
};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ";

/// A host without TLS that names `token_endpoint`, and has a list of nothing.
fn host(token_endpoint: &str) -> String {
    let body = format!(r#"{{"token_endpoint":"{token_endpoint}","data":[]}}"#);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8 * 1024]);
            let _ = write!(stream, "{HEAD}{}\r\n\r\n{body}", body.len());
        }
    });
    base
}

/// The proxy to everywhere, which is the token endpoint with a certificate of `authority` itself.
fn proxy(authority: &Authority) -> String {
    let shown = Shown {
        name: "tokens.example",
        until: 2036,
    };
    let config = shown.config(authority);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1024];
            let length = stream.read(&mut head).unwrap();
            assert!(head[..length].starts_with(b"CONNECT tokens.example:443 "));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let body = r#"{"access_token":"t","token_type":"Bearer"}"#;
            if stream.read(&mut [0; 8 * 1024]).is_ok() {
                write!(stream, "{HEAD}{}\r\n\r\n{body}", body.len()).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        }
    });
    address
}

#[test]
fn a_token_endpoint_elsewhere_is_believed_on_the_platforms_word_and_reached_by_its_proxy() {
    let directory = TempDir::new().unwrap();
    let authority = authority();
    let roots = directory.path().join("roots.pem");
    fs::write(&roots, authority.pem()).unwrap();
    let host = host("https://tokens.example/token");
    let mut command = ileap(&["tads", "--host", &host]);
    command
        .env("ILEAP_CLIENT_ID", "hello")
        .env("ILEAP_CLIENT_SECRET", "pathfinder")
        .env("XDG_DATA_HOME", directory.path())
        .env("SSL_CERT_FILE", &roots)
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", proxy(&authority));
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_machine_without_certificates_talks_to_itself_and_says_why_it_cannot_to_others() {
    let directory = TempDir::new().unwrap();
    let lists = |token_endpoint: &str| {
        let mut command = ileap(&["tads", "--host", &host(token_endpoint)]);
        command
            .env("ILEAP_CLIENT_ID", "hello")
            .env("ILEAP_CLIENT_SECRET", "pathfinder")
            .env("XDG_DATA_HOME", directory.path())
            .env("SSL_CERT_FILE", directory.path().join("none"))
            .env("SSL_CERT_DIR", directory.path());
        run(&mut command)
    };
    let tokens = start(Manner::Says(
        "200 OK",
        "content-type: application/json\r\n",
        YES.as_bytes(),
    ));
    let (code, _, stderr) = lists(&tokens);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = lists("https://tokens.example/token");
    assert!(
        code != 0 && stderr.contains("CA certificates of this machine"),
        "{code}: {stderr}"
    );
}
