//! `GET /auth/verify`, as a proxy in front of another service asks it.

use http::Method;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::harness::{Options, TestServer, header, json, refusal, text};

const NAMES: [&str; 5] = [
    "x-ileap-subject",
    "x-ileap-client-id",
    "x-ileap-organization",
    "x-ileap-roles",
    "x-ileap-scope",
];

/// A server whose proxies are on this machine.
async fn behind_a_proxy() -> TestServer {
    let options = Options::default().set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.0/8");
    TestServer::start_with(options).await
}

/// What a proxy asks about a request to `path` with this Authorization header.
fn about(server: &TestServer, path: &str, authorization: &str) -> RequestBuilder {
    let method = if path == "/2/events" { "POST" } else { "GET" };
    let mut request = server
        .get("/auth/verify")
        .header("x-forwarded-method", method)
        .header("x-forwarded-uri", path);
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    request
}

async fn asked(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_good_token_says_who_is_calling() {
    let server = behind_a_proxy().await;
    let organization = server.clerk.organization_id("shipper").unwrap();
    let caller = server.as_client("transport_service_user").await;
    let claims = ileap_claims(&caller.token);
    for path in [
        "/2/footprints",
        "/2/footprints/x",
        "/2/events",
        "/2/ileap/tad",
        "/else",
    ] {
        let answer = asked(about(&server, path, &format!("Bearer {}", caller.token))).await;
        assert_eq!(answer.status(), 200, "{path}");
        let told = NAMES.map(|name| header(&answer, name));
        let subject = claims["sub"].as_str().unwrap();
        let scope = "footprint:list footprint:read";
        let expected = [
            subject,
            "transport_service_user",
            &organization,
            "user",
            scope,
        ];
        assert_eq!(told, expected);
        assert_eq!(header(&answer, "cache-control"), "no-store");
        for absent in ["set-cookie", "location", "www-authenticate", "content-type"] {
            assert_eq!(header(&answer, absent), "", "{absent}");
        }
        assert_eq!(text(answer).await, "");
    }
}

fn ileap_claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn each_refusal_is_that_of_the_protected_endpoint_with_401_for_400() {
    let server = behind_a_proxy().await;
    let expired = format!("Bearer {}", server.expired_token());
    let token = server.as_client("hello").await.token;
    let (body, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("Bearer {body}.{first}{}", &signature[1..]);
    for (authorization, on_tad, elsewhere) in [
        ("", (403, "AccessDenied"), (401, "BadRequest")),
        (&*forged, (403, "AccessDenied"), (401, "BadRequest")),
        ("Bearer abc", (403, "AccessDenied"), (401, "BadRequest")),
        (&*expired, (401, "TokenExpired"), (401, "TokenExpired")),
        // 400 at the endpoint itself.
        ("Token abc", (401, "BadRequest"), (401, "BadRequest")),
        ("Bearer ", (401, "BadRequest"), (401, "BadRequest")),
    ] {
        for (path, expected) in [
            ("/2/ileap/tad?mode=Road", on_tad),
            ("/2/footprints?limit=1", elsewhere),
            ("/2/footprints/x", elsewhere),
            ("/2/events", elsewhere),
            ("/else", elsewhere),
        ] {
            let answer = asked(about(&server, path, authorization)).await;
            let is_challenged = header(&answer, "www-authenticate").starts_with("Bearer realm=");
            assert_eq!(is_challenged, expected.0 == 401, "{authorization} {path}");
            for name in NAMES {
                assert_eq!(header(&answer, name), "", "{name}");
            }
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(refusal(answer).await, expected, "{authorization} {path}");
        }
    }
}

#[tokio::test]
async fn a_refusal_reads_as_at_the_endpoint_itself() {
    let server = behind_a_proxy().await;
    for path in ["/2/ileap/tad", "/2/footprints", "/2/footprints/x"] {
        for authorization in ["Bearer abc", "Token abc"] {
            let own = server.get(path).header("authorization", authorization);
            let own = text(own.send().await.unwrap()).await;
            let told = text(asked(about(&server, path, authorization)).await).await;
            assert_eq!(told, own, "{path} {authorization}");
        }
    }
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_open_and_nothing_in_doubt() {
    let server = behind_a_proxy().await;
    for (scope, opens) in [
        (
            "footprint:list",
            ["/2/footprints", "/2/ileap/tad", "/2/events"].as_slice(),
        ),
        ("footprint:read", &["/2/footprints/x", "/2/events"]),
    ] {
        let authorization = format!("Bearer {}", server.narrow_token(scope).await);
        for path in [
            "/2/footprints",
            "/2/footprints/x",
            "/2/ileap/tad",
            "/2/events",
            "/else",
            // GHSA-pxq7-h93f-9jrg: what another server may take for another endpoint.
            "/2/footprints/../events",
            "/2/footprints/%2e%2e%2fevents",
            "/2//events",
            "/2/events;x",
            "/2/events%23",
            // GHSA-7rh7-c77v-6434: what the query names.
            "/else?/2/events",
        ] {
            let answer = asked(about(&server, path, &authorization)).await;
            let is_open = opens.contains(&path);
            assert_eq!(answer.status() == 200, is_open, "{scope} {path}");
            if !is_open {
                assert_eq!(refusal(answer).await, (403, "AccessDenied".to_owned()));
            }
        }
    }
}

/// CVE-2026-40575: who may say what a request is about.
#[tokio::test]
async fn a_stranger_does_not_choose_the_endpoint() {
    let server = TestServer::start().await;
    let narrow = format!("Bearer {}", server.narrow_token("footprint:list").await);
    for path in ["/2/ileap/tad", "/2/events"] {
        let answer = asked(about(&server, path, "")).await;
        assert_eq!(
            refusal(answer).await,
            (401, "BadRequest".to_owned()),
            "{path}"
        );
        let answer = asked(about(&server, path, &narrow)).await;
        assert_eq!(
            refusal(answer).await,
            (403, "AccessDenied".to_owned()),
            "{path}"
        );
    }
    let whole = server.as_client("hello").await.token;
    let answer = asked(about(&server, "/2/events", &format!("Bearer {whole}"))).await;
    assert_eq!(answer.status(), 200);
}

/// CVE-2025-64484 and its like.
#[tokio::test]
async fn what_a_request_says_of_itself_is_not_told_on() {
    let server = behind_a_proxy().await;
    let token = server.as_client("hello").await.token;
    let about_it = || about(&server, "/2/footprints", &format!("Bearer {token}"));
    let plain = asked(about_it()).await;
    let told = NAMES.map(|name| header(&plain, name));
    let mut request = about_it();
    for name in NAMES {
        request = request.header(name, "clerk|admin");
        request = request.header(name.to_uppercase(), "clerk|admin");
        request = request.header(name.replace('-', "_"), "clerk|admin");
    }
    // Hop by hop names are the proxy's affair (CVE-2025-48865): here they take nothing away, and add nothing.
    let request = request.header("connection", "authorization, x-forwarded-uri");
    let answer = asked(request).await;
    assert_eq!(NAMES.map(|name| header(&answer, name)), told);
    for name in NAMES {
        assert_eq!(answer.headers().get_all(name).iter().count(), 1, "{name}");
    }
    let without_token = server.get("/auth/verify").header(NAMES[0], "clerk|admin");
    assert_eq!(asked(without_token).await.status(), 401);
}

#[tokio::test]
async fn it_answers_below_the_base_path_and_finds_endpoints_there() {
    let options = Options::default()
        .set("ILEAP_PUBLIC_BASE_URL", "https://way.example/api/ileap")
        .set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.0/8");
    let server = TestServer::start_with(options).await;
    for own in ["", "/api/ileap"] {
        for theirs in ["", "/api/ileap"] {
            let answer = server
                .get(&format!("{own}/auth/verify"))
                .header("x-original-method", "GET")
                .header("x-original-uri", format!("{theirs}/2/ileap/tad"))
                .send()
                .await
                .unwrap();
            assert_eq!(refusal(answer).await, (403, "AccessDenied".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_base_path_that_looks_like_one_of_ours_opens_nothing_more_and_hides_nothing() {
    for own in ["/auth", "/2", "/2/footprints", "/auth/verify"] {
        let options = Options::default()
            .set("ILEAP_PUBLIC_BASE_URL", format!("https://way.example{own}"))
            .set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.0/8");
        let server = TestServer::start_with(options).await;
        let narrow = server.narrow_token("footprint:list").await;
        for prefix in ["", own] {
            let ask = async |target: &str| {
                let request = server
                    .get(&format!("{prefix}/auth/verify"))
                    .bearer_auth(&narrow)
                    .header("x-original-method", "GET")
                    .header("x-original-uri", target);
                asked(request).await.status().as_u16()
            };
            assert_eq!(ask("/2/footprints").await, 200, "{own} {prefix}");
            assert_eq!(ask("/2/footprints/x").await, 403, "{own} {prefix}");
            assert_eq!(ask("/else").await, 403, "{own} {prefix}");
            let answer = asked(server.get(&format!("{prefix}/auth/verify"))).await;
            assert_eq!(answer.status(), 401, "{own} {prefix}");
            let guess = server
                .http
                .post(format!("{}{prefix}/auth/token", server.base))
                .basic_auth("hello", Some("a wrong one"))
                .form(&[("grant_type", "client_credentials")]);
            // In the words of OAuth 2.0, as it goes on record as one.
            let refused = json(asked(guess).await).await;
            assert_eq!(refused["error"], "invalid_client", "{own} {prefix}");
        }
    }
}

/// GHSA-5hvv-m4w4-gf6v, and preflights: no kind of request passes without a token.
#[tokio::test]
async fn nobody_passes_for_what_they_call_themselves() {
    let server = behind_a_proxy().await;
    for agent in ["GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0"] {
        for path in [
            "/healthz",
            "/ping",
            "/favicon.ico",
            "/robots.txt",
            "/.well-known/x",
        ] {
            let request = about(&server, path, "").header("user-agent", agent);
            assert_eq!(asked(request).await.status(), 401, "{agent} {path}");
        }
    }
    let preflight = server
        .get("/auth/verify")
        .header("x-forwarded-method", "OPTIONS")
        .header("x-forwarded-uri", "/2/footprints")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "GET");
    let answer = asked(preflight).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
    assert_eq!(answer.status(), 401);
    let direct = server
        .http
        .request(Method::OPTIONS, format!("{}/auth/verify", server.base));
    assert_eq!(direct.send().await.unwrap().status(), 405);
}
