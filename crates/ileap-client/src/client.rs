//! The client: a host, and who we are there.

use std::{sync::Arc, time::Duration};

use http::header;
use ileap_types::{
    oauth2::{AccessToken, TokenResponse},
    pact::v2::ProductFootprint,
    tad::Tad,
};
use reqwest::RequestBuilder;
use url::Url;

use crate::{
    auth::Credentials,
    error::{Error, ErrorKind},
    item::Item,
    list::List,
    options::Options,
    query::Query,
    token::Tokens,
    transport::{Answer, Transport, has_credentials, is_loopback},
};

/// A client of one host. Cheap to clone; clones share connections and the token.
#[derive(Clone, Debug)]
pub struct Client(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    base: Url,
    tokens: Tokens,
    transport: Transport,
}

impl Client {
    /// A client of the host at `base_url`, the URL that `/2/footprints` comes right behind.
    pub fn new(base_url: &str, credentials: Credentials) -> Result<Self, Error> {
        Self::with_options(base_url, credentials, Options::default())
    }

    /// The same, with options. Nothing is sent yet. Without credentials only a token that is given to
    /// [`Self::keep_token`] is shown, and no other is asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`] for a URL that is none, or neither HTTPS nor on loopback;
    /// [`ErrorKind::Certificates`] where this machine has no CA certificates.
    pub fn with_options(
        base_url: &str,
        credentials: impl Into<Option<Credentials>>,
        options: Options,
    ) -> Result<Self, Error> {
        let base = base(base_url, &options)?;
        let auth_base = match &options.auth_base_url {
            Some(url) => self::base(url, &options)?,
            None => base.clone(),
        };
        let transport = Transport::new(&base, options);
        let transport =
            transport.map_err(|kind| Error::new(format!("preparing calls to {base}"), kind))?;
        Ok(Self(Arc::new(Parts {
            base,
            tokens: Tokens::new(auth_base, credentials.into()),
            transport,
        })))
    }

    /// The host's base URL, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    /// Gets a new token and keeps it; the answer is for whoever wants to keep it longer.
    pub async fn log_in(&self) -> Result<TokenResponse, Error> {
        self.0.tokens.log_in(&self.0.transport).await
    }

    /// Takes over a token that was got earlier and lives as long still.
    pub async fn keep_token(&self, token: &AccessToken, lifetime: Duration) {
        self.0.tokens.keep(token, lifetime).await;
    }

    /// Footprints (PACT v2 `ListFootprints`).
    pub fn footprints(&self, query: &Query) -> List<ProductFootprint> {
        List::new(
            self.clone(),
            self.list_url(&["2", "footprints"], query),
            query.is_filtered(),
        )
    }

    /// Transport activity data (iLEAP 1.0.0, `GET /2/ileap/tad`).
    pub fn tads(&self, query: &Query) -> List<Tad> {
        List::new(
            self.clone(),
            self.list_url(&["2", "ileap", "tad"], query),
            query.is_filtered(),
        )
    }

    /// One footprint (PACT v2 `GetFootprint`); `None` when the host has none of this id, or none for us.
    pub async fn footprint(&self, id: &str) -> Result<Option<Item<ProductFootprint>>, Error> {
        let url = self.url(&["2", "footprints", id]);
        let attempted = format!("getting the footprint at {url}");
        let answer = self
            .authorized(&attempted, || self.0.transport.get(&url))
            .await;
        let answer = match answer {
            Err(error) if says_no_such_footprint(&error) => return Ok(None),
            answer => answer?,
        };
        let unreadable = || answer.unreadable("it is no JSON object with `data`");
        match Item::wrapped(&answer.body) {
            Some(item) => Ok(Some(item)),
            None => Err(Error::new(attempted, unreadable())),
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn base(&self) -> &Url {
        &self.0.base
    }

    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        below(&self.0.base, segments)
    }

    fn list_url(&self, segments: &[&str], query: &Query) -> Url {
        let mut url = self.url(segments);
        query.write(&mut url);
        url
    }

    /// Calls with a token; once more with a new one where the host does not take it.
    pub(crate) async fn authorized(
        &self,
        attempted: &str,
        request: impl Fn() -> Result<RequestBuilder, ErrorKind>,
    ) -> Result<Answer, Error> {
        let transport = &self.0.transport;
        let token = self.0.tokens.get(transport).await?;
        let send = async |token: &crate::token::Token| {
            let request = request()?.header(header::AUTHORIZATION, token.bearer.clone());
            transport.send(request).await
        };
        let answer = transport.call(attempted, || send(&token)).await;
        let is_worn = match answer.as_ref().err().and_then(Error::refusal) {
            Some(refusal) if refusal.status == 401 => true,
            // Some hosts answer so to a token that has ended.
            Some(refusal) if refusal.status == 403 => {
                !token.is_young() && self.0.tokens.has_credentials()
            }
            _ => false,
        };
        if !is_worn {
            return answer;
        }
        let token = self.0.tokens.replace(transport, &token).await?;
        transport.call(attempted, || send(&token)).await
    }
}

fn says_no_such_footprint(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| {
        refusal.status == 404
            || (refusal.status == 400 && refusal.code.as_deref() == Some("NoSuchFootprint"))
    })
}

fn base(url: &str, options: &Options) -> Result<Url, Error> {
    let unusable = |why| Error::new(format!("reading the URL {url}"), ErrorKind::Address(why));
    let mut base = Url::parse(url)
        .map_err(|_| unusable("it is no URL; write it with https:// and the host's name"))?;
    if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
        return Err(unusable("it must begin with https:// and name a host"));
    }
    if base.scheme() == "http" && !is_loopback(&base) && !options.danger_plain_http {
        return Err(unusable(
            "without TLS, only hosts on this machine get credentials",
        ));
    }
    if has_credentials(&base) {
        return Err(unusable("credentials do not belong into a URL"));
    }
    base.set_query(None);
    base.set_fragment(None);
    Ok(base)
}

/// `base` with more segments to its path, each encoded.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> ErrorKind {
        let error = Client::new(url, Credentials::new("id", "secret")).unwrap_err();
        error.kind().clone()
    }

    #[test]
    fn a_base_url_may_carry_a_path_and_a_slash() {
        for url in [
            "http://127.0.0.1:1/api/ileap",
            "http://127.0.0.1:1/api/ileap/",
        ] {
            let client = Client::new(url, Credentials::new("id", "secret")).unwrap();
            assert_eq!(client.base_url(), "http://127.0.0.1:1/api/ileap");
            assert_eq!(
                client.url(&["2", "footprints", "a/b?c"]).as_str(),
                "http://127.0.0.1:1/api/ileap/2/footprints/a%2Fb%3Fc"
            );
        }
    }

    #[test]
    fn a_url_that_would_show_the_secret_to_others_is_refused() {
        for url in [
            "http://host.example",
            "ftp://host.example",
            "host.example",
            "https://",
            "https://id:secret@host.example",
        ] {
            assert!(matches!(refused(url), ErrorKind::Address(_)), "{url}");
        }
    }
}
