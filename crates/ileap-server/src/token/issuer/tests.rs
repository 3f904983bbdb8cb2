mod cut_offs;

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::*;
use crate::{
    clock::ManualClock,
    identity::{ClientId, Organization, Role},
    token::{Algorithm, RevokedToken, UnverifiedToken, inspect},
};

const LIFETIME: Duration = Duration::from_hours(1);

struct Setup {
    clock: Arc<ManualClock>,
    issuer: TokenIssuer,
}

fn setup(reuse: Reuse) -> Setup {
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let clock = Arc::new(ManualClock::starting_at(start));
    let keys = Arc::new(SigningKeys::ephemeral(Algorithm::EdDsa).unwrap());
    let options = IssuerOptions {
        issuer: "https://ileap.example.com".to_owned(),
        audience: "https://api.example.com".to_owned(),
        lifetime: LIFETIME,
        typ: "at+jwt".to_owned(),
        reuse,
    };
    let issuer = TokenIssuer::new(options, keys, Arc::clone(&clock) as Arc<dyn Clock>);
    Setup { clock, issuer }
}

fn principal(subject: &str) -> Principal {
    Principal {
        subject: subject.to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: None,
        roles: BTreeSet::from([Role::User, Role::Operator]),
        scopes: Scopes::all(),
    }
}

fn parts(token: &IssuedToken) -> (Value, Value) {
    let inspection = inspect(UnverifiedToken::new(token.access_token.expose()), None);
    let (header, claims) = (inspection.header.unwrap(), inspection.claims.unwrap());
    (Value::Object(header), Value::Object(claims))
}

#[tokio::test]
async fn a_token_says_who_the_caller_is_and_nothing_more() {
    let setup = setup(Reuse::Never);
    let token = setup
        .issuer
        .issue(&principal("clerk|user_1"), CutoffMark::default())
        .await
        .unwrap();
    let (header, mut claims) = parts(&token);
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.decode(jti.as_str().unwrap()).unwrap().len(),
        16
    );
    let kid = setup.issuer.keys.now().signing_kid().unwrap().to_owned();
    assert_eq!(header, json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}));
    assert_eq!(
        claims,
        json!({
            "iss": "https://ileap.example.com", "sub": "clerk|user_1", "aud": "https://api.example.com",
            "client_id": "ops@acme.example", "roles": ["operator", "user"],
            "scope": "footprint:list footprint:read",
            "iat": 1_800_000_000, "nbf": 1_800_000_000, "exp": 1_800_003_600,
        })
    );
    assert_eq!(token.expires_in, LIFETIME);
    assert_eq!(token.scopes, Scopes::all());
}

#[tokio::test]
async fn an_organization_is_named_where_there_is_one() {
    let setup = setup(Reuse::Never);
    let mut principal = principal("clerk|user_1");
    for (slug, expected) in [
        (None, Value::Null),
        (Some("acme".to_owned()), json!("acme")),
    ] {
        principal.organization = Some(Organization {
            id: "org_1".to_owned(),
            slug,
        });
        let (_, claims) = parts(
            &setup
                .issuer
                .issue(&principal, CutoffMark::default())
                .await
                .unwrap(),
        );
        assert_eq!(claims["org_id"], "org_1");
        assert_eq!(claims["org_slug"], expected);
    }
}

#[tokio::test]
async fn the_same_caller_gets_the_same_token_while_half_its_life_is_left() {
    let setup = setup(Reuse::WhileHalfLeft);
    let caller = principal("clerk|user_1");
    let first = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    setup.clock.advance(Duration::from_millis(1_799_500));
    let second = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    assert_eq!(first.access_token.expose(), second.access_token.expose());
    assert_eq!(second.expires_in, Duration::from_mins(30));
    setup.clock.advance(Duration::from_millis(500));
    let third = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    assert_eq!(third.access_token.expose(), first.access_token.expose());
    setup.clock.advance(Duration::from_secs(1));
    let fourth = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    assert_ne!(fourth.access_token.expose(), first.access_token.expose());
    assert_eq!(fourth.expires_in, LIFETIME);
}

#[tokio::test]
async fn whoever_differs_in_anything_gets_another_token() {
    let setup = setup(Reuse::WhileHalfLeft);
    let base = principal("clerk|user_1");
    let organization = |slug: Option<&str>| {
        let slug = slug.map(str::to_owned);
        Some(Organization {
            id: "org_1".to_owned(),
            slug,
        })
    };
    let others = [
        Principal {
            subject: "clerk|user_2".to_owned(),
            ..base.clone()
        },
        Principal {
            client_id: ClientId::new("acme-ops").unwrap(),
            ..base.clone()
        },
        Principal {
            organization: organization(None),
            ..base.clone()
        },
        Principal {
            organization: organization(Some("acme")),
            ..base.clone()
        },
        Principal {
            roles: BTreeSet::from([Role::User]),
            ..base.clone()
        },
        Principal {
            scopes: Scopes::granted(Some("footprint:read")),
            ..base.clone()
        },
        base,
    ];
    let mut tokens = HashSet::new();
    for other in &others {
        let token = setup
            .issuer
            .issue(other, CutoffMark::default())
            .await
            .unwrap();
        assert_eq!(parts(&token).1["sub"], other.subject.as_str());
        assert_eq!(parts(&token).1["scope"], other.scopes.to_string());
        assert!(tokens.insert(token.access_token.expose().to_owned()));
    }
}

