//! The HTTP edge: limits, methods, headers, and the admin listener.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Options, TestServer, header, json, refusal, text};

/// Sends raw bytes and returns what comes back until the server closes or falls silent.
async fn raw(server: &TestServer, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.base.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_get_the_family_of_their_path() {
    let server = TestServer::start().await;
    let post = |path: &str| server.http.post(format!("{}{path}", server.base));
    assert_eq!(
        refusal(server.get("/nothing").send().await.unwrap()).await,
        (404, "BadRequest".into())
    );
    assert_eq!(
        refusal(server.get("/auth/nothing").send().await.unwrap()).await,
        (404, "invalid_request".into())
    );
    let answer = server.get("/auth/token").send().await.unwrap();
    assert_eq!(header(&answer, "allow"), "POST");
    assert_eq!(refusal(answer).await, (405, "invalid_request".into()));
    let answer = post("/2/footprints").send().await.unwrap();
    assert_eq!(header(&answer, "allow"), "GET,HEAD");
    assert_eq!(refusal(answer).await, (405, "BadRequest".into()));
}

/// The whole answer over HTTP/2.
async fn over_http2(server: &TestServer, method: Method, uri: Uri) -> Response<Bytes> {
    let mut request = Request::new(String::new());
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    sent_over_http2(server, request).await
}

async fn sent_over_http2(server: &TestServer, request: Request<String>) -> Response<Bytes> {
    let address = server.base.strip_prefix("http://").unwrap();
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let executor = TokioExecutor::new();
    let (mut client, connection) = http2::handshake(executor, stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let (head, body) = client.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    Response::from_parts(head, body)
}

#[tokio::test]
async fn over_http2_too_this_is_no_proxy_and_says_what_it_answers_at_all() {
    let server = TestServer::start().await;
    let of = async |method, uri| {
        let answer = over_http2(&server, method, uri).await;
        let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), allow)
    };
    let all = "GET,HEAD,POST".to_owned();
    let authority = Uri::from_static("evil.example:80");
    assert_eq!(of(Method::CONNECT, authority).await, (405, all.clone()));
    let anything = Uri::builder().scheme("http").authority("x");
    let anything = anything.path_and_query("*").build().unwrap();
    assert_eq!(of(Method::OPTIONS, anything).await, (204, all));
    let jwks = Uri::from_static("http://x/jwks");
    let expected = (405, "GET,HEAD".to_owned());
    assert_eq!(of(Method::OPTIONS, jwks).await, expected);
}

#[tokio::test]
async fn over_http2_too_a_request_names_one_host() {
    let server = TestServer::start().await;
    for (authority, expected) in [
        ("ileap.example.com:8443", 200),
        ("[::1]", 200),
        ("a,b", 400),
        ("u@x", 400),
        ("x:99999", 400),
        ("[fe80]", 400),
    ] {
        let uri: Uri = format!("http://{authority}/jwks").parse().unwrap();
        let answer = over_http2(&server, Method::GET, uri).await;
        assert_eq!(answer.status(), expected, "{authority}");
    }
    // RFC 9113 §8.3.1.
    for (host, expected) in [
        ("x", 200),
        ("X", 200),
        ("x:80", 200),
        ("x:81", 400),
        ("y", 400),
        ("", 400),
    ] {
        let request = Request::get("http://x/jwks").header("host", host);
        let answer = sent_over_http2(&server, request.body(String::new()).unwrap()).await;
        assert_eq!(answer.status(), expected, "{host}");
    }
}

