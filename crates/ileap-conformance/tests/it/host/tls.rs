//! The host on https, and what a stranger gets who speaks plain http to the same port.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair, generate_simple_self_signed,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// With this byte a TLS connection begins, and no HTTP request.
const HANDSHAKE: u8 = 22;

/// The certificate of every such host, its own authority.
static CERTIFIED: LazyLock<CertifiedKey<KeyPair>> =
    LazyLock::new(|| generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap());
/// An authority's certificate, which a host should not show.
static AUTHORITY: LazyLock<CertifiedKey<KeyPair>> = LazyLock::new(|| {
    let mut parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signing_key = KeyPair::generate().unwrap();
    let cert = parameters.self_signed(&signing_key).unwrap();
    CertifiedKey { cert, signing_key }
});

pub(crate) fn authority() -> CertificateDer<'static> {
    AUTHORITY.cert.der().clone()
}

pub(crate) fn certificate() -> CertificateDer<'static> {
    CERTIFIED.cert.der().clone()
}

/// Connections whose handshake is done.
pub(super) struct Secured {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Secured {
    pub(super) fn new(socket: TcpListener, fault: &'static str) -> Self {
        let certified = if fault == "https-authority" {
            &AUTHORITY
        } else {
            &CERTIFIED
        };
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let address = socket.local_addr().unwrap();
        let (done, ready) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = socket.accept().await {
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    let mut first = [0];
                    if stream.peek(&mut first).await.unwrap_or_default() == 1
                        && first != [HANDSHAKE]
                    {
                        // The client may be gone.
                        let _ = plain(stream, fault).await;
                    } else if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = done.send((stream, peer)).await;
                    }
                });
            }
        });
        Self { ready, address }
    }
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        self.ready.recv().await.unwrap()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// One request and its answer, in the clear.
async fn plain(mut stream: TcpStream, fault: &str) -> io::Result<()> {
    let mut head = vec![0; 8192];
    let length = stream.read(&mut head).await?;
    if fault == "https-only" {
        // As behind a firewall: until the client gives up.
        while stream.read(&mut head).await? > 0 {}
        return Ok(());
    }
    let head = String::from_utf8_lossy(&head[..length]);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let is_open = match fault {
        "plain-tokens" => path.ends_with("/auth/token"),
        "plain-list" => path.ends_with("/2/footprints"),
        "plain-get" => path.contains("/2/footprints/"),
        "plain-events" => path.ends_with("/2/events"),
        _ => false,
    };
    let (status, body) = if is_open {
        ("200 OK", "{}")
    } else if fault == "plain-api" {
        (
            "400 Bad Request",
            r#"{"code":"BadRequest","message":"who are you?"}"#,
        )
    } else {
        ("400 Bad Request", "this is https")
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await
}
