//! Clients that do not shake hands.

use rustls::{ServerConfig, server::ResolvesServerCertUsingSni};

use super::*;

/// Has no certificate: no handshake comes so far.
fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up_and_makes_room() {
    let deadlines = Deadlines {
        handshake: SHORT,
        ..UNHURRIED
    };
    let site = Site::open_with(deadlines, live(), 1, Some(acceptor())).await;
    // Nothing at all, and a record whose beginning alone comes.
    for beginning in [b"".as_slice(), b"\x16\x03\x01\x01\x00\x01"] {
        let mut client = site.connect().await;
        client.send(beginning).await;
        assert_eq!(client.rest().await, b"");
    }
    let counted = "ileap_http_connections_turned_away_total{reason=\"handshake\"} 2";
    assert!(site.metrics.render().contains(counted));
}
