//! Data that comes from the operator's own service: here another server of ours, with the demo's data.

use serde_json::Value;

use crate::harness::{Options, TestServer, header, json, refusal};

/// A server that asks `service` for its data.
async fn in_front_of(service: &str) -> TestServer {
    let options = Options::default()
        .set("ILEAP_DATA__KIND", "upstream")
        .set("ILEAP_DATA__UPSTREAM__URL", service)
        .set("ILEAP_DATA__UPSTREAM__TIMEOUT", "2s");
    TestServer::start_with(options).await
}

#[tokio::test]
async fn a_dead_service_is_503_on_data_and_leaves_tokens_alone() {
    let server = in_front_of("http://127.0.0.1:1").await;
    let caller = server.as_client("hello").await;
    for path in ["/2/footprints", "/2/footprints/x", "/2/ileap/tad"] {
        let answer = caller.get(path).await;
        assert_eq!(header(&answer, "retry-after"), "5", "{path}");
        assert_eq!(
            refusal(answer).await,
            (503, "InternalError".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_service_that_refuses_our_credential_is_not_the_partners_fault() {
    // It wants a token of its own, and we show none.
    let service = TestServer::start().await;
    let server = in_front_of(&service.base).await;
    let caller = server.as_client("hello").await;
    let answer = caller.get("/2/ileap/tad").await;
    assert_eq!(refusal(answer).await, (503, "InternalError".to_owned()));
}

#[tokio::test]
async fn filters_limits_and_links_work_as_they_do_over_our_own_store() {
    let stored = TestServer::start().await;
    let token = stored.as_client("hello").await.token.clone();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    private_file(&file, &token);
    let options = Options::default()
        .set("ILEAP_DATA__KIND", "upstream")
        .set("ILEAP_DATA__UPSTREAM__URL", &stored.base)
        .set(
            "ILEAP_DATA__UPSTREAM__TOKEN_FILE",
            file.display().to_string(),
        );
    let server = TestServer::start_with(options).await;
    let (ours, theirs) = (
        server.as_client("hello").await,
        stored.as_client("hello").await,
    );
    for path in [
        "/2/footprints",
        "/2/footprints?$filter=productCategoryCpc+eq+'83117'",
        "/2/ileap/tad?mode=road",
        "/2/ileap/tad?mode=road&mode=rail&limit=100",
    ] {
        assert_eq!(ours.data(path).await, theirs.data(path).await, "{path}");
    }
    let all = theirs.data("/2/footprints").await;
    let mut path = "/2/footprints?limit=4".to_owned();
    let mut walked = Vec::new();
    loop {
        let answer = ours.get(&path).await;
        let link = header(&answer, "link");
        let body = json(answer).await;
        walked.extend(body["data"].as_array().unwrap().clone());
        let Some(next) = link
            .strip_prefix('<')
            .and_then(|link| link.split('>').next())
        else {
            break;
        };
        path = next.strip_prefix(&server.base).unwrap().to_owned();
    }
    assert_eq!(Value::Array(walked), all);
    let id = all[0]["id"].as_str().unwrap();
    assert_eq!(
        ours.data(&format!("/2/footprints/{id}")).await,
        all[0],
        "{id}"
    );
    let answer = ours.get("/2/footprints/nobody").await;
    assert_eq!(refusal(answer).await, (404, "NoSuchFootprint".to_owned()));
}

fn private_file(path: &std::path::Path, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
