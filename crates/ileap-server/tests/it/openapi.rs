//! `GET /openapi.json` is true: of real answers, of routes and methods, and of the data.

mod document;
mod model;

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_emulator::{Endpoint, Fault};
use ileap_server::clock::{Clock as _, SystemClock};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json as json_value};

use self::document::Document;
use crate::harness::{Options, TestServer, header, json};

const WEBHOOK_KEY: &[u8] = b"a signing key of twenty-four";
/// Answers that a test would wait long for or that need a broken store; the table of failures is held against
/// the document elsewhere.
const HARD_TO_GET: [u16; 3] = [408, 500, 503];

/// Sends requests and holds each answer against the document.
struct Examiner {
    document: Document,
    seen: BTreeSet<(String, u16)>,
}

impl Examiner {
    /// The answer to `request` for the operation at `path` is `status`, and as the document says.
    async fn expect(&mut self, status: u16, path: &str, request: RequestBuilder) {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let operation = format!("{} {path}", request.method());
        let answer = client.execute(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{operation}");
        self.document.assert_describes(&operation, answer).await;
        self.seen.insert((operation, status));
    }
}

fn with_webhooks() -> Options {
    let secret = format!("whsec_{}", STANDARD.encode(WEBHOOK_KEY));
    Options::default().set("CLERK_WEBHOOK_SIGNING_SECRET", secret)
}

fn post(server: &TestServer, path: &str) -> RequestBuilder {
    server.http.post(format!("{}{path}", server.base))
}

fn too_long(server: &TestServer, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}{path}?x={}", server.base, "x".repeat(9 * 1024));
    server.http.request(method, url)
}

#[tokio::test]
async fn every_documented_answer_is_given_and_as_documented() {
    let server = TestServer::start_with(with_webhooks()).await;
    let document = Document::of(&server).await;
    let mut examiner = Examiner {
        document,
        seen: BTreeSet::new(),
    };
    logins(&server, &mut examiner).await;
    tokens(&server, &mut examiner).await;
    documents(&server, &mut examiner).await;
    data(&server, &mut examiner).await;
    one_footprint(&server, &mut examiner).await;
    events(&server, &mut examiner).await;
    webhooks(&server, &mut examiner).await;
    proxies(&mut examiner).await;
    whatever_is_asked(&server, &mut examiner).await;
    let is_easy_to_get = |(_, status): &(String, u16)| !HARD_TO_GET.contains(status);
    let documented = examiner.document.answers().into_iter();
    let seen = examiner.seen.into_iter();
    assert_eq!(
        seen.filter(is_easy_to_get).collect::<BTreeSet<_>>(),
        documented.filter(is_easy_to_get).collect::<BTreeSet<_>>()
    );
}

async fn logins(server: &TestServer, examiner: &mut Examiner) {
    const PATH: &str = "/auth/token";
    let right = || server.token_request("hello", "pathfinder");
    examiner.expect(200, PATH, right()).await;
    let scoped = right().body("grant_type=client_credentials&scope=footprint:read");
    examiner.expect(200, PATH, scoped).await;
    let wrong = server.token_request("hello", "wrong");
    examiner.expect(400, PATH, wrong).await;
    let no_role = server.token_request("no_role", "ileap");
    examiner.expect(400, PATH, no_role).await;
    let other_grant = right().body("grant_type=password");
    examiner.expect(400, PATH, other_grant).await;
    let as_json = post(server, PATH).json(&json_value!({}));
    examiner.expect(400, PATH, as_json).await;
    examiner
        .expect(413, PATH, right().body("x".repeat(9 * 1024)))
        .await;
    examiner
        .expect(414, PATH, too_long(server, Method::POST, PATH))
        .await;
    server.clerk.admin().fail_next(
        Endpoint::CreateSignIn,
        Fault::error(500, "internal_clerk_error"),
    );
    let undecided = server.token_request("operator", "ileap");
    examiner.expect(503, PATH, undecided).await;
    let strict = Options::default().set("ILEAP_PROFILE__OAUTH_ERRORS", "rfc6749");
    let strict = TestServer::start_with(strict).await;
    examiner
        .expect(401, PATH, strict.token_request("hello", "wrong"))
        .await;
    let limited = Options::default().set("ILEAP_VERIFIER__BUDGET__ENABLED", "true");
    let limited = TestServer::start_with(limited).await;
    // A refusal is remembered: the same wrong secret again would be no failure more.
    for guess in 0..10 {
        let guess = limited.token_request("hello", &format!("wrong {guess}"));
        guess.send().await.unwrap();
    }
    let one_more = limited.token_request("hello", "wrong");
    examiner.expect(429, PATH, one_more).await;
}

