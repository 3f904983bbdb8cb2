//! Issuing tokens.

use std::{fmt, sync::Arc, thread, time::Duration};

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{CutoffMark, SigningKeys, TokenCutoffs, claims::Claims, jws, signing_key::SigningKey};
use crate::{
    clock::Clock,
    identity::{Principal, Scopes},
};

/// How many callers' tokens are kept for reuse.
const REUSE_ENTRIES: usize = 32 * 1024;
/// How long a request waits for a free signer. Whoever has to wait longer is better told to come back.
const SIGNING_PATIENCE: Duration = Duration::from_secs(1);
/// How long a request waits for the end of a cut-off. A longer one comes from a clock that is wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What every token of an issuer has in common.
#[derive(Clone, Debug)]
pub struct IssuerOptions {
    /// `iss`: the public base URL.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// How long a token lives; whole seconds count.
    pub lifetime: Duration,
    /// `typ` in the header, `at+jwt` by RFC 9068 §2.1.
    pub typ: String,
    /// Whether a caller gets the same token again.
    pub reuse: Reuse,
}

/// Whether a caller gets the same token again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// A new token, and a new `jti`, for every request.
    Never,
    /// The last one, as long as at least half its life is left: an RSA signature costs a hundred times
    /// what the rest of a token request does.
    WhileHalfLeft,
}

/// Issues tokens with this server's signing key.
pub struct TokenIssuer {
    options: IssuerOptions,
    keys: Arc<SigningKeys>,
    clock: Arc<dyn Clock>,
    cutoffs: Arc<TokenCutoffs>,
    reusable: Cache<Principal, SignedToken>,
    signers: Arc<Semaphore>,
    patience: Duration,
}

/// A token and what the token response says about it.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub access_token: AccessToken,
    /// How long it still lives, in whole seconds and never too many.
    pub expires_in: Duration,
    /// What it was granted.
    pub scopes: Scopes,
}

/// A signed token (RFC 6749 §1.4). It cannot print and is wiped when the last copy goes.
#[derive(Clone)]
pub struct AccessToken(Arc<SecretString>);

impl AccessToken {
    /// The token itself; for the response that carries it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

/// When a minted token begins and how long it lives. It may be over already.
#[derive(Clone, Copy, Debug)]
pub struct MintOptions {
    /// `iat` and `nbf`, cut to whole seconds.
    pub issued_at: Timestamp,
    /// From there to `exp`, in whole seconds.
    pub lifetime: Duration,
}

/// No token could be issued.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssueError {
    /// More tokens are asked for than can be signed. Trying again helps.
    #[error("issuing an access token: every signer is busy")]
    Busy,
    /// Every signing key is revoked, and none has come in its place. Trying again helps once one has.
    #[error("issuing an access token: no signing key is left; see `ileap keys list`")]
    Keyless,
    /// What the verification found has been called into doubt since. Verifying again helps.
    #[error("issuing an access token: the client was changed while it was verified")]
    Overtaken,
    /// The times wanted are not on the calendar from 1970 on.
    #[error("issuing an access token: its times are out of range")]
    Range,
    /// The crypto library did not sign.
    #[error("issuing an access token: signing it did not work")]
    Signing,
}

