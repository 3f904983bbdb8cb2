//! Discovery and keys.

use crate::harness::{Options, TestServer, header, json, text};

const PATHS: [&str; 2] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

#[tokio::test]
async fn both_discovery_documents_are_the_same_and_name_absolute_urls() {
    let server = TestServer::start().await;
    let [first, second] = PATHS;
    let document = json(server.get(first).send().await.unwrap()).await;
    assert_eq!(
        document,
        json(server.get(second).send().await.unwrap()).await
    );
    assert_eq!(document["issuer"], server.base);
    assert_eq!(
        document["token_endpoint"],
        format!("{}/auth/token", server.base)
    );
    assert_eq!(document["jwks_uri"], format!("{}/jwks", server.base));
    assert_eq!(
        document["id_token_signing_alg_values_supported"],
        serde_json::json!(["ES256"])
    );
}

#[tokio::test]
async fn documents_can_be_kept_and_asked_for_again_by_their_tag() {
    let server = TestServer::start().await;
    for (path, max_age) in [(PATHS[0], 300), ("/jwks", 300), ("/openapi.json", 3600)] {
        let answer = server.get(path).send().await.unwrap();
        assert_eq!(
            header(&answer, "cache-control"),
            format!("public, max-age={max_age}, must-revalidate")
        );
        let etag = header(&answer, "etag");
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        for tag in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let again = server
                .get(path)
                .header("if-none-match", tag)
                .send()
                .await
                .unwrap();
            assert_eq!(again.status(), 304, "{path}");
            assert_eq!(text(again).await, "");
        }
        let changed = server
            .get(path)
            .header("if-none-match", "\"x\"")
            .send()
            .await
            .unwrap();
        assert_eq!(changed.status(), 200);
    }
}

#[tokio::test]
async fn the_jwk_set_has_public_members_only() {
    let server = TestServer::start().await;
    let set = json(server.get("/jwks").send().await.unwrap()).await;
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys[0].get(member).is_none(), "{member}");
    }
    assert_eq!(keys[0]["use"], "sig");
    assert_eq!(keys[0]["alg"], "ES256");
}

#[tokio::test]
async fn nothing_in_an_answer_comes_from_the_host_the_caller_names() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for path in [
        PATHS[0],
        PATHS[1],
        "/jwks",
        "/openapi.json",
        "/2/footprints?limit=1",
    ] {
        let plain = server
            .get(path)
            .bearer_auth(&caller.token)
            .send()
            .await
            .unwrap();
        let plain = (header(&plain, "link"), text(plain).await);
        let spoofed = server
            .get(path)
            .bearer_auth(&caller.token)
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("forwarded", "host=evil.example;proto=https")
            .send()
            .await
            .unwrap();
        assert_eq!(
            (header(&spoofed, "link"), text(spoofed).await),
            plain,
            "{path}"
        );
    }
}

#[tokio::test]
async fn with_a_path_in_the_base_url_every_route_answers_with_and_without_it() {
    let options = Options::default().set("ILEAP_PUBLIC_BASE_URL", "https://way.example/api/ileap");
    let server = TestServer::start_with(options).await;
    let caller = server.as_client("hello").await;
    for prefix in ["", "/api/ileap"] {
        for path in PATHS
            .iter()
            .chain(&["/jwks", "/2/footprints", "/2/ileap/tad"])
        {
            let answer = caller.get(&format!("{prefix}{path}")).await;
            assert_eq!(answer.status(), 200, "{prefix}{path}");
        }
        let page = caller.get(&format!("{prefix}/2/footprints?limit=1")).await;
        let link = header(&page, "link");
        assert!(
            link.starts_with("<https://way.example/api/ileap/2/footprints?limit=1&cursor="),
            "{link}"
        );
    }
    for path in PATHS {
        let document = json(
            server
                .get(&format!("{path}/api/ileap"))
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(document["issuer"], "https://way.example/api/ileap");
    }
}
