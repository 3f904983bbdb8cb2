//! Requests that two readers could read in two ways, over a raw connection: none of them hides another one.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{TestServer, nginx::Nginx, text};

const HOST: &str = "host: x\r\n";
/// What an attacker hides in the body of another request; whoever reads it as one is answered 404.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";

/// A head with a framing that is not clear, and a body in which a request is hidden.
fn unclear() -> Vec<String> {
    let length = HIDDEN.len();
    // All else is in order (`hello:pathfinder`): what is refused is refused for its framing or its body.
    let post = |framing: &str, body: &str| {
        format!(
            "POST /auth/token HTTP/1.1\r\n{HOST}authorization: Basic aGVsbG86cGF0aGZpbmRlcg==\r\n\
             content-type: application/x-www-form-urlencoded\r\n{framing}\r\n\r\n{body}"
        )
    };
    let chunked = "transfer-encoding: chunked";
    let mut requests = vec![
        // CL.TE and TE.CL: each reader's favourite.
        post(
            &format!("content-length: 6\r\n{chunked}"),
            &format!("0\r\n\r\n{HIDDEN}"),
        ),
        post(
            &format!("{chunked}\r\ncontent-length: 4"),
            &format!("{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n"),
        ),
        post(
            &format!("content-length: 0\r\ncontent-length: {length}"),
            HIDDEN,
        ),
        post(
            &format!("content-length: {length}\r\ncontent-length: 0"),
            HIDDEN,
        ),
        post(&format!("content-length: 0, {length}"), HIDDEN),
        post(&format!("content-length : {length}"), HIDDEN),
        post("content-length\t: 0", HIDDEN),
        // Folded lines (RFC 9112 §5.2), and characters that end a line for some.
        post(
            &format!("x-a: b\r\n content-length: {length}\r\ncontent-length: 0"),
            HIDDEN,
        ),
        post(
            &format!("transfer-encoding:\r\n chunked\r\ncontent-length: {length}"),
            HIDDEN,
        ),
        post(&format!("x-a: b\rcontent-length: {length}"), HIDDEN),
        post(&format!("x-a: b\0\r\ncontent-length: {length}"), HIDDEN),
        // Chunks.
        post(chunked, &format!("0x0\r\n\r\n{HIDDEN}")),
        post(chunked, &format!("-1\r\n\r\n{HIDDEN}")),
        post(chunked, &format!("{length:x} x\r\n{HIDDEN}\r\n0\r\n\r\n")),
        post(
            chunked,
            &format!("ffffffffffffffff0\r\n{HIDDEN}\r\n0\r\n\r\n"),
        ),
        // Both versions that have no chunks, or no head.
        format!("POST /auth/token HTTP/1.0\r\n{HOST}{chunked}\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("GET /jwks\r\n\r\n{HIDDEN}"),
        format!("POST /auth/token HTTP/1.2\r\n{HOST}content-length: 0\r\n\r\n{HIDDEN}"),
    ];
    for length in ["+0", "-1", "0x0", "", "0 0", "99999999999999999999999"] {
        requests.push(post(&format!("content-length: {length}"), HIDDEN));
    }
    for coding in [
        "xchunked",
        "identity",
        "chunked, identity",
        "chunked, chunked",
        "\u{b}chunked",
    ] {
        requests.push(post(
            &format!("transfer-encoding: {coding}\r\ncontent-length: {length}"),
            HIDDEN,
        ));
    }
    requests.push(post(
        &format!("{chunked}\r\ntransfer-encoding: x"),
        &format!("0\r\n\r\n{HIDDEN}"),
    ));
    requests
}

/// What comes back until the server closes; a server that keeps the connection open fails the test.
async fn exchange(server: &TestServer, request: &str) -> String {
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let closed = tokio::time::timeout(Duration::from_secs(30), read).await;
    assert!(closed.is_ok(), "the connection stays open after {request}");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Requests at no path of ours.
async fn hidden_requests(server: &TestServer) -> usize {
    let metrics = server.http.get(format!("{}/metrics", server.admin)).send();
    let metrics = text(metrics.await.unwrap()).await;
    let begin = r#"ileap_http_requests_total{endpoint="unknown""#;
    let counts = metrics.lines().filter(|line| line.starts_with(begin));
    counts
        .map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
        .sum()
}

#[tokio::test]
async fn unclear_framing_ends_the_connection_and_hides_no_request() {
    let server = TestServer::start().await;
    for request in unclear() {
        let answer = exchange(&server, &request).await;
        assert!(
            answer.matches("HTTP/1.").count() <= 1,
            "{request}\n{answer}"
        );
        assert!(!answer.starts_with("HTTP/1.1 2"), "{request}\n{answer}");
    }
    assert_eq!(hidden_requests(&server).await, 0);
}

#[tokio::test]
async fn a_body_in_unclear_framing_is_read_in_one_way_or_not_at_all() {
    const FORM: &str = "grant_type=client_credentials";
    const NEXT: &str = "GET /hidden HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let server = TestServer::start().await;
    let length = FORM.len();
    let chunks = format!("{length:x}\r\n{FORM}\r\n0\r\n\r\n");
    let ask = async |framing: &str, body: &str| {
        // `hello:pathfinder`
        let head = format!(
            "POST /auth/token HTTP/1.1\r\n{HOST}authorization: Basic aGVsbG86cGF0aGZpbmRlcg==\r\n\
             content-type: application/x-www-form-urlencoded\r\n{framing}\r\n\r\n{body}{NEXT}"
        );
        exchange(&server, &head).await
    };
    let plain = format!("content-length: {length}");
    let answer = ask(&plain, FORM).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(hidden_requests(&server).await, 1, "nothing is hidden there");
    for unread in [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked\r\ncontent-encoding: gzip",
    ] {
        let answer = ask(unread, &chunks).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{unread}\n{answer}");
    }
    for unread in [
        format!("content-length: {length}\r\ncontent-length: {}", length + 1),
        format!("content-length: +{length}"),
        format!("content-length: {length}, {}", length + 1),
        format!("content-length: 0x{length:x}"),
        format!("content-length: {length}\r\ncontent-encoding: gzip"),
    ] {
        let answer = ask(&unread, FORM).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{unread}\n{answer}");
    }
    // The coding goes before the length, and the connection ends (RFC 9112 §6.1): what follows is never read.
    let before = hidden_requests(&server).await;
    for both in [
        "content-length: 6\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 6",
    ] {
        let answer = ask(both, &chunks).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{both}\n{answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{both}\n{answer}");
    }
    assert_eq!(hidden_requests(&server).await, before);
}

/// What nginx reads as a request of its own is none that is hidden: with every one, both count the same.
#[tokio::test]
async fn nginx_and_we_read_the_same_requests() {
    let server = TestServer::start().await;
    let nginx = Nginx::before(&server).await;
    for request in unclear() {
        let mut stream = TcpStream::connect(&nginx.address).await.unwrap();
        let next = format!("GET /jwks HTTP/1.1\r\n{HOST}connection: close\r\n\r\n");
        let _ = stream
            .write_all(format!("{request}{next}").as_bytes())
            .await;
        // It waits for bodies that do not come: ending our side ends them.
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(
            hidden_requests(&server).await,
            nginx.seen("/hidden"),
            "{request}"
        );
    }
    let answer = status_of(&nginx, "/hidden").await;
    assert_eq!(answer, 404, "it passes on what is clear");
}

async fn status_of(nginx: &Nginx, path: &str) -> u16 {
    let url = format!("http://{}{path}", nginx.address);
    crate::harness::client()
        .get(url)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn what_is_clear_is_read_once_however_it_is_written() {
    let server = TestServer::start().await;
    let length = HIDDEN.len();
    let last = format!("GET /jwks HTTP/1.1\r\n{HOST}connection: close\r\n\r\n");
    for first in [
        // The same length twice is one length (RFC 9110 §8.6); extensions of chunks mean nothing (RFC 9112 §7.1.1).
        format!(
            "GET /jwks HTTP/1.1\r\n{HOST}content-length: {length}\r\ncontent-length: {length}\r\n\r\n{HIDDEN}"
        ),
        format!(
            "GET /jwks HTTP/1.1\r\n{HOST}transfer-encoding: Chunked\r\n\r\n{length:x};a=\"b\"\r\n{HIDDEN}\r\n0\r\n\r\n"
        ),
        // A line may end with LF alone (RFC 9112 §2.2).
        "GET /jwks HTTP/1.1\nhost: x\n\n".to_owned(),
        // No upgrade is taken up.
        format!("GET /jwks HTTP/1.1\r\n{HOST}connection: upgrade\r\nupgrade: h2c\r\n\r\n"),
    ] {
        let answer = exchange(&server, &format!("{first}{last}")).await;
        assert_eq!(
            answer.matches("HTTP/1.1 200 OK").count(),
            2,
            "{first}\n{answer}"
        );
    }
    assert_eq!(hidden_requests(&server).await, 0);
}

#[tokio::test]
async fn methods_that_are_not_offered_are_refused_and_nothing_is_redirected() {
    let server = TestServer::start().await;
    for (request, status, allow) in [
        ("OPTIONS /jwks", 405, "GET,HEAD"),
        ("TRACE /auth/token", 405, "POST"),
        ("PUT /auth/token", 405, "POST"),
        ("GET /auth/token", 405, "POST"),
        ("BREW /jwks", 405, "GET,HEAD"),
        ("HEAD /jwks", 200, ""),
        ("OPTIONS *", 204, "GET,HEAD,POST"),
        ("GET *", 404, ""),
        ("CONNECT evil.example:80", 405, "GET,HEAD,POST"),
        ("CONNECT /jwks", 405, "GET,HEAD"),
        ("GET http://evil.example/jwks", 200, ""),
        ("GET //jwks", 404, ""),
        ("GET /jwks/", 404, ""),
        ("GET /./jwks", 404, ""),
        ("GET /%6awks", 404, ""),
    ] {
        let answer = exchange(
            &server,
            &format!("{request} HTTP/1.1\r\n{HOST}connection: close\r\n\r\n"),
        )
        .await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}\n{answer}"
        );
        let allowed = answer.lines().find_map(|line| line.strip_prefix("allow: "));
        assert_eq!(allowed.unwrap_or_default(), allow, "{request}");
        assert!(
            !answer.contains("\nlocation:") && !answer.contains("evil.example"),
            "{answer}"
        );
        if request.starts_with("HEAD") {
            assert!(answer.ends_with("\r\n\r\n") && !answer.contains("content-length: 0"));
        }
    }
}

#[tokio::test]
async fn a_request_names_one_host_and_what_it_names_changes_nothing() {
    let server = TestServer::start().await;
    let close = "connection: close\r\n\r\n";
    for hosts in [
        "",
        "host: x\r\nhost: x\r\n",
        "host: a, b\r\n",
        "host: x/y\r\n",
        "host: u@x\r\n",
    ] {
        let answer = exchange(&server, &format!("GET /jwks HTTP/1.1\r\n{hosts}{close}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts}: {answer}");
    }
    let metadata = async |host: &str| {
        let request =
            format!("GET /.well-known/openid-configuration HTTP/1.1\r\nhost: {host}\r\n{close}");
        let answer = exchange(&server, &request).await;
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let plain = metadata("x").await;
    for host in ["evil.example", "evil.example:1", "[::1]", ""] {
        assert_eq!(metadata(host).await, plain, "{host}");
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let server = TestServer::start().await;
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /auth/token HTTP/1.1\r\n{HOST}authorization: Basic aGVsbG86cGF0aGZpbmRlcg==\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\nexpect: 100-continue\r\ncontent-length: 29\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
        .write_all(b"grant_type=client_credentials")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