/// A token with its times and its key.
#[derive(Clone)]
struct SignedToken {
    id: String,
    token: AccessToken,
    key: Arc<SigningKey>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// All of a token but the signature, and who is to sign it.
struct UnsignedToken {
    id: String,
    signing_input: String,
    key: Arc<SigningKey>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl TokenIssuer {
    /// An issuer that has issued nothing yet.
    pub fn new(options: IssuerOptions, keys: Arc<SigningKeys>, clock: Arc<dyn Clock>) -> Self {
        // Two for each core: while one signature is on its way out, the next is being made.
        let signers = 2 * thread::available_parallelism().map_or(1, usize::from);
        Self {
            options,
            keys,
            clock,
            cutoffs: Arc::default(),
            reusable: Cache::new(REUSE_ENTRIES),
            signers: Arc::new(Semaphore::new(signers)),
            patience: SIGNING_PATIENCE,
        }
    }

    /// How many tokens are kept to be given out again.
    pub fn remembered(&self) -> usize {
        self.reusable.len()
    }

    /// The same, with no token reused that `cutoffs` cuts off.
    #[must_use]
    pub fn heeding(mut self, cutoffs: Arc<TokenCutoffs>) -> Self {
        self.cutoffs = cutoffs;
        self
    }

    /// From here on, a verification heeds all cut-offs there are; [`Self::issue`] wants to know.
    pub fn mark(&self) -> CutoffMark {
        self.cutoffs.mark()
    }

    /// A token for `principal`, new or reused, on the strength of a verification that began at `verified_since`.
    /// While its tokens are being cut off, that takes until the first second whose tokens count again.
    ///
    /// Signing happens outside the threads that serve requests, no more at once than two for each core.
    pub async fn issue(
        &self,
        principal: &Principal,
        verified_since: CutoffMark,
    ) -> Result<IssuedToken, IssueError> {
        self.outlast_cut_off(principal).await?;
        self.check_news(principal, verified_since)?;
        if let Some(token) = self.reuse(principal) {
            return Ok(token);
        }
        let waiting = Arc::clone(&self.signers).acquire_owned();
        let Ok(Ok(permit)) = timeout(self.patience, waiting).await else {
            return Err(IssueError::Busy);
        };
        self.check_news(principal, verified_since)?;
        // Another request for the same caller may have been signed during the wait.
        if let Some(token) = self.reuse(principal) {
            return Ok(token);
        }
        let unsigned = self.prepare(
            principal,
            self.after_cut_off(principal),
            self.options.lifetime,
        )?;
        // The permit goes along and comes back: a caller that hangs up does not free a signer still at
        // work, and the next in line finds the token kept before it is let in.
        let signing = spawn_blocking(move || (unsigned.sign(), permit));
        let (signed, _permit) = signing.await.map_err(|_| IssueError::Signing)?;
        let signed = signed?;
        let issued = self.describe(&signed, principal);
        if self.options.reuse == Reuse::WhileHalfLeft {
            self.reusable.insert(principal.clone(), signed);
        }
        Ok(issued)
    }

    /// A token with times of your own, signed here and now and never reused: for the command line.
    pub fn mint(
        &self,
        principal: &Principal,
        options: MintOptions,
    ) -> Result<IssuedToken, IssueError> {
        let unsigned = self.prepare(principal, options.issued_at, options.lifetime)?;
        Ok(self.describe(&unsigned.sign()?, principal))
    }

    fn reuse(&self, principal: &Principal) -> Option<IssuedToken> {
        let signed = self.reusable.get(principal)?;
        let cut_off = self.cutoffs.of(principal);
        let is_cut_off = cut_off.is_some_and(|at| signed.issued_at.as_second() <= at);
        // One that a revoked key has signed is not one any more.
        let counts = self.keys.now().find(signed.key.kid()).is_some();
        let is_dead = is_cut_off || self.cutoffs.is_revoked(&signed.id);
        (counts && !is_dead && signed.has_half_left(self.clock.now()))
            .then(|| self.describe(&signed, principal))
    }

    /// What was verified before a cut-off may have been the reason for it.
    fn check_news(&self, principal: &Principal, since: CutoffMark) -> Result<(), IssueError> {
        if self.cutoffs.is_news(principal, since) {
            return Err(IssueError::Overtaken);
        }
        Ok(())
    }

    /// Waits until tokens of this one count again.
    async fn outlast_cut_off(&self, principal: &Principal) -> Result<(), IssueError> {
        let wait = self
            .after_cut_off(principal)
            .duration_since(self.clock.now());
        let wait = Duration::try_from(wait).unwrap_or_default();
        if wait > LONGEST_WAIT {
            return Err(IssueError::Busy);
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        Ok(())
    }

    /// Now, or the first second whose tokens count again.
    fn after_cut_off(&self, principal: &Principal) -> Timestamp {
        let now = self.clock.now();
        let next = self
            .cutoffs
            .of(principal)
            .and_then(|at| Timestamp::from_second(at.saturating_add(1)).ok());
        next.map_or(now, |next| next.max(now))
    }

    fn describe(&self, signed: &SignedToken, principal: &Principal) -> IssuedToken {
        let rest = signed.expires_at.duration_since(self.clock.now());
        let seconds = u64::try_from(rest.as_secs()).unwrap_or(0);
        IssuedToken {
            access_token: signed.token.clone(),
            expires_in: Duration::from_secs(seconds),
            scopes: principal.scopes.clone(),
        }
    }

    fn prepare(
        &self,
        principal: &Principal,
        from: Timestamp,
        lifetime: Duration,
    ) -> Result<UnsignedToken, IssueError> {
        let (issued_at, expires_at) = whole_seconds(from, lifetime).ok_or(IssueError::Range)?;
        let organization = principal.organization.as_ref();
        let id = random_id()?;
        let claims = Claims {
            iss: &self.options.issuer,
            sub: &principal.subject,
            aud: &self.options.audience,
            client_id: principal.client_id.as_str(),
            org_id: organization.map(|organization| organization.id.as_str()),
            org_slug: organization.and_then(|organization| organization.slug.as_deref()),
            roles: principal.roles.iter().map(|role| role.as_str()).collect(),
            scope: principal.scopes.to_string(),
            iat: issued_at.as_second(),
            nbf: issued_at.as_second(),
            exp: expires_at.as_second(),
            jti: &id,
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| IssueError::Signing)?;
        let signer = self.keys.now().signer().cloned();
        let key = signer.ok_or(IssueError::Keyless)?;
        let header = json!({
            "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": self.options.typ,
        });
        Ok(UnsignedToken {
            id,
            signing_input: jws::signing_input(&jws::encode_header(&header), &payload),
            key,
            issued_at,
            expires_at,
        })
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer")
            .field("options", &self.options)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl UnsignedToken {
    fn sign(self) -> Result<SignedToken, IssueError> {
        let token = jws::sign(self.signing_input, &self.key).map_err(|_| IssueError::Signing)?;
        Ok(SignedToken {
            id: self.id,
            token: AccessToken(Arc::new(SecretString::from(token))),
            key: self.key,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        })
    }
}

impl SignedToken {
    /// No, too, when the clock was set back to before it was issued.
    fn has_half_left(&self, now: Timestamp) -> bool {
        let life = self.expires_at.duration_since(self.issued_at);
        let left = self.expires_at.duration_since(now);
        now >= self.issued_at && left >= life / 2
    }
}

fn whole_seconds(from: Timestamp, lifetime: Duration) -> Option<(Timestamp, Timestamp)> {
    let issued_at = from.as_second();
    let expires_at = issued_at.checked_add_unsigned(lifetime.as_secs())?;
    let moment = |seconds| Timestamp::from_second(seconds).ok();
    (issued_at >= 0).then_some((moment(issued_at)?, moment(expires_at)?))
}

/// 128 random bits.
fn random_id() -> Result<String, IssueError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| IssueError::Signing)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests;
