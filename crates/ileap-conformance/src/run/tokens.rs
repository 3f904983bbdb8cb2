//! The run's token, and where its credentials may go.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

use super::Run;
use crate::{
    outcome::Stop,
    wire::{Answer, Auth, Request, is_loopback},
};

/// A token without `expires_in` is used so long.
const USUAL_LIFE: Duration = Duration::from_secs(300);

pub(super) enum TokenState {
    Unknown,
    Held {
        token: SecretString,
        renew_at: Instant,
    },
    /// What the host said is not asked for again: each failure may count towards a lockout.
    Refused(Box<Stop>),
}

impl Run {
    /// Whether the credentials of the run may be sent to a URL.
    pub(crate) fn may_have_credentials(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let auth_base = self.options.auth_base.iter();
        let mut own = auth_base.chain([&self.options.base]);
        if own.any(|base| base.origin() == url.origin()) {
            return true;
        }
        let mut allowed = self.options.auth_hosts.iter();
        allowed.any(|allowed| names(allowed, &url))
            && (url.scheme() == "https" || is_loopback(&url))
    }

    /// Where tokens are got: what discovery says, if we may go there.
    pub(crate) async fn token_url(&self) -> Result<String, Stop> {
        let document = self.discovery().await.unwrap_or_default();
        match document["token_endpoint"].as_str() {
            Some(named) if self.may_have_credentials(named) => return Ok(named.to_owned()),
            Some(_) => self.own_tokens().await?,
            None => {}
        }
        Ok(self.usual_token_url())
    }

    fn usual_token_url(&self) -> String {
        format!("{}/auth/token", self.auth_base())
    }

    /// Whether this host issues tokens at the usual place though discovery names another host.
    async fn own_tokens(&self) -> Result<(), Stop> {
        let ask = || async {
            let request = Request::form(self.usual_token_url(), "grant_type=client_credentials");
            let answer = self.wire.send(request).await?;
            if !matches!(answer.status, 404 | 405) {
                return Ok(());
            }
            let reason = "tokens are issued by another host: --allow-auth-host HOST, see auth/discovery-host";
            Err(Stop::inconclusive(reason).of(&answer.exchange))
        };
        self.own_tokens.get_or_init(ask).await.clone()
    }

    /// A token request with the right credentials.
    pub(crate) async fn token_request(&self) -> Result<Request, Stop> {
        let request = Request::form(self.token_url().await?, "grant_type=client_credentials");
        Ok(request.auth(Auth::Basic))
    }

    pub(crate) async fn token(&self) -> Result<SecretString, Stop> {
        let mut state = self.token.lock().await;
        match &*state {
            TokenState::Held { token, renew_at } if Instant::now() < *renew_at => {
                return Ok(token.clone());
            }
            TokenState::Refused(stop) => return Err(stop.as_ref().clone()),
            TokenState::Held { .. } | TokenState::Unknown => {}
        }
        match self.new_token().await {
            Ok((token, life)) => {
                let renew_at = Instant::now() + life / 2;
                *state = TokenState::Held {
                    token: token.clone(),
                    renew_at,
                };
                Ok(token)
            }
            Err(stop) => {
                let reason = format!(
                    "it needs an access token, and there is none: {}",
                    stop.reason
                );
                let mut needed = Stop::inconclusive(reason);
                needed.exchange = stop.exchange;
                let status = needed
                    .exchange
                    .as_ref()
                    .and_then(|exchange| exchange.status);
                if status.is_some_and(|status| status != 429 && status < 500) {
                    *state = TokenState::Refused(Box::new(needed.clone()));
                }
                Err(needed)
            }
        }
    }

    async fn new_token(&self) -> Result<(SecretString, Duration), Stop> {
        let answer = self.wire.send(self.token_request().await?).await?;
        answer.expect(&[200])?;
        token_in(&answer)
    }
}

/// The token in an answer, and how long it is used.
pub(crate) fn token_in(answer: &Answer) -> Result<(SecretString, Duration), Stop> {
    let body = answer.json()?;
    let token = body["access_token"].as_str();
    let Some(token) = token.filter(|token| is_token(token)) else {
        return Err(answer.fails("no `access_token` that fits in a header"));
    };
    let life = body["expires_in"].as_u64();
    let life = life.map_or(USUAL_LIFE, Duration::from_secs);
    Ok((
        SecretString::from(token),
        life.min(Duration::from_secs(86_400)),
    ))
}

/// Whether a host that the user trusts (`host`, `host:port`, or a URL) is that of `url`.
fn names(allowed: &str, url: &Url) -> bool {
    let is_url = allowed.contains("://");
    let text = if is_url {
        allowed.to_owned()
    } else {
        format!("{}://{allowed}", url.scheme())
    };
    let Ok(given) = Url::parse(&text) else {
        return false;
    };
    let port = allowed.rsplit_once(':').map(|(_, port)| port);
    let has_port = is_url || port.is_some_and(|port| port.parse::<u16>().is_ok());
    let is_port = given.port_or_known_default() == url.port_or_known_default();
    given.host_str() == url.host_str() && (is_port || !has_port)
}

/// Whether it can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 * 1024 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_host_is_found_however_it_is_written() {
        let url = Url::parse("https://idp.example.com/token").unwrap();
        for allowed in [
            "idp.example.com",
            "IDP.example.com",
            "idp.example.com:443",
            "https://idp.example.com",
            "https://idp.example.com/token",
        ] {
            assert!(names(allowed, &url), "{allowed}");
        }
        let other = Url::parse("https://idp.example.com:8443/token").unwrap();
        assert!(names("idp.example.com", &other) && names("idp.example.com:8443", &other));
        for allowed in [
            "idp.example.com:443",
            "https://idp.example.com",
            "example.com",
            "",
        ] {
            assert!(!names(allowed, &other), "{allowed}");
        }
    }
}
