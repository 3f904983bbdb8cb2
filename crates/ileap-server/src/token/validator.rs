//! From a presented token to the caller it stands for.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use super::{
    SigningKeys, TokenCutoffs, UnverifiedToken, claims::ReceivedClaims, jws::CompactJws,
    signing_key::SigningKey, strict_json::parse_object,
};
use crate::{
    clock::Clock,
    identity::{
        Principal,
        headers::{self, CallerHeaders},
    },
};

/// How far the clocks of several of our instances may differ.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);
/// How many verified tokens are remembered.
const CACHE_ENTRIES: usize = 16 * 1024;
/// Header parameters that would change how the rest is read or bring their own key
/// (RFC 7515 §4.1, RFC 7797 §3, RFC 7516 §4.1.3). We never write one.
const REFUSED_PARAMETERS: [&str; 7] = ["b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"];

/// What a token must say to be ours.
#[derive(Clone, Debug)]
pub struct ValidatorOptions {
    /// The `iss` expected, exactly.
    pub issuer: String,
    /// What `aud` must be or contain.
    pub audience: String,
    /// The `typ` expected in the header, with or without `application/`.
    pub typ: String,
    /// How far `iat` and `nbf` may lie in the future, in whole seconds. `exp` knows no leeway.
    pub leeway: Duration,
}

/// Judges tokens against this server's keys. A token that passed is remembered until it expires.
#[derive(Debug)]
pub struct TokenValidator {
    options: ValidatorOptions,
    keys: Arc<SigningKeys>,
    clock: Arc<dyn Clock>,
    cutoffs: Arc<TokenCutoffs>,
    verified: Cache<[u8; 32], Arc<VerifiedToken>>,
}

/// A token whose signature and claims are right; the times in seconds since 1970.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    /// The caller it stands for.
    pub principal: Arc<Principal>,
    /// Its `jti`.
    pub id: Arc<str>,
    /// Its `iat`.
    pub issued_at: i64,
    /// From when on it counts: the later of `iat` and `nbf`.
    pub not_before: i64,
    /// Its `exp`.
    pub expires_at: i64,
    headers: OnceLock<Option<CallerHeaders>>,
    key: Arc<SigningKey>,
}

impl VerifiedToken {
    /// The caller in headers, written once; `None` would be a defect.
    pub(crate) fn caller_headers(&self) -> Option<&CallerHeaders> {
        let written = self.headers.get_or_init(|| headers::of(&self.principal));
        written.as_ref()
    }
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// It was good in every respect until its time ran out.
    #[error("validating an access token: it has expired")]
    Expired,
    /// It is not one of ours, or not for us, or not yet.
    #[error("validating an access token: it is invalid ({})", .0.as_str())]
    Invalid(InvalidReason),
}

/// What is wrong with an invalid token. For logs and the operator; callers are told no more than that it is
/// invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InvalidReason {
    /// Not the algorithm of the key it names.
    Algorithm,
    /// Not meant for us.
    Audience,
    /// A claim is missing, doubled or of the wrong type.
    Claims,
    /// The header is not strict JSON, too long, or has a parameter we refuse.
    Header,
    /// Issued by another.
    Issuer,
    /// Too long, or not three parts of strict base64url.
    Malformed,
    /// `iat` or `nbf` lies in the future.
    NotYetValid,
    /// Revoked, or cut off with all of its subject's tokens up to a moment.
    Revoked,
    /// The key did not sign this.
    Signature,
    /// Another kind of token.
    Type,
    /// Names no key, or none of ours.
    UnknownKey,
}

impl InvalidReason {
    /// A stable name for logs and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::Header => "header",
            Self::Issuer => "issuer",
            Self::Malformed => "malformed",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::Signature => "signature",
            Self::Type => "type",
            Self::UnknownKey => "unknown_key",
        }
    }
}

impl From<InvalidReason> for TokenError {
    fn from(reason: InvalidReason) -> Self {
        Self::Invalid(reason)
    }
}

impl TokenValidator {
    /// A validator that remembers nothing yet.
    pub fn new(options: ValidatorOptions, keys: Arc<SigningKeys>, clock: Arc<dyn Clock>) -> Self {
        Self {
            options,
            keys,
            clock,
            cutoffs: Arc::default(),
            verified: Cache::new(CACHE_ENTRIES),
        }
    }

    /// How many verified tokens are remembered.
    pub fn remembered(&self) -> usize {
        self.verified.len()
    }

    /// The same, with tokens cut off as `cutoffs` says.
    #[must_use]
    pub fn heeding(mut self, cutoffs: Arc<TokenCutoffs>) -> Self {
        self.cutoffs = cutoffs;
        self
    }

