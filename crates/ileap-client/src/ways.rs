//! Where a call leads decides what it needs: certificates, a proxy, or neither.

use std::sync::{Arc, OnceLock};

use reqwest::redirect::Policy;
use rustls::RootCertStore;
use url::Url;

use crate::{error::ErrorKind, options::Options, transport::is_loopback};

/// An HTTP client for each kind of place, made when the first call leads there: a host on this machine may name a
/// token endpoint elsewhere.
#[derive(Debug)]
pub(crate) struct Ways {
    options: Arc<Options>,
    /// To this machine, without TLS: one without CA certificates can talk to itself.
    plain: OnceLock<reqwest::Client>,
    /// To this machine, where no proxy leads.
    near: OnceLock<reqwest::Client>,
    /// To everywhere else.
    far: OnceLock<reqwest::Client>,
}

impl Ways {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        Self {
            options,
            plain: OnceLock::new(),
            near: OnceLock::new(),
            far: OnceLock::new(),
        }
    }

    /// The one that leads to `url`.
    pub(crate) fn to(&self, url: &Url) -> Result<&reqwest::Client, ErrorKind> {
        let is_near = is_loopback(url);
        let is_plain = is_near && url.scheme() == "http";
        let kept = match (is_near, is_plain) {
            (_, true) => &self.plain,
            (true, false) => &self.near,
            (false, false) => &self.far,
        };
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let client = self.build(is_near, is_plain)?;
        Ok(kept.get_or_init(|| client))
    }

    fn build(&self, is_near: bool, is_plain: bool) -> Result<reqwest::Client, ErrorKind> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that builds a client"
        )]
        let builder = reqwest::Client::builder();
        let mut builder = builder
            .connect_timeout(self.options.connect_timeout)
            .timeout(self.options.call_timeout)
            .redirect(Policy::none())
            .referer(false)
            .user_agent(concat!("ileap-client/", env!("CARGO_PKG_VERSION")));
        if is_near {
            builder = builder.no_proxy();
        }
        if is_plain {
            builder = builder.tls_certs_only([]);
        }
        for authority in &self.options.authorities {
            // Only the whole would be refused, without a word about why.
            let is_one = RootCertStore::empty().add(authority.clone()).is_ok();
            let certificate = reqwest::Certificate::from_der(authority).ok();
            let certificate = certificate.filter(|_| is_one);
            let certificate = certificate.ok_or(ErrorKind::Address("a CA certificate is none"))?;
            builder = builder.tls_certs_merge([certificate]);
        }
        builder.build().map_err(|_| ErrorKind::Certificates)
    }
}
