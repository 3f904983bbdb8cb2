//! The end: told to stop, the server finishes what is under way.

use std::time::Duration;

use clerk_emulator::{Endpoint, Fault};

use crate::harness::{Options, TestServer};

#[tokio::test]
async fn a_request_under_way_is_finished_and_a_new_one_is_not_taken() {
    let mut server = TestServer::start_with(Options::default()).await;
    server.clerk.admin().fail_always(
        Endpoint::CreateSignIn,
        Fault::Latency(Duration::from_millis(600)),
    );
    let under_way = tokio::spawn(server.token_request("hello", "pathfinder").send());
    while server.clerk.admin().calls().sign_in_creates == 0 {
        tokio::task::yield_now().await;
    }
    server.stop();
    let ready = async |server: &TestServer| {
        server
            .http
            .get(format!("{}/readyz", server.admin))
            .send()
            .await
            .unwrap()
            .status()
    };
    while ready(&server).await != 503 {
        tokio::task::yield_now().await;
    }
    assert_eq!(under_way.await.unwrap().unwrap().status(), 200);
    let (base, http) = (server.base.clone(), server.http.clone());
    server.ended().await;
    assert!(http.get(format!("{base}/jwks")).send().await.is_err());
}