async fn tokens(server: &TestServer, examiner: &mut Examiner) {
    const CLIENT: (&str, &str) = ("hello", "pathfinder");
    let limited = Options::default().set("ILEAP_VERIFIER__BUDGET__ENABLED", "true");
    let limited = TestServer::start_with(limited).await;
    for path in ["/auth/introspect", "/auth/revoke"] {
        let token = server.as_client("hello").await.token;
        for token in [&token, "abc"] {
            examiner
                .expect(200, path, server.ask(path, CLIENT, token))
                .await;
        }
        examiner
            .expect(400, path, server.ask(path, CLIENT, ""))
            .await;
        let wrong = server.ask(path, ("hello", "wrong"), &token);
        examiner.expect(401, path, wrong).await;
        let large = server.ask(path, CLIENT, &"x".repeat(9 * 1024));
        examiner.expect(413, path, large).await;
        examiner
            .expect(414, path, too_long(server, Method::POST, path))
            .await;
        for guess in 0..10 {
            let secret = format!("wrong {guess}");
            let guess = limited.ask(path, ("hello", &secret), "abc");
            guess.send().await.unwrap();
        }
        let one_more = limited.ask(path, ("hello", "wrong"), "abc");
        examiner.expect(429, path, one_more).await;
    }
}

async fn documents(server: &TestServer, examiner: &mut Examiner) {
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/jwks",
        "/openapi.json",
    ] {
        examiner.expect(200, path, server.get(path)).await;
        let known = server.get(path).header("if-none-match", "*");
        examiner.expect(304, path, known).await;
        examiner
            .expect(414, path, too_long(server, Method::GET, path))
            .await;
    }
}

async fn data(server: &TestServer, examiner: &mut Examiner) {
    let token = server.as_client("hello").await.token;
    let no_rule = server.as_client("no_rule").await.token;
    let narrow = server.narrow_token("footprint:read").await;
    for (path, forbids_strangers) in [("/2/footprints", false), ("/2/ileap/tad", true)] {
        let get =
            |query: &str, token: &str| server.get(&format!("{path}{query}")).bearer_auth(token);
        for (token, query) in [
            (&token, ""),
            (&token, "?limit=1"),
            (&token, "?offset=1"),
            (&no_rule, ""),
        ] {
            examiner.expect(200, path, get(query, token)).await;
        }
        for query in [
            "?limit=0",
            "?cursor=x",
            "?offset=x",
            "?limit=1&limit=1",
            "?limit=%ff",
        ] {
            examiner.expect(400, path, get(query, &token)).await;
        }
        let status_of_strangers = if forbids_strangers { 403 } else { 401 };
        examiner
            .expect(status_of_strangers, path, server.get(path))
            .await;
        examiner
            .expect(status_of_strangers, path, get("", "abc"))
            .await;
        examiner
            .expect(401, path, get("", &server.expired_token()))
            .await;
        examiner.expect(403, path, get("", &narrow)).await;
        examiner
            .expect(414, path, too_long(server, Method::GET, path))
            .await;
    }
    let filter = server.get("/2/footprints?$filter=companyName+eq+'x'");
    examiner
        .expect(400, "/2/footprints", filter.bearer_auth(&token))
        .await;
}

async fn one_footprint(server: &TestServer, examiner: &mut Examiner) {
    const PATH: &str = "/2/footprints/{id}";
    let caller = server.as_client("hello").await;
    let get = |id: &str| server.get(&format!("/2/footprints/{id}"));
    for footprint in caller
        .data("/2/footprints?limit=1000")
        .await
        .as_array()
        .unwrap()
    {
        let found = get(footprint["id"].as_str().unwrap());
        examiner
            .expect(200, PATH, found.bearer_auth(&caller.token))
            .await;
    }
    examiner
        .expect(400, PATH, get("x").header("authorization", "Token x"))
        .await;
    examiner.expect(401, PATH, get("x")).await;
    let narrow = server.narrow_token("footprint:list").await;
    examiner
        .expect(403, PATH, get("x").bearer_auth(narrow))
        .await;
    examiner
        .expect(404, PATH, get("x").bearer_auth(&caller.token))
        .await;
    let too_long = too_long(server, Method::GET, "/2/footprints/x");
    examiner.expect(414, PATH, too_long).await;
}

async fn events(server: &TestServer, examiner: &mut Examiner) {
    const PATH: &str = "/2/events";
    const TYPE: &str = "application/cloudevents+json";
    let token = server.as_client("hello").await.token;
    let send = |body: String| {
        let request = post(server, PATH).bearer_auth(&token);
        request.header("content-type", TYPE).body(body)
    };
    for event in model::events() {
        examiner
            .document
            .assert_takes(&format!("POST {PATH}"), TYPE, &event);
        examiner.expect(200, PATH, send(event.to_string())).await;
    }
    examiner.expect(400, PATH, send("{}".to_owned())).await;
    examiner.expect(401, PATH, post(server, PATH)).await;
    let large = send(" ".repeat(1024 * 1024 + 1));
    examiner.expect(413, PATH, large).await;
    examiner
        .expect(414, PATH, too_long(server, Method::POST, PATH))
        .await;
}

