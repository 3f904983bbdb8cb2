//! A server trusts nobody who cannot prove to be Clerk: certificates that a good authority signed, and others.

use std::{fs, net::SocketAddr, path::Path, process::Stdio, sync::Arc};

use clerk_emulator::{ClerkEmulator, EmulatorOptions, load_users};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    NamedGroup, ServerConfig,
    crypto::SupportedKxGroup,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    commands::{Running, ileap},
    static_users::{eventually, free_address, token},
};

const USERS: &str = "[[user]]\nusername = \"hello\"\npassword = \"pathfinder\"\norganization = \"way\"\nrole = \"all\"\n";

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a server shows of itself.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    /// The year in which it has ended.
    pub(crate) until: i32,
}

const GOOD: Shown = Shown {
    name: "127.0.0.1",
    until: 2036,
};

impl Shown {
    pub(crate) fn config(&self, authority: &Authority) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![self.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(self.until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.unwrap())
    }

    fn acceptor(&self, authority: &Authority) -> TlsAcceptor {
        TlsAcceptor::from(self.config(authority))
    }
}

/// Ends TLS in front of the emulated Clerk.
async fn front(acceptor: TlsAcceptor, behind: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    // Offered first, so that nobody has to ask for it.
                    let agreed = stream.get_ref().1.negotiated_key_exchange_group();
                    let group = agreed.map(SupportedKxGroup::name);
                    assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
                    forward(stream, address, behind).await;
                }
            });
        }
    });
    address
}

/// The emulator answers to its own name alone: requests get it in place of the front's, which is as long.
async fn forward(stream: TlsStream<TcpStream>, front: SocketAddr, behind: SocketAddr) {
    let clerk = TcpStream::connect(behind).await.unwrap();
    let (mut answers, mut requests) = clerk.into_split();
    let (mut from, mut to) = tokio::io::split(stream);
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut answers, &mut to).await;
    });
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut chunk).await {
        let text = std::str::from_utf8(&chunk[..length]).unwrap();
        let text = text.replace(&front.to_string(), &behind.to_string());
        if length == 0 || requests.write_all(text.as_bytes()).await.is_err() {
            break;
        }
    }
}

/// What a token request gets from a server that finds Clerk at `clerk` and trusts `trusted`, and its log.
fn answer(clerk: &str, secret_key: &str, trusted: &str, directory: &Path) -> (u32, String) {
    let roots = directory.join("roots.pem");
    fs::write(&roots, trusted).unwrap();
    let (public, admin) = (free_address(), free_address());
    let log = directory.join("log");
    let server = ileap(&["serve"])
        .current_dir(directory)
        .env("SSL_CERT_FILE", &roots)
        .env("SSL_CERT_DIR", directory)
        // Where nobody answers.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .env("CLERK_SECRET_KEY", secret_key)
        .env(
            "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
            format!("https://{clerk}"),
        )
        .env("ILEAP_LISTENER__BIND", &public)
        .env("ILEAP_LISTENER__ADMIN_BIND", &admin)
        .env("ILEAP_STORE__URL", "sqlite::memory:")
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let server = Running(server);
    let mut status = 0;
    eventually(|| {
        status = token(&public, "hello", "pathfinder").0;
        status != 0
    });
    server.terminate();
    (status, fs::read_to_string(log).unwrap())
}

#[test]
fn only_a_good_certificate_of_a_trusted_authority_for_the_right_host_is_clerk() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (trusted, stranger) = (authority(), authority());
    let clerk = runtime.block_on(ClerkEmulator::start(EmulatorOptions {
        users: load_users(USERS).unwrap(),
        ..EmulatorOptions::default()
    }));
    let clerk = clerk.unwrap();
    let behind: SocketAddr = clerk
        .backend_api_url()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let ask = |clerk_at: &str| {
        let directory = tempfile::tempdir().unwrap();
        answer(
            clerk_at,
            clerk.secret_key(),
            &trusted.pem(),
            directory.path(),
        )
    };
    let ask_at = |address: SocketAddr| ask(&address.to_string());

    let good = runtime.block_on(front(GOOD.acceptor(&trusted), behind));
    let (status, log) = ask_at(good);
    assert_eq!(status, 200, "{log}");

    let expired = Shown {
        until: 2021,
        ..GOOD
    };
    let elsewhere = Shown {
        name: "clerk.example.com",
        ..GOOD
    };
    for (what, acceptor) in [
        ("an expired one", expired.acceptor(&trusted)),
        ("one for another host", elsewhere.acceptor(&trusted)),
        ("one of a stranger", GOOD.acceptor(&stranger)),
    ] {
        let address = runtime.block_on(front(acceptor, behind));
        let (status, log) = ask_at(address);
        assert_eq!(status, 503, "{what}: {log}");
        assert!(log.contains("(tls)"), "{what}: {log}");
        assert!(!log.contains("pathfinder"), "{what}");
    }
    let (status, log) = ask_at(behind);
    assert_eq!(status, 503, "no TLS at all: {log}");
    let (status, log) = ask("clerk.invalid");
    assert_eq!(status, 503, "no such name: {log}");
}
