use tokio::io::AsyncWriteExt;

use super::{
    raw_upstream::{RawUpstream, Reply},
    *,
};

async fn get(upstream: &RawUpstream) -> Result<reqwest::Response, OutboundError> {
    let client = client(&OutboundOptions::default()).unwrap();
    Ok(client.get(upstream.url().clone()).send().await?)
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_whole() {
    let upstream = RawUpstream::scripted(vec![Reply::json(200, "12345")]).await;
    let response = get(&upstream).await.unwrap();
    assert_eq!(read_capped(response, 5).await.unwrap(), "12345");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let upstream = RawUpstream::scripted(vec![Reply::json(200, "123456")]).await;
    let response = get(&upstream).await.unwrap();
    assert_eq!(read_capped(response, 5).await, Err(OutboundError::TooLarge));
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    let upstream = RawUpstream::scripted(vec![Reply::Endless(head)]).await;
    let response = get(&upstream).await.unwrap();
    assert_eq!(
        read_capped(response, 1024 * 1024).await,
        Err(OutboundError::TooLarge)
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let redirect =
        "HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let upstream = RawUpstream::scripted(vec![Reply::bytes(redirect)]).await;
    assert_eq!(get(&upstream).await.unwrap().status(), 307);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_port_nobody_listens_on_is_a_connect_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&OutboundOptions::default()).unwrap();
    let error = OutboundError::from(client.get(url).send().await.unwrap_err());
    assert_eq!(error, OutboundError::Connect);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_a_tls_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 X\r\n\r\n").await.unwrap();
    });
    let client = client(&OutboundOptions::default()).unwrap();
    let error = OutboundError::from(client.get(url).send().await.unwrap_err());
    assert_eq!(error, OutboundError::Tls);
}

#[tokio::test]
async fn an_error_never_shows_the_address_it_is_about() {
    let client = client(&OutboundOptions::default()).unwrap();
    let call = client.get("http://127.0.0.1:1/?token=canary").send();
    let error = OutboundError::from(call.await.unwrap_err());
    assert!(!format!("{error} {error:?}").contains("canary"));
}