#[tokio::test]
async fn a_revoked_token_is_not_reused_and_its_successor_is() {
    let setup = setup(Reuse::WhileHalfLeft);
    let caller = principal("clerk|user_1");
    let issue = async || {
        let issued = setup.issuer.issue(&caller, CutoffMark::default()).await;
        issued.unwrap()
    };
    let first = issue().await;
    let now = setup.clock.now();
    let revoked = RevokedToken {
        id: parts(&first).1["jti"].as_str().unwrap().to_owned(),
        subject: caller.subject.clone(),
        not_before: now,
        expires_at: now + LIFETIME,
    };
    setup.issuer.cutoffs.revoke(&revoked, now);
    let (second, third) = (issue().await, issue().await);
    assert_ne!(second.access_token.expose(), first.access_token.expose());
    assert_eq!(third.access_token.expose(), second.access_token.expose());
}

#[tokio::test]
async fn without_reuse_every_token_is_new() {
    let setup = setup(Reuse::Never);
    let caller = principal("clerk|user_1");
    let first = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    let second = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    assert_ne!(parts(&first).1["jti"], parts(&second).1["jti"]);
}

#[tokio::test]
async fn a_token_from_before_the_clock_was_set_back_is_not_reused() {
    let setup = setup(Reuse::WhileHalfLeft);
    let caller = principal("clerk|user_1");
    let first = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    setup.clock.step_wall(-3_600_000);
    let second = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    assert_ne!(first.access_token.expose(), second.access_token.expose());
    assert_eq!(second.expires_in, LIFETIME);
}

#[tokio::test]
async fn the_rest_of_the_life_is_rounded_down() {
    let setup = setup(Reuse::Never);
    setup.clock.advance(Duration::from_millis(1));
    let token = setup
        .issuer
        .issue(&principal("clerk|user_1"), CutoffMark::default())
        .await
        .unwrap();
    assert_eq!(token.expires_in, Duration::from_secs(3599));
}

#[tokio::test]
async fn a_busy_issuer_says_so_instead_of_queueing_for_ever() {
    let mut setup = setup(Reuse::WhileHalfLeft);
    setup.issuer.patience = Duration::from_millis(5);
    let caller = principal("clerk|user_1");
    let signers = Arc::clone(&setup.issuer.signers);
    let cores = u32::try_from(signers.available_permits()).unwrap();
    let at_work = signers.acquire_many(cores).await.unwrap();
    assert_eq!(
        setup
            .issuer
            .issue(&caller, CutoffMark::default())
            .await
            .unwrap_err(),
        IssueError::Busy
    );
    drop(at_work);
    setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    let _at_work = signers.acquire_many(cores).await.unwrap();
    setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .expect("a token to reuse needs no signer");
}

#[test]
fn a_token_can_be_minted_already_expired() {
    let setup = setup(Reuse::WhileHalfLeft);
    let options = MintOptions {
        issued_at: Timestamp::from_second(1_700_000_000).unwrap(),
        lifetime: Duration::from_mins(1),
    };
    let token = setup
        .issuer
        .mint(&principal("clerk|user_1"), options)
        .unwrap();
    let (_, claims) = parts(&token);
    assert_eq!(
        (&claims["iat"], &claims["exp"]),
        (&json!(1_700_000_000), &json!(1_700_000_060))
    );
    assert_eq!(token.expires_in, Duration::ZERO);
}

#[tokio::test]
async fn a_minted_token_is_never_reused() {
    let setup = setup(Reuse::WhileHalfLeft);
    let caller = principal("clerk|user_1");
    let options = MintOptions {
        issued_at: setup.clock.now(),
        lifetime: LIFETIME,
    };
    let minted = setup.issuer.mint(&caller, options).unwrap();
    let issued = setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
    assert_ne!(minted.access_token.expose(), issued.access_token.expose());
}

#[test]
fn times_off_the_calendar_are_refused() {
    let setup = setup(Reuse::Never);
    let before_1970 = Timestamp::from_second(-1).unwrap();
    for (issued_at, lifetime) in [
        (before_1970, LIFETIME),
        (setup.clock.now(), Duration::MAX),
        (Timestamp::MAX, LIFETIME),
    ] {
        let minted = setup.issuer.mint(
            &principal("s"),
            MintOptions {
                issued_at,
                lifetime,
            },
        );
        assert_eq!(minted.unwrap_err(), IssueError::Range);
    }
}

#[tokio::test]
async fn tokens_do_not_print() {
    let setup = setup(Reuse::WhileHalfLeft);
    let token = setup
        .issuer
        .issue(&principal("clerk|user_1"), CutoffMark::default())
        .await
        .unwrap();
    let signature = token.access_token.expose().rsplit('.').next().unwrap();
    let printed = format!("{token:?} {:?}", setup.issuer);
    assert!(
        !printed.contains(signature) && !printed.contains("eyJ"),
        "{printed}"
    );
}

#[tokio::test]
async fn requests_for_one_caller_at_the_same_moment_are_not_all_signed() {
    let setup = setup(Reuse::WhileHalfLeft);
    let caller = principal("clerk|user_1");
    let cores = setup.issuer.signers.available_permits();
    let requests = (0..cores * 8).map(|_| setup.issuer.issue(&caller, CutoffMark::default()));
    let tokens: HashSet<_> = futures_util::future::join_all(requests)
        .await
        .into_iter()
        .map(|token| token.unwrap().access_token.expose().to_owned())
        .collect();
    assert!(
        tokens.len() <= cores,
        "{} tokens on {cores} cores",
        tokens.len()
    );
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_its_signer_to_the_next() {
    let setup = setup(Reuse::Never);
    let caller = principal("clerk|user_1");
    let cores = setup.issuer.signers.available_permits();
    for _ in 0..cores * 4 {
        let request = setup.issuer.issue(&caller, CutoffMark::default());
        let _ = timeout(Duration::ZERO, request).await;
    }
    setup
        .issuer
        .issue(&caller, CutoffMark::default())
        .await
        .unwrap();
}
