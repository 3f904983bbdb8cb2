//! Certificates: only a good one of a trusted authority is the host.

use std::sync::Arc;

use ileap_client::{CertificateProblem, Client, ErrorKind, Options};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::host::{credentials, quick};

/// A host with a certificate of its own making for `name`, that gives a token to everyone.
async fn host(name: &str) -> (String, CertificateDer<'static>) {
    host_until(name, 2096).await
}

/// The same, with a certificate that has ended when the year begins.
async fn host_until(name: &str, year: i32) -> (String, CertificateDer<'static>) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut head = vec![0; 4096];
                let _ = stream.read(&mut head).await;
                let body = r#"{"access_token":"t"}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (base, cert.der().clone())
}

#[tokio::test]
async fn a_hosts_own_certificate_is_believed_only_if_it_is_named() {
    let (base, certificate) = host("localhost").await;
    let options = || Options {
        attempts: 1,
        ..quick()
    };
    let stranger = Client::with_options(&base, credentials(), options()).unwrap();
    let error = stranger.log_in().await.unwrap_err();
    assert_eq!(
        *error.kind(),
        ErrorKind::Tls(CertificateProblem::UnknownAuthority)
    );
    let options = Options {
        authorities: vec![certificate],
        ..options()
    };
    let friend = Client::with_options(&base, credentials(), options).unwrap();
    friend.log_in().await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_believed() {
    let (base, certificate) = host("elsewhere.example").await;
    let options = Options {
        authorities: vec![certificate],
        attempts: 1,
        ..quick()
    };
    let client = Client::with_options(&base, credentials(), options).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls(CertificateProblem::OtherName));
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_called_so() {
    let (base, certificate) = host_until("localhost", 2021).await;
    let options = Options {
        authorities: vec![certificate],
        attempts: 1,
        ..quick()
    };
    let client = Client::with_options(&base, credentials(), options).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls(CertificateProblem::Expired));
    assert!(error.to_string().contains("has expired"), "{error}");
}

#[test]
fn a_ca_certificate_that_is_none_is_called_so() {
    let options = Options {
        authorities: vec![CertificateDer::from(vec![0; 3])],
        ..quick()
    };
    let error = Client::with_options("https://localhost", credentials(), options).unwrap_err();
    assert!(
        error.to_string().contains("a CA certificate is none"),
        "{error}"
    );
}