#[tokio::test]
async fn over_http2_too_a_refused_head_has_the_length_of_the_refusal_and_no_body() {
    let server = TestServer::start().await;
    for path in ["auth/verify", "2/footprints", "nothing"] {
        let uri: Uri = format!("http://x/{path}").parse().unwrap();
        let get = over_http2(&server, Method::GET, uri.clone()).await;
        let head = over_http2(&server, Method::HEAD, uri).await;
        assert_eq!(head.status(), get.status());
        let length = get.body().len().to_string();
        assert_eq!(head.headers()["content-length"], *length, "{path}");
        assert!(length != "0" && head.body().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_headers_of_an_api() {
    let server = TestServer::start().await;
    for path in ["/jwks", "/nothing", "/2/footprints"] {
        let answer = server
            .get(path)
            .header("x-request-id", "chosen-by-a-stranger")
            .send()
            .await
            .unwrap();
        let id = header(&answer, "x-request-id");
        assert!(id.len() > 33 && id != "chosen-by-a-stranger", "{id}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer");
        let policy = header(&answer, "content-security-policy");
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(header(&answer, "server"), "");
        assert!(!text(answer).await.contains(&id));
    }
}

#[tokio::test]
async fn a_trusted_proxy_may_name_the_request() {
    let options = Options::default().set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.0/8");
    let server = TestServer::start_with(options).await;
    for (sent, kept) in [
        ("abc-1.2_3", true),
        ("has space", false),
        ("x;y", false),
        ("", false),
    ] {
        let answer = server
            .get("/jwks")
            .header("x-request-id", sent)
            .send()
            .await
            .unwrap();
        assert_eq!(header(&answer, "x-request-id") == sent, kept, "{sent}");
    }
}

#[tokio::test]
async fn a_token_is_given_to_post_alone_whoever_asks() {
    let server = TestServer::start().await;
    for method in [
        "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = server
            .http
            .request(method.clone(), format!("{}/auth/token", server.base))
            .basic_auth("hello", Some("pathfinder"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(header(&answer, "allow"), "POST", "{method}");
        assert!(!text(answer).await.contains("access_token"), "{method}");
    }
}

#[tokio::test]
async fn nothing_that_was_sent_compressed_is_read() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    // `grant_type=client_credentials`, and an event that is taken as it is, in the form of gzip.
    let form = "H4sIAAAAAAACA0svSswriS+pLEi1Tc7JTAWyk4tSU4B0ZmJOMQDxGBWoHQAAAA==";
    let packed = "H4sIAAAAAAACAxWMyw7CIBQF/+WuhUJTbeQDTNx1b1zwtCQVCNxWTdN/F3YzJ5OzQ0lWbzYXHwMI4JTBCbxpWKHENWtbZUZM\
         RXRdkhmDzdR+5Tsttib4Sy2I+UU/ShdDk8TZ+WBqNeVoVo23GDFlH5BOq1p8ma2hW7s3EiWIHZK7mwLiAcxwN8qhJxfFNRnk\
         eSRX3UsyKuaYaiPn8DyOP94N/nO3AAAA";
    let event = r#"{"specversion":"1.0","id":"1","source":"https://partner.example","type":"org.wbcsd.pathfinder.ProductFootprint.Published.v1","data":{"pfIds":["0d1f7a42-6b1c-4a57-9c2a-7b0f0b6b1c11"]}}"#;
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(caller.send_event(&event).await.status(), 200);
    let send = |path: &str, content_type: &str, body: &str| {
        let request = server.http.post(format!("{}{path}", server.base));
        request
            .header("content-type", content_type)
            .header("content-encoding", "gzip")
            .body(STANDARD.decode(body).unwrap())
    };
    let login = send("/auth/token", "application/x-www-form-urlencoded", form);
    let login = login.basic_auth("hello", Some("pathfinder"));
    let answer = refusal(login.send().await.unwrap()).await;
    assert_eq!(answer, (400, "invalid_request".into()));
    let event = send("/2/events", "application/cloudevents+json", packed);
    let event = event.bearer_auth(&caller.token);
    let answer = refusal(event.send().await.unwrap()).await;
    assert_eq!(answer, (400, "BadRequest".into()));
}

#[tokio::test]
async fn a_token_request_over_its_limit_is_refused_declared_or_not() {
    let server = TestServer::start().await;
    let request = |body: reqwest::Body| {
        server
            .http
            .post(format!("{}/auth/token", server.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    let body = format!("grant_type=client_credentials&x={}", "y".repeat(8 * 1024));
    let answer = request(body.clone().into()).await.unwrap();
    // The next request on this connection would meet its end.
    assert_eq!(header(&answer, "connection"), "close");
    assert_eq!(refusal(answer).await, (413, "invalid_request".into()));
    let chunked = format!(
        "POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    assert!(
        raw(&server, chunked.as_bytes())
            .await
            .starts_with("HTTP/1.1 413")
    );
}

#[tokio::test]
async fn a_target_or_a_head_over_its_limit_is_refused() {
    let server = TestServer::start().await;
    let answer = server
        .get(&format!("/jwks?{}", "x".repeat(8 * 1024)))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await, (414, "BadRequest".into()));
    let answer = server
        .get("/jwks")
        .header("x-large", "x".repeat(20 * 1024))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 431);
    let many: String = (0..70).map(|index| format!("x-{index}: y\r\n")).collect();
    let answer = raw(
        &server,
        format!("GET /jwks HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn requests_that_could_be_read_two_ways_are_not_read_at_all() {
    let server = TestServer::start().await;
    let form = "grant_type=client_credentials";
    for head in [
        "content-length: 29\r\ncontent-length: 30",
        "content-length: 29\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity",
        "content-length: +29",
        "content-length : 29",
    ] {
        let request = format!("POST /auth/token HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{form}");
        let answer = raw(&server, request.as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{head}: {answer}");
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{head}: {answer}");
    }
}

#[tokio::test]
async fn the_admin_listener_answers_probes_and_counts() {
    let server = TestServer::start().await;
    server.as_client("hello").await.data("/2/footprints").await;
    let admin = |path: &str| server.http.get(format!("{}{path}", server.admin)).send();
    assert_eq!(text(admin("/healthz").await.unwrap()).await, "ok\n");
    assert_eq!(text(admin("/readyz").await.unwrap()).await, "ready\n");
    let metrics = text(admin("/metrics").await.unwrap()).await;
    for line in [
        r#"ileap_http_requests_total{endpoint="token",status="200"} 1"#,
        r#"ileap_verifications_total{verifier="clerk_frontend",outcome="accepted"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            server.get(path).send().await.unwrap().status(),
            404,
            "{path} is not public"
        );
    }
}

#[tokio::test]
async fn no_answer_opens_the_api_to_browsers_of_other_origins() {
    let server = TestServer::start().await;
    let answer = server
        .get("/jwks")
        .header("origin", "https://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
    assert_eq!(header(&answer, "set-cookie"), "");
    assert!(json(answer).await["keys"].is_array());
}
