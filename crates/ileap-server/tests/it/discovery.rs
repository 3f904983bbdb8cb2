//! Discovery and keys.

use std::{collections::BTreeSet, sync::Arc};

use ileap_server::token::{Algorithm, SigningKeys};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Value, json};

use crate::harness::{Options, TestServer, header, json, text};

const PATHS: [&str; 2] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

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
    for (path, max_age) in [
        (PATHS[0], 300),
        (RESOURCE, 300),
        ("/jwks", 300),
        ("/openapi.json", 3600),
    ] {
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
async fn the_jwk_set_has_public_members_only_under_their_thumbprint() {
    let common = ["alg", "kid", "kty", "use"];
    for (algorithm, alg, of_the_key) in [
        (Algorithm::Rs256, "RS256", ["e", "n"].as_slice()),
        (Algorithm::Es256, "ES256", &["crv", "x", "y"]),
        (Algorithm::EdDsa, "EdDSA", &["crv", "x"]),
    ] {
        let options = Options {
            keys: Arc::new(SigningKeys::ephemeral(algorithm).unwrap()),
            ..Options::default()
        };
        let server = TestServer::start_with(options.set("ILEAP_TOKEN__ALGORITHM", alg)).await;
        let set = json(server.get("/jwks").send().await.unwrap()).await;
        let [key] = set["keys"].as_array().unwrap().as_slice() else {
            panic!("{set}");
        };
        let members: BTreeSet<_> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let public = common.iter().chain(of_the_key).copied().collect();
        assert_eq!(members, public, "{alg}");
        assert_eq!((&key["use"], &key["alg"]), (&json!("sig"), &json!(alg)));
        let read: Jwk = serde_json::from_value(key.clone()).unwrap();
        let thumbprint = read.thumbprint(ThumbprintHash::SHA256).unwrap();
        assert_eq!(key["kid"], thumbprint);
    }
}

#[tokio::test]
async fn nothing_in_an_answer_comes_from_the_host_the_caller_names() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for path in [
        PATHS[0],
        PATHS[1],
        RESOURCE,
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
            .chain(&[RESOURCE, "/jwks", "/2/footprints", "/2/ileap/tad"])
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
    let inserted = server.get(&format!("{RESOURCE}/api/ileap"));
    let document = json(inserted.send().await.unwrap()).await;
    assert_eq!(document["resource"], "https://way.example/api/ileap");
    let stranger = server.get("/api/ileap/2/footprints").send().await.unwrap();
    let challenge = header(&stranger, "www-authenticate");
    let named =
        "resource_metadata=\"https://way.example/api/ileap/.well-known/oauth-protected-resource\"";
    assert!(challenge.ends_with(named), "{challenge}");
}

fn texts(document: &Value, member: &str) -> Vec<String> {
    let list = document[member].as_array();
    let list = list.unwrap_or_else(|| panic!("{member} is a list"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.iter().map(text).collect()
}

/// A request to `url` with hello's credentials by an authentication method that metadata names.
fn authenticated(
    server: &TestServer,
    (url, method): (&str, &str),
    mut form: Vec<(&'static str, String)>,
) -> reqwest::RequestBuilder {
    let request = server.http.post(url);
    match method {
        "client_secret_basic" => request.basic_auth("hello", Some("pathfinder")).form(&form),
        "client_secret_post" => {
            form.push(("client_id", "hello".to_owned()));
            form.push(("client_secret", "pathfinder".to_owned()));
            request.form(&form)
        }
        _ => panic!("{method} is an authentication method that no one has tried"),
    }
}

async fn token(server: &TestServer, endpoint: (&str, &str), scope: &str) -> Value {
    let form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("scope", scope.to_owned()),
    ];
    let answer = authenticated(server, endpoint, form).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{endpoint:?}");
    json(answer).await
}

#[tokio::test]
async fn every_endpoint_and_method_that_authorization_server_metadata_names_works() {
    let server = TestServer::start().await;
    for path in PATHS {
        let document = json(server.get(path).send().await.unwrap()).await;
        let endpoint = |name: &str| document[name].as_str().unwrap().to_owned();
        let methods = |of: &str| texts(&document, &format!("{of}_endpoint_auth_methods_supported"));
        assert_eq!(
            texts(&document, "grant_types_supported"),
            ["client_credentials"]
        );
        let mut tokens = Vec::new();
        for method in methods("token") {
            for scope in texts(&document, "scopes_supported") {
                let answer = token(&server, (&endpoint("token_endpoint"), &method), &scope).await;
                assert_eq!(answer["scope"], scope);
                tokens.push(answer["access_token"].as_str().unwrap().to_owned());
            }
        }
        let introspected = async |method: &str, token: &str| {
            let endpoint = endpoint("introspection_endpoint");
            let form = vec![("token", token.to_owned())];
            let request = authenticated(&server, (&endpoint, method), form);
            json(request.send().await.unwrap()).await
        };
        for method in methods("introspection") {
            for token in &tokens {
                let told = introspected(&method, token).await;
                assert_eq!(told["active"], true);
                assert_eq!(told["iss"], document["issuer"]);
            }
        }
        for (method, token) in methods("revocation").iter().zip(&tokens) {
            let endpoint = endpoint("revocation_endpoint");
            let form = vec![("token", token.clone())];
            let request = authenticated(&server, (&endpoint, method), form);
            assert_eq!(request.send().await.unwrap().status(), 200);
            assert_eq!(introspected(method, token).await["active"], false);
        }
        let keys = server.http.get(endpoint("jwks_uri")).send().await.unwrap();
        let keys = json(keys).await;
        let algorithms = keys["keys"].as_array().unwrap().iter();
        let algorithms: BTreeSet<_> = algorithms.map(|key| key["alg"].as_str().unwrap()).collect();
        let named = texts(&document, "id_token_signing_alg_values_supported");
        assert_eq!(algorithms, named.iter().map(String::as_str).collect());
        for resource in texts(&document, "protected_resources") {
            let named = server.http.get(format!("{resource}{RESOURCE}")).send();
            assert_eq!(json(named.await.unwrap()).await["resource"], resource);
        }
        let unknown = document.as_object().unwrap().keys().filter(|member| {
            member.ends_with("_endpoint") && document[*member] != document["token_endpoint"]
        });
        let unknown: Vec<_> = unknown.collect();
        assert_eq!(unknown, ["introspection_endpoint", "revocation_endpoint"]);
    }
}

#[tokio::test]
async fn a_stranger_is_led_from_the_refusal_to_the_data() {
    let server = TestServer::start().await;
    let refused = server.get("/2/footprints").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let challenge = header(&refused, "www-authenticate");
    let (_, url) = challenge.split_once("resource_metadata=\"").unwrap();
    let resource = server.http.get(url.trim_end_matches('"')).send().await;
    let resource = json(resource.unwrap()).await;
    assert_eq!(resource["resource"], server.base);
    assert_eq!(texts(&resource, "bearer_methods_supported"), ["header"]);
    for issuer in texts(&resource, "authorization_servers") {
        let metadata = server.http.get(format!("{issuer}{}", PATHS[1])).send();
        let metadata = json(metadata.await.unwrap()).await;
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["scopes_supported"], resource["scopes_supported"]);
        let endpoint = metadata["token_endpoint"].as_str().unwrap();
        let scope = texts(&resource, "scopes_supported").join(" ");
        let answer = token(&server, (endpoint, "client_secret_basic"), &scope).await;
        let caller = server.with_token(answer["access_token"].as_str().unwrap());
        assert_eq!(caller.get("/2/footprints").await.status(), 200);
        // Neither in the query nor in a form: the header alone.
        let by_query = server.get(&format!("/2/footprints?access_token={}", caller.token));
        assert_eq!(by_query.send().await.unwrap().status(), 401);
    }
}
