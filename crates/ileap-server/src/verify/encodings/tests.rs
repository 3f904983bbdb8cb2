use std::{collections::BTreeSet, net::Ipv4Addr, sync::Mutex};

use proptest::prelude::*;

use super::*;
use crate::{
    identity::ClientSecret,
    verify::{Account, ProbeFinding, VerifiedClient},
};

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Knows one account and writes down every secret that it is asked about.
struct OneAccount {
    secret: String,
    refusal: Result<RejectReason, VerifyError>,
    asked: Mutex<Vec<String>>,
}

impl OneAccount {
    fn with_secret(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            refusal: Ok(RejectReason::WrongSecret),
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for OneAccount {
    async fn account(&self, _: &Attempt<'_>) -> Result<Account, VerifyError> {
        unreachable!("nothing is counted here")
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let credentials = attempt.credentials;
        let secret = credentials.client_secret.expose();
        self.asked.lock().unwrap().push(secret.to_owned());
        if secret == self.secret {
            return Ok(Verdict::Accept(VerifiedClient {
                subject: "test|1".to_owned(),
                client_id: credentials.client_id.clone(),
                organization: None,
                roles: BTreeSet::new(),
            }));
        }
        self.refusal.clone().map(Verdict::Reject)
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn kind(&self) -> &'static str {
        "one_account"
    }
}

fn reading(secret: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: ClientId::new("acme").unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    }
}

fn presented(raw: &str, decoded: Option<&str>) -> PresentedCredentials {
    PresentedCredentials {
        raw: reading(raw),
        form_decoded: decoded.map(reading),
    }
}

#[tokio::test]
async fn the_same_text_either_way_is_tried_once() {
    let verifier = OneAccount::with_secret("right");
    let verdict = verify_presented(
        &verifier,
        &presented("wrong", None),
        SOURCE,
        &EncodingMemory::new(),
    )
    .await;
    assert_eq!(verdict, Ok(Verdict::Reject(RejectReason::WrongSecret)));
    assert_eq!(verifier.asked(), ["wrong"]);
}

#[tokio::test]
async fn a_raw_secret_with_a_plus_is_accepted_at_once() {
    let verifier = OneAccount::with_secret("a+b");
    let verdict = verify_presented(
        &verifier,
        &presented("a+b", Some("a b")),
        SOURCE,
        &EncodingMemory::new(),
    )
    .await;
    assert!(matches!(verdict, Ok(Verdict::Accept(_))));
    assert_eq!(verifier.asked(), ["a+b"]);
}

#[tokio::test]
async fn the_form_that_won_goes_first_from_then_on() {
    let verifier = OneAccount::with_secret("a+b");
    let memory = EncodingMemory::new();
    let encoded = presented("a%2Bb", Some("a+b"));
    assert!(
        verify_presented(&verifier, &encoded, SOURCE, &memory)
            .await
            .is_ok()
    );
    assert_eq!(verifier.asked(), ["a%2Bb", "a+b"]);
    assert!(
        verify_presented(&verifier, &encoded, SOURCE, &memory)
            .await
            .is_ok()
    );
    assert_eq!(verifier.asked(), ["a+b"]);
}

#[tokio::test]
async fn a_client_that_changes_its_form_still_gets_in() {
    let verifier = OneAccount::with_secret("a+b");
    let memory = EncodingMemory::new();
    let encoded = presented("a%2Bb", Some("a+b"));
    let raw = presented("a+b", Some("a b"));
    for request in [&encoded, &raw, &raw, &encoded] {
        let verdict = verify_presented(&verifier, request, SOURCE, &memory).await;
        assert!(matches!(verdict, Ok(Verdict::Accept(_))));
    }
    let asked = verifier.asked();
    assert_eq!(asked, ["a%2Bb", "a+b", "a b", "a+b", "a+b", "a%2Bb", "a+b"]);
}

#[tokio::test]
async fn no_request_costs_more_than_two_failures_and_failures_are_not_remembered() {
    let verifier = OneAccount::with_secret("right");
    let memory = EncodingMemory::new();
    let wrong = presented("a%2Bb", Some("a+b"));
    for _ in 0..2 {
        let verdict = verify_presented(&verifier, &wrong, SOURCE, &memory).await;
        assert_eq!(verdict, Ok(Verdict::Reject(RejectReason::WrongSecret)));
        assert_eq!(verifier.asked(), ["a%2Bb", "a+b"]);
    }
}

#[tokio::test]
async fn a_refusal_that_no_misreading_explains_ends_the_matter() {
    let verifier = OneAccount {
        refusal: Ok(RejectReason::Locked { expires_in: None }),
        ..OneAccount::with_secret("a+b")
    };
    let encoded = presented("a%2Bb", Some("a+b"));
    let verdict = verify_presented(&verifier, &encoded, SOURCE, &EncodingMemory::new()).await;
    assert_eq!(
        verdict,
        Ok(Verdict::Reject(RejectReason::Locked { expires_in: None }))
    );
    assert_eq!(verifier.asked(), ["a%2Bb"]);
}

#[tokio::test]
async fn an_upstream_that_is_down_is_not_asked_again() {
    let down = VerifyError::Unavailable {
        retry_after: std::time::Duration::from_secs(5),
        cause: "timeout".to_owned(),
    };
    let verifier = OneAccount {
        refusal: Err(down.clone()),
        ..OneAccount::with_secret("a+b")
    };
    let encoded = presented("a%2Bb", Some("a+b"));
    let verdict = verify_presented(&verifier, &encoded, SOURCE, &EncodingMemory::new()).await;
    assert_eq!(verdict, Err(down));
    assert_eq!(verifier.asked(), ["a%2Bb"]);
}

#[test]
fn a_handler_can_await_it_on_any_thread() {
    fn assert_send(_: impl Send) {}
    let verifier = OneAccount::with_secret("right");
    let memory = EncodingMemory::new();
    assert_send(verify_presented(
        &verifier,
        &presented("a", None),
        SOURCE,
        &memory,
    ));
}

/// What the server reads from a header that carries this text.
fn as_received(text: &str) -> Option<PresentedCredentials> {
    let pair = format!("x={text}").replace('&', "%26");
    let (_, decoded) = form_urlencoded::parse(pair.as_bytes()).next()?;
    ClientSecret::new(decoded.as_ref())?;
    let differs = decoded != text;
    Some(presented(text, differs.then_some(&*decoded)))
}

proptest! {
    #[test]
    fn raw_and_encoded_senders_get_in_with_one_failure_at_most_and_none_later(
        secret in "[^\\p{Cc}]{1,40}",
    ) {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for sent in [secret.as_str(), encoded.as_str()] {
            let Some(request) = as_received(sent) else {
                continue;
            };
            let verifier = OneAccount::with_secret(&secret);
            let memory = EncodingMemory::new();
            for calls in [2, 1] {
                let verdict = runtime.block_on(verify_presented(&verifier, &request, SOURCE, &memory));
                prop_assert!(matches!(verdict, Ok(Verdict::Accept(_))));
                prop_assert!(verifier.asked().len() <= calls);
            }
        }
    }
}