async fn webhooks(server: &TestServer, examiner: &mut Examiner) {
    const PATH: &str = "/webhooks/clerk";
    let body = json_value!({"type": "session.created", "data": {}}).to_string();
    let signed = |key: &[u8]| {
        let sent_at = SystemClock.now().as_second();
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let tag = hmac::sign(&key, format!("msg_1.{sent_at}.{body}").as_bytes());
        post(server, PATH)
            .header("svix-id", "msg_1")
            .header("svix-timestamp", sent_at.to_string())
            .header("svix-signature", format!("v1,{}", STANDARD.encode(tag)))
            .body(body.clone())
    };
    examiner.expect(204, PATH, signed(WEBHOOK_KEY)).await;
    examiner
        .expect(400, PATH, post(server, PATH).body("{}"))
        .await;
    examiner
        .expect(401, PATH, signed(b"a key of somebody else's"))
        .await;
    let large = post(server, PATH).body(" ".repeat(256 * 1024 + 1));
    examiner.expect(413, PATH, large).await;
    examiner
        .expect(414, PATH, too_long(server, Method::POST, PATH))
        .await;
    let without_secret = TestServer::start().await;
    examiner
        .expect(404, PATH, post(&without_secret, PATH).body("{}"))
        .await;
}

async fn proxies(examiner: &mut Examiner) {
    const PATH: &str = "/auth/verify";
    let options = Options::default().set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.0/8");
    let server = TestServer::start_with(options).await;
    let token = server.as_client("hello").await.token;
    let narrow = server.narrow_token("footprint:list").await;
    for method in [Method::GET, Method::POST] {
        let ask = || {
            let url = format!("{}{PATH}", server.base);
            server.http.request(method.clone(), url)
        };
        examiner.expect(200, PATH, ask().bearer_auth(&token)).await;
        examiner.expect(401, PATH, ask()).await;
        let scheme = ask().header("authorization", "Token x");
        examiner.expect(401, PATH, scheme).await;
        let expired = ask().bearer_auth(server.expired_token());
        examiner.expect(401, PATH, expired).await;
        examiner.expect(403, PATH, ask().bearer_auth(&narrow)).await;
        let tad = ask()
            .header("x-forwarded-uri", "/2/ileap/tad")
            .header("x-forwarded-method", "GET");
        examiner.expect(403, PATH, tad).await;
        examiner
            .expect(414, PATH, too_long(&server, method.clone(), PATH))
            .await;
    }
}

/// Heads that are too large, hosts that are none, and one request too many.
async fn whatever_is_asked(server: &TestServer, examiner: &mut Examiner) {
    let throttled = Options::default().set("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "1");
    let throttled = TestServer::start_with(throttled).await;
    throttled.get("/jwks").send().await.unwrap();
    for path in examiner.document.paths() {
        for method in examiner.document.methods(&path) {
            let url = format!("{}{path}", server.base);
            let request = server.http.request(method.parse().unwrap(), url);
            let request = request.header("x-large", "x".repeat(20 * 1024));
            examiner.expect(431, &path, request).await;
            let url = format!("{}{path}", server.base);
            let request = server.http.request(method.parse().unwrap(), url);
            // Proxies take 400 for a mistake of ours.
            let unclear = if path == "/auth/verify" { 401 } else { 400 };
            examiner
                .expect(unclear, &path, request.header("host", "a, b"))
                .await;
            let url = format!("{}{path}", throttled.base);
            let request = throttled.http.request(method.parse().unwrap(), url);
            examiner.expect(429, &path, request).await;
        }
    }
}

#[tokio::test]
async fn the_methods_that_are_not_described_are_not_allowed() {
    let server = TestServer::start().await;
    let document = Document::of(&server).await;
    for path in document.paths() {
        let described = document.methods(&path);
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let url = format!("{}{}", server.base, path.replace("{id}", "x"));
            let answer = server
                .http
                .request(method.clone(), url)
                .send()
                .await
                .unwrap();
            let is_described = described.contains(method.as_str());
            assert_eq!(answer.status() != 405, is_described, "{method} {path}");
            if !is_described {
                let allow = header(&answer, "allow");
                let allowed = allow.split(',').filter(|method| *method != "HEAD");
                assert_eq!(
                    allowed.map(str::to_owned).collect::<BTreeSet<_>>(),
                    described
                );
            }
        }
    }
}

#[tokio::test]
async fn its_urls_are_those_that_partners_type() {
    let options = Options::default().set("ILEAP_PUBLIC_BASE_URL", "https://way.example/api/ileap");
    let server = TestServer::start_with(options).await;
    for path in ["/openapi.json", "/api/ileap/openapi.json"] {
        let document = json(server.get(path).send().await.unwrap()).await;
        assert_eq!(
            document["servers"],
            json_value!([{"url": "https://way.example/api/ileap"}])
        );
        let token_url = "/components/securitySchemes/accessToken/flows/clientCredentials/tokenUrl";
        assert_eq!(
            document.pointer(token_url).and_then(Value::as_str),
            Some("https://way.example/api/ileap/auth/token")
        );
        assert!(!document.to_string().contains("ileap.example/"));
    }
}

#[tokio::test]
async fn its_version_is_the_programs() {
    let server = TestServer::start().await;
    let document = json(server.get("/openapi.json").send().await.unwrap()).await;
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
