//! What every verifier promises, whatever stands behind it.

use std::net::{IpAddr, Ipv4Addr};

use super::{Account, Attempt, CredentialVerifier, RejectReason, Standing, Verdict, VerifyError};
use crate::identity::{ClientCredentials, ClientId, ClientSecret};

const CLIENT_ID: &str = "ops@acme.example";
const SECRET: &str = "quartz-Lantern-4711";

/// Secrets that lose their meaning when somebody decodes, trims or normalizes them, each with the text
/// that it must not be taken for.
const DELICATE_SECRETS: [(&str, &str); 9] = [
    ("colon:in:secret", "colon"),
    ("plus+in+secret", "plus in secret"),
    ("percent%41secret", "percentAsecret"),
    ("ampersand&password=x", "ampersand"),
    ("umlaut-\u{e4}-secret", "umlaut-a\u{308}-secret"),
    ("lorry-\u{1f69b}-secret", "lorry--secret"),
    (" leading-space", "leading-space"),
    ("trailing-space ", "trailing-space"),
    ("Upper-Case-Secret", "upper-case-secret"),
];

/// What a verifier under test works on.
#[async_trait::async_trait]
pub(crate) trait Premises: Send + Sync {
    /// A verifier that knows exactly this account.
    async fn with_account(&self, client_id: &str, secret: &str) -> Box<dyn CredentialVerifier>;

    /// The same with the account locked; `None` where accounts cannot be.
    async fn with_locked_account(
        &self,
        client_id: &str,
        secret: &str,
    ) -> Option<Box<dyn CredentialVerifier>>;

    /// A verifier whose upstream is in trouble; `None` where there is no upstream.
    async fn in_trouble(&self, trouble: Trouble) -> Option<Box<dyn CredentialVerifier>>;
}

/// Ways in which an upstream gives no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// It fails every call.
    Down,
    /// It never answers.
    Slow,
}

/// Runs every case.
pub(crate) async fn run(premises: &dyn Premises) {
    the_right_secret_is_accepted(premises).await;
    a_wrong_secret_is_an_answer(premises).await;
    an_unknown_client_is_an_answer(premises).await;
    delicate_secrets_count_byte_for_byte(premises).await;
    a_locked_account_is_refused_whatever_the_secret(premises).await;
    an_upstream_in_trouble_is_no_verdict(premises).await;
    failures_count_against_the_account_whatever_the_secret(premises).await;
    unknown_clients_are_limited_like_known_ones(premises).await;
}

async fn the_right_secret_is_accepted(premises: &dyn Premises) {
    let verifier = premises.with_account(CLIENT_ID, SECRET).await;
    let answer = ask(&*verifier, CLIENT_ID, SECRET).await;
    let Ok(Verdict::Accept(client)) = answer else {
        panic!("the right secret: {answer:?}");
    };
    assert_eq!(client.client_id.as_str(), CLIENT_ID);
    let (source, account) = client
        .subject
        .split_once('|')
        .expect("a namespaced subject");
    assert!(!source.is_empty() && !account.is_empty());
    let again = ask(&*verifier, CLIENT_ID, SECRET).await;
    assert_eq!(again, Ok(Verdict::Accept(client)), "the same subject again");
}

async fn a_wrong_secret_is_an_answer(premises: &dyn Premises) {
    let verifier = premises.with_account(CLIENT_ID, SECRET).await;
    let answer = ask(&*verifier, CLIENT_ID, "not-the-secret-4711").await;
    assert_eq!(answer, Ok(Verdict::Reject(RejectReason::WrongSecret)));
}

async fn an_unknown_client_is_an_answer(premises: &dyn Premises) {
    let verifier = premises.with_account(CLIENT_ID, SECRET).await;
    let answer = ask(&*verifier, "nobody@acme.example", SECRET).await;
    // A place that does not tell who exists says "wrong secret".
    let is_refused = matches!(
        answer,
        Ok(Verdict::Reject(
            RejectReason::UnknownClient | RejectReason::WrongSecret
        ))
    );
    assert!(is_refused, "an unknown client: {answer:?}");
}

async fn delicate_secrets_count_byte_for_byte(premises: &dyn Premises) {
    for (secret, lookalike) in DELICATE_SECRETS {
        let verifier = premises.with_account(CLIENT_ID, secret).await;
        let answer = ask(&*verifier, CLIENT_ID, secret).await;
        assert!(
            matches!(answer, Ok(Verdict::Accept(_))),
            "{secret:?}: {answer:?}"
        );
        let answer = ask(&*verifier, CLIENT_ID, lookalike).await;
        assert!(
            matches!(answer, Ok(Verdict::Reject(_))),
            "{lookalike:?} for {secret:?}: {answer:?}"
        );
    }
}

async fn a_locked_account_is_refused_whatever_the_secret(premises: &dyn Premises) {
    for secret in [SECRET, "not-the-secret-4711"] {
        let Some(verifier) = premises.with_locked_account(CLIENT_ID, SECRET).await else {
            return;
        };
        let answer = ask(&*verifier, CLIENT_ID, secret).await;
        assert!(
            matches!(answer, Ok(Verdict::Reject(RejectReason::Locked { .. }))),
            "a locked account: {answer:?}"
        );
    }
}

async fn an_upstream_in_trouble_is_no_verdict(premises: &dyn Premises) {
    for trouble in [Trouble::Down, Trouble::Slow] {
        let Some(verifier) = premises.in_trouble(trouble).await else {
            return;
        };
        let answer = ask(&*verifier, CLIENT_ID, SECRET).await;
        assert!(
            matches!(answer, Err(VerifyError::Unavailable { .. })),
            "{trouble:?}: {answer:?}"
        );
    }
}

async fn failures_count_against_the_account_whatever_the_secret(premises: &dyn Premises) {
    let verifier = premises.with_account(CLIENT_ID, SECRET).await;
    let account = account_of(&*verifier, CLIENT_ID, SECRET).await;
    let same = account_of(&*verifier, CLIENT_ID, "not-the-secret-4711").await;
    assert_eq!(account, same);
    let other = account_of(&*verifier, "nobody@acme.example", SECRET).await;
    assert_ne!(account.key, other.key);
}

async fn unknown_clients_are_limited_like_known_ones(premises: &dyn Premises) {
    let verifier = premises.with_account(CLIENT_ID, SECRET).await;
    let known = account_of(&*verifier, CLIENT_ID, SECRET).await;
    let unknown = account_of(&*verifier, "nobody@acme.example", SECRET).await;
    assert_eq!(known.allowed_failures, unknown.allowed_failures);
}

async fn account_of(verifier: &dyn CredentialVerifier, client_id: &str, secret: &str) -> Account {
    let credentials = ClientCredentials {
        client_id: ClientId::new(client_id).unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    };
    verifier.account(&attempt(&credentials)).await.unwrap()
}

async fn ask(
    verifier: &dyn CredentialVerifier,
    client_id: &str,
    secret: &str,
) -> Result<Verdict, VerifyError> {
    let credentials = ClientCredentials {
        client_id: ClientId::new(client_id).unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    };
    verifier.verify(&attempt(&credentials)).await
}

/// An attempt of which nothing is known, from loopback.
pub(crate) fn attempt(credentials: &ClientCredentials) -> Attempt<'_> {
    Attempt {
        credentials,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        standing: Standing::Unknown,
    }
}