    /// The `aud` of every token that passes.
    pub fn audience(&self) -> &str {
        &self.options.audience
    }

    /// The `iss` of every token that passes.
    pub fn issuer(&self) -> &str {
        &self.options.issuer
    }

    /// The caller `token` stands for.
    ///
    /// Nothing of a token is believed before its signature is verified, and its times are judged last:
    /// a forged token is invalid, never expired.
    pub fn validate(&self, token: UnverifiedToken<'_>) -> Result<Arc<Principal>, TokenError> {
        self.examine(token)
            .map(|verified| verified.principal.clone())
    }

    /// The same, and what else `token` says.
    pub fn examine(&self, token: UnverifiedToken<'_>) -> Result<Arc<VerifiedToken>, TokenError> {
        self.examine_noting(token, |_| {})
    }

    /// The same; `note` learns whose it is as soon as that is certain, also where it has expired or was revoked.
    pub(crate) fn examine_noting(
        &self,
        token: UnverifiedToken<'_>,
        note: impl FnOnce(&Arc<Principal>),
    ) -> Result<Arc<VerifiedToken>, TokenError> {
        let fingerprint = fingerprint(token.bounded()?);
        if let Some(verified) = self.verified.get(&fingerprint) {
            // It may have been revoked since.
            if self.keys.now().find(verified.key.kid()).is_none() {
                return Err(InvalidReason::UnknownKey.into());
            }
            note(&verified.principal);
            self.check_times(&verified)?;
            return Ok(verified);
        }
        let verified = Arc::new(self.verify(token)?);
        note(&verified.principal);
        self.check_times(&verified)?;
        self.verified.insert(fingerprint, verified.clone());
        Ok(verified)
    }

    /// Everything but the times.
    fn verify(&self, token: UnverifiedToken<'_>) -> Result<VerifiedToken, InvalidReason> {
        let jws = CompactJws::parse(token)?;
        let key = self.key_for(&jws.header)?;
        if !key.has_signed(jws.signing_input.as_bytes(), &jws.signature) {
            return Err(InvalidReason::Signature);
        }
        let members = parse_object(&jws.payload).ok_or(InvalidReason::Claims)?;
        let claims = ReceivedClaims::read(&members)?;
        if claims.issuer != self.options.issuer {
            return Err(InvalidReason::Issuer);
        }
        if !claims.audience.contains(&self.options.audience.as_str()) {
            return Err(InvalidReason::Audience);
        }
        Ok(VerifiedToken {
            headers: OnceLock::new(),
            key,
            principal: Arc::new(claims.principal),
            id: claims.id.into(),
            issued_at: claims.issued_at,
            not_before: claims.not_before,
            expires_at: claims.expires_at,
        })
    }

    /// The key says which algorithm counts; the header may only agree (RFC 8725 §3.1).
    fn key_for(&self, header: &Map<String, Value>) -> Result<Arc<SigningKey>, InvalidReason> {
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let key = text("kid")
            .and_then(|kid| self.keys.now().find(kid).cloned())
            .ok_or(InvalidReason::UnknownKey)?;
        if text("alg") != Some(key.algorithm().as_str()) {
            return Err(InvalidReason::Algorithm);
        }
        let refused = |name: &&str| header.contains_key(*name);
        if REFUSED_PARAMETERS.iter().any(refused) {
            return Err(InvalidReason::Header);
        }
        if !text("typ").is_some_and(|typ| same_type(typ, &self.options.typ)) {
            return Err(InvalidReason::Type);
        }
        Ok(key)
    }

    /// Times and cut-offs. Wall-clock time, asked anew for every request: a remembered token expires too, and a corrected
    /// clock counts at once.
    fn check_times(&self, verified: &VerifiedToken) -> Result<(), TokenError> {
        let now = self.clock.now().as_second();
        let leeway = i64::try_from(self.options.leeway.as_secs()).unwrap_or(i64::MAX);
        if verified.not_before > now.saturating_add(leeway) {
            return Err(InvalidReason::NotYetValid.into());
        }
        if verified.expires_at <= now {
            return Err(TokenError::Expired);
        }
        let cut_off = self.cutoffs.of(&verified.principal);
        if cut_off.is_some_and(|at| verified.not_before <= at)
            || self.cutoffs.is_revoked(&verified.id)
        {
            return Err(InvalidReason::Revoked.into());
        }
        Ok(())
    }
}

/// RFC 7515 §4.1.9: media types, compared without regard to case, `application/` understood.
fn same_type(presented: &str, expected: &str) -> bool {
    short_type(presented).eq_ignore_ascii_case(short_type(expected))
}

fn short_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests;
