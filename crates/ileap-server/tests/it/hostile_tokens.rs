//! Tokens made to deceive, judged by us and by a second JOSE implementation.
//!
//! With `ILEAP_HOSTILE_TOKENS_OUT` set to a file name, the same tokens are written there as JSON, with the keys to
//! judge them by, so that libraries in other languages can be asked too.

use std::{collections::BTreeSet, fs, sync::Arc};

use ileap_server::{
    clock::{Clock, SystemClock},
    identity::{ClientId, Principal, Role, Scopes},
    token::{
        Algorithm, CutoffMark, DEFAULT_LEEWAY, IssuerOptions, Reuse, TokenError, TokenIssuer,
        TokenValidator, UnverifiedToken, ValidatorOptions,
    },
};
use serde_json::{Value, json};

use self::{
    cases::{AUDIENCE, Case, ISSUER, TYP, Verdict},
    forge::Forge,
};

pub(crate) mod cases;
pub(crate) mod forge;
mod second_opinion;

#[test]
fn every_hostile_token_gets_the_verdict_it_deserves() {
    let forge = Forge::new();
    let validator = validator(&forge);
    let cases = cases::all(&forge);
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "every case has a name of its own");
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| (case, our_verdict(&validator, &case.token)))
        .filter(|(case, verdict)| case.expected != *verdict)
        .map(|(case, verdict)| format!("{}: {:?}, got {verdict:?}", case.name, case.expected))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    write_where_asked(&forge, &cases);
}

#[test]
fn a_second_implementation_judges_alike_except_where_we_are_stricter_on_purpose() {
    let forge = Forge::new();
    let mut differences = BTreeSet::new();
    for case in cases::all(&forge) {
        let ours = case.expected.without_reason();
        let theirs = second_opinion::verdict(forge.jwks(), &case.token);
        if ours != theirs {
            assert_eq!(ours, "invalid", "{}: theirs is {theirs}", case.name);
            differences.insert(case.name);
        }
    }
    let justified = second_opinion::DIFFERENCES
        .iter()
        .flat_map(|(_, names)| *names)
        .map(|&name| name.to_owned())
        .collect();
    assert_eq!(differences, justified);
}

#[tokio::test]
async fn tokens_we_issue_verify_there_with_our_published_keys() {
    for algorithm in Algorithm::ALL {
        let forge = Forge::signing_with(algorithm);
        let options = IssuerOptions {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            lifetime: std::time::Duration::from_hours(1),
            typ: TYP.to_owned(),
            reuse: Reuse::Never,
        };
        let issuer = TokenIssuer::new(options, Arc::clone(forge.keys()), clock());
        let token = issuer
            .issue(&principal(), CutoffMark::default())
            .await
            .unwrap();
        let text = token.access_token.expose();
        assert_eq!(
            second_opinion::verdict(forge.jwks(), text),
            "valid",
            "{algorithm}"
        );
        assert_eq!(our_verdict(&validator(&forge), text), Verdict::Valid);
    }
}

#[test]
fn tokens_minted_there_with_our_keys_verify_here() {
    let forge = Forge::new();
    let validator = validator(&forge);
    for algorithm in Algorithm::ALL {
        let token = second_opinion::mint(&forge, algorithm, &cases::claims());
        let principal = validator.validate(UnverifiedToken::new(&token)).unwrap();
        assert_eq!(principal.subject, "clerk|user_1", "{algorithm}");
    }
}

fn validator(forge: &Forge) -> TokenValidator {
    let options = ValidatorOptions {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        typ: TYP.to_owned(),
        leeway: DEFAULT_LEEWAY,
    };
    TokenValidator::new(options, Arc::clone(forge.keys()), clock())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn principal() -> Principal {
    Principal {
        subject: "clerk|user_1".to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: None,
        roles: BTreeSet::from([Role::User]),
        scopes: Scopes::all(),
    }
}

fn our_verdict(validator: &TokenValidator, token: &str) -> Verdict {
    match validator.validate(UnverifiedToken::new(token)) {
        Ok(_) => Verdict::Valid,
        Err(TokenError::Expired) => Verdict::Expired,
        Err(TokenError::Invalid(reason)) => Verdict::Invalid(reason),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variable steers the test, not the server"
)]
fn write_where_asked(forge: &Forge, cases: &[Case]) {
    let Ok(path) = std::env::var("ILEAP_HOSTILE_TOKENS_OUT") else {
        return;
    };
    let tokens: Vec<_> = cases.iter().map(Case::to_json).collect();
    let jwks: Value = serde_json::from_slice(forge.jwks()).unwrap();
    let document = json!({
        "issuer": ISSUER, "audience": AUDIENCE, "typ": TYP, "jwks": jwks, "tokens": tokens,
    });
    fs::write(path, format!("{document:#}\n")).unwrap();
}
