//! Which of two readings of a Basic header is meant.

use std::net::IpAddr;

use quick_cache::sync::Cache;

use super::{Attempt, CredentialVerifier, RejectReason, Standing, Verdict, VerifyError};
use crate::identity::{ClientCredentials, ClientId, PresentedCredentials, SecretEncoding};

/// How many clients' forms are remembered.
const REMEMBERED: usize = 10_000;

/// Remembers how clients whose credentials can be read in two ways meant them. Only a success is
/// remembered, so that nobody fills it with inventions.
#[derive(Debug)]
pub struct EncodingMemory {
    forms: Cache<ClientId, SecretEncoding>,
}

impl EncodingMemory {
    /// Nothing remembered, room for 10 000 clients.
    pub fn new() -> Self {
        Self {
            forms: Cache::new(REMEMBERED),
        }
    }

    /// How many clients' forms are remembered.
    pub fn remembered(&self) -> usize {
        self.forms.len()
    }

    /// The form that this client, named as its raw reading does, logged in with last.
    fn recall(&self, client: &ClientId) -> Option<SecretEncoding> {
        self.forms.get(client)
    }

    fn remember(&self, client: &ClientId, form: SecretEncoding) {
        if self.recall(client) != Some(form) {
            self.forms.insert(client.clone(), form);
        }
    }
}

impl Default for EncodingMemory {
    fn default() -> Self {
        Self::new()
    }
}

/// Verifies credentials in the readings that they allow: the remembered form first, else raw first; the
/// other one only when the first was refused in a way that a misreading explains, and with budget left.
///
/// When both are refused, the answer is the reason that says more.
pub async fn verify_presented(
    verifier: &dyn CredentialVerifier,
    presented: &PresentedCredentials,
    source: IpAddr,
    remembered: &EncodingMemory,
) -> Result<Verdict, VerifyError> {
    let raw = &presented.raw;
    let verify = async |credentials: &ClientCredentials| {
        let attempt = Attempt {
            credentials,
            source,
            standing: Standing::Unknown,
        };
        verifier.verify(&attempt).await
    };
    let Some(decoded) = &presented.form_decoded else {
        return verify(raw).await;
    };
    let (first, second) = match remembered.recall(&raw.client_id) {
        Some(SecretEncoding::FormEncoded) => (
            (decoded, SecretEncoding::FormEncoded),
            (raw, SecretEncoding::Raw),
        ),
        Some(SecretEncoding::Raw) | None => (
            (raw, SecretEncoding::Raw),
            (decoded, SecretEncoding::FormEncoded),
        ),
    };
    let attempt = async |(reading, form): (&ClientCredentials, SecretEncoding)| {
        let verdict = verify(reading).await?;
        if matches!(verdict, Verdict::Accept(_)) {
            remembered.remember(&raw.client_id, form);
        }
        Ok(verdict)
    };
    let refusal = match attempt(first).await? {
        Verdict::Reject(refusal) if refusal.may_be_misread() => refusal,
        verdict => return Ok(verdict),
    };
    match attempt(second).await {
        Ok(Verdict::Reject(RejectReason::UnknownClient)) | Err(VerifyError::OverBudget { .. }) => {
            Ok(Verdict::Reject(refusal))
        }
        answer => answer,
    }
}

#[cfg(test)]
mod tests;
