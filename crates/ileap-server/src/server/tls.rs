//! TLS on the public listener.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;
use x509_parser::parse_x509_certificate;

use super::StartError;
use crate::{
    config::TlsFiles,
    telemetry::{Metrics, edge::Reload},
};

const CERT: &str = "listener.tls_cert_file";
const KEY: &str = "listener.tls_key_file";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The certificate that handshakes show, and the files it comes from.
pub(super) struct Certificate {
    current: Arc<Current>,
    files: Mutex<TlsFiles>,
    metrics: Arc<Metrics>,
}

/// A certificate with its key, read and found to belong together.
pub(crate) struct Pair {
    key: Arc<CertifiedKey>,
    files: TlsFiles,
    /// Until when the certificate is valid, where that can be read.
    pub(crate) not_after: Option<Timestamp>,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Pair {
    /// Reads the certificate chain and the key in `files`.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, StartError> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&files.cert_file).and_then(Iterator::collect);
        let chain = chain.map_err(|error| failed((CERT, &files.cert_file), &error))?;
        let Some(leaf) = chain.first() else {
            let reason = "there is no certificate in it";
            return Err(failed((CERT, &files.cert_file), &reason));
        };
        let not_after = not_after(leaf);
        let key = PrivateKeyDer::from_pem_file(&files.key_file)
            .map_err(|error| failed((KEY, &files.key_file), &error))?;
        let key = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| failed((CERT, &files.cert_file), &error))?;
        Ok(Self {
            key: Arc::new(key),
            files: files.clone(),
            not_after,
        })
    }
}

impl Certificate {
    /// Shows `pair` from now on.
    pub(super) fn new(pair: Pair, metrics: Arc<Metrics>) -> Self {
        let certificate = Self {
            current: Arc::new(Current(ArcSwap::new(pair.key.clone()))),
            files: Mutex::new(pair.files.clone()),
            metrics,
        };
        certificate.show(pair);
        certificate
    }

    /// TLS 1.2 and 1.3 with the certificate that is current at each handshake; HTTP/2 where the client has it.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, StartError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed((CERT, &self.files().cert_file), &error))?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Shows `pair` from the next handshake on.
    pub(super) fn show(&self, pair: Pair) {
        if let Some(not_after) = pair.not_after {
            self.metrics.edge.certificate_expires(not_after.as_second());
        }
        self.current.0.store(pair.key);
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = pair.files;
    }

    /// Until it is dropped: shows what the files hold, once they have changed and stand still. A pair that cannot
    /// be used leaves the old one in its place.
    pub(super) async fn follow(&self) {
        let mut shown = Stamp::of(&self.files());
        let mut seen = shown.clone();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let files = self.files();
            let stamp = Stamp::of(&files);
            let stands_still = stamp == seen;
            seen = stamp.clone();
            if stamp == shown || !stands_still {
                continue;
            }
            shown = stamp;
            let read = tokio::task::spawn_blocking(move || Pair::read(&files)).await;
            match read {
                Ok(Ok(pair)) => {
                    tracing::info!(tls.not_after = ?pair.not_after, "a new certificate is shown");
                    self.show(pair);
                    self.metrics.edge.certificate_reloaded(Reload::TakenOn);
                }
                Ok(Err(error)) => {
                    tracing::error!(
                        cause = %error,
                        remedy = "write certificate and key that belong together; the old ones are used until then",
                        "the new certificate cannot be used"
                    );
                    self.metrics.edge.certificate_reloaded(Reload::Refused);
                }
                Err(_) => {}
            }
        }
    }

    fn files(&self) -> TlsFiles {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.clone()
    }
}

/// By what changes of the files are seen.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Stamp([Option<(u64, u64, i64, i64)>; 2]);

impl Stamp {
    fn of(files: &TlsFiles) -> Self {
        let stamp = |metadata: io::Result<Metadata>| {
            let metadata = metadata.ok()?;
            Some((
                metadata.ino(),
                metadata.len(),
                metadata.mtime(),
                metadata.mtime_nsec(),
            ))
        };
        Self([&files.cert_file, &files.key_file].map(|file| stamp(std::fs::metadata(file))))
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn failed((key, path): (&'static str, &Path), error: &impl ToString) -> StartError {
    StartError::Tls {
        key,
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
