use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::{
    clock::ManualClock,
    identity::{ClientId, Organization, Role, Scopes},
    token::{
        Algorithm, IssuerOptions, Judgement, MintOptions, Reuse, RevokedToken, TokenIssuer,
        inspect, jws,
    },
};

const NOW: i64 = 1_800_000_000;
const BASE: &str = "https://ileap.example.com";

struct Setup {
    clock: Arc<ManualClock>,
    keys: Arc<SigningKeys>,
    validator: TokenValidator,
}

impl Setup {
    fn new(algorithm: Algorithm) -> Self {
        let start = Timestamp::from_second(NOW).unwrap();
        let clock = Arc::new(ManualClock::starting_at(start));
        let keys = Arc::new(SigningKeys::ephemeral(algorithm).unwrap());
        let options = ValidatorOptions {
            issuer: BASE.to_owned(),
            audience: BASE.to_owned(),
            typ: "at+jwt".to_owned(),
            leeway: DEFAULT_LEEWAY,
        };
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let validator = TokenValidator::new(options, Arc::clone(&keys), shared);
        Self {
            clock,
            keys,
            validator,
        }
    }

    fn mint(&self, issued_at: i64, lifetime: Duration) -> String {
        let options = IssuerOptions {
            issuer: BASE.to_owned(),
            audience: BASE.to_owned(),
            lifetime,
            typ: "at+jwt".to_owned(),
            reuse: Reuse::Never,
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let issuer = TokenIssuer::new(options, Arc::clone(&self.keys), clock);
        let issued_at = Timestamp::from_second(issued_at).unwrap();
        let token = issuer
            .mint(
                &principal(),
                MintOptions {
                    issued_at,
                    lifetime,
                },
            )
            .unwrap();
        token.access_token.expose().to_owned()
    }

    fn validate(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        self.validator.validate(UnverifiedToken::new(token))
    }

    fn signed(&self, header: &Value, payload: &[u8]) -> String {
        let input = jws::signing_input(&jws::encode_header(header), payload);
        jws::sign(input, self.keys.now().signer().unwrap()).unwrap()
    }
}

fn principal() -> Principal {
    Principal {
        subject: "clerk|user_1".to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: Some(Organization {
            id: "org_1".to_owned(),
            slug: Some("acme".to_owned()),
        }),
        roles: BTreeSet::from([Role::User, Role::Organizer]),
        scopes: Scopes::granted(Some("footprint:read")),
    }
}

fn invalid(reason: InvalidReason) -> Result<Arc<Principal>, TokenError> {
    Err(TokenError::Invalid(reason))
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn what_was_issued_comes_back_the_first_time_and_from_memory() {
    for algorithm in Algorithm::ALL {
        let setup = Setup::new(algorithm);
        let token = setup.mint(NOW, HOUR);
        for _ in 0..3 {
            assert_eq!(*setup.validate(&token).unwrap(), principal());
        }
    }
}

#[test]
fn a_token_ends_on_the_second_it_expires_remembered_or_not() {
    let setup = Setup::new(Algorithm::EdDsa);
    let remembered = setup.mint(NOW, HOUR);
    setup.validate(&remembered).unwrap();
    setup.clock.advance(Duration::from_millis(3_599_999));
    setup.validate(&remembered).unwrap();
    setup.clock.advance(Duration::from_millis(1));
    let fresh = setup.mint(NOW, HOUR);
    for token in [&remembered, &fresh] {
        assert_eq!(setup.validate(token), Err(TokenError::Expired));
    }
}

#[test]
fn a_token_from_the_future_is_good_within_the_leeway_only_remembered_or_not() {
    let setup = Setup::new(Algorithm::EdDsa);
    setup.validate(&setup.mint(NOW + 30, HOUR)).unwrap();
    let early = setup.mint(NOW + 31, HOUR);
    assert_eq!(setup.validate(&early), invalid(InvalidReason::NotYetValid));
    let remembered = setup.mint(NOW, HOUR);
    setup.validate(&remembered).unwrap();
    setup.clock.step_wall(-31_000);
    assert_eq!(
        setup.validate(&remembered),
        invalid(InvalidReason::NotYetValid)
    );
}

#[test]
fn an_expired_token_with_a_bad_signature_is_invalid() {
    let setup = Setup::new(Algorithm::EdDsa);
    let expired = setup.mint(NOW - 7200, HOUR);
    assert_eq!(setup.validate(&expired), Err(TokenError::Expired));
    assert_eq!(
        setup.validate(&forged(&expired)),
        invalid(InvalidReason::Signature)
    );
}

#[test]
fn every_changed_bit_of_every_part_is_noticed_also_after_the_true_token_was_seen() {
    for algorithm in Algorithm::ALL {
        let setup = Setup::new(algorithm);
        let token = setup.mint(NOW, HOUR);
        setup.validate(&token).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        for (changed, part) in parts.iter().enumerate() {
            let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut tampered = bytes.clone();
                tampered[bit / 8] ^= 1 << (bit % 8);
                let mut texts: Vec<_> = parts.iter().map(|&part| part.to_owned()).collect();
                texts[changed] = URL_SAFE_NO_PAD.encode(&tampered);
                let verdict = setup.validate(&texts.join("."));
                assert!(
                    matches!(verdict, Err(TokenError::Invalid(_))),
                    "{algorithm} part {changed} bit {bit}: {verdict:?}"
                );
            }
        }
    }
}

#[test]
fn every_changed_character_and_every_cut_is_noticed() {
    let setup = Setup::new(Algorithm::Es256);
    let token = setup.mint(NOW, HOUR);
    setup.validate(&token).unwrap();
    for position in 0..token.len() {
        assert!(
            setup.validate(&token[..position]).is_err(),
            "cut at {position}"
        );
        for replacement in ["A", "_", "=", " ", "\n", ".", "+", ""] {
            if &token[position..=position] == replacement {
                continue;
            }
            let changed = format!(
                "{}{replacement}{}",
                &token[..position],
                &token[position + 1..]
            );
            assert!(
                setup.validate(&changed).is_err(),
                "{replacement:?} at {position}"
            );
        }
    }
}

#[test]
fn a_refused_token_is_not_remembered() {
    let setup = Setup::new(Algorithm::EdDsa);
    let early = setup.mint(NOW + 60, HOUR);
    let forged = forged(&early);
    for token in [&early, &forged] {
        assert!(setup.validate(token).is_err());
    }
    assert_eq!(setup.validator.verified.len(), 0);
    setup.clock.advance(Duration::from_mins(1));
    setup.validate(&early).unwrap();
    assert!(setup.validate(&forged).is_err());
    assert_eq!(setup.validator.verified.len(), 1);
}

#[test]
fn a_revoked_token_is_refused_remembered_or_not_and_no_other() {
    let setup = Setup::new(Algorithm::EdDsa);
    let [remembered, unseen, other] = [(); 3].map(|()| setup.mint(NOW, HOUR));
    setup.validate(&remembered).unwrap();
    for token in [&remembered, &unseen] {
        let claims: Value = serde_json::from_slice(&jws_payload(token)).unwrap();
        let revoked = RevokedToken {
            id: claims["jti"].as_str().unwrap().to_owned(),
            subject: principal().subject,
            not_before: Timestamp::from_second(NOW).unwrap(),
            expires_at: Timestamp::from_second(NOW + 3600).unwrap(),
        };
        setup.validator.cutoffs.revoke(&revoked, setup.clock.now());
        assert_eq!(setup.validate(token), invalid(InvalidReason::Revoked));
    }
    setup.validate(&other).unwrap();
    setup.clock.advance(HOUR);
    assert_eq!(setup.validate(&unseen), Err(TokenError::Expired));
}

#[test]
fn a_cut_off_refuses_tokens_of_its_second_and_before_remembered_or_not_and_no_later_one() {
    let setup = Setup::new(Algorithm::EdDsa);
    let [remembered, unseen] = [(); 2].map(|()| setup.mint(NOW, HOUR));
    let later = setup.mint(NOW + 1, HOUR);
    setup.validate(&remembered).unwrap();
    let at = Timestamp::from_second(NOW).unwrap();
    setup.validator.cutoffs.cut_off(&principal().subject, at);
    for token in [&remembered, &unseen] {
        assert_eq!(setup.validate(token), invalid(InvalidReason::Revoked));
    }
    setup.validate(&later).unwrap();
}

#[test]
fn memory_is_bounded() {
    let setup = Setup::new(Algorithm::EdDsa);
    let template = VerifiedToken {
        headers: OnceLock::new(),
        key: setup.keys.now().signer().cloned().unwrap(),
        principal: Arc::new(principal()),
        id: "1".into(),
        issued_at: 0,
        not_before: 0,
        expires_at: i64::MAX,
    };
    for number in 0..100_000_u32 {
        let key = fingerprint(&number.to_string());
        setup
            .validator
            .verified
            .insert(key, Arc::new(template.clone()));
    }
    assert!(setup.validator.verified.len() <= CACHE_ENTRIES);
}

#[test]
fn the_type_is_a_media_type() {
    let setup = Setup::new(Algorithm::EdDsa);
    let claims = jws_payload(&setup.mint(NOW, HOUR));
    let kid = setup.keys.now().signing_kid().unwrap().to_owned();
    for (typ, good) in [
        ("at+jwt", true),
        ("AT+JWT", true),
        ("application/at+jwt", true),
        ("Application/At+Jwt", true),
        ("application/application/at+jwt", false),
        ("JWT", false),
        ("logout+jwt", false),
        ("", false),
    ] {
        let token = setup.signed(&json!({"alg": "EdDSA", "kid": kid, "typ": typ}), &claims);
        assert_eq!(setup.validate(&token).is_ok(), good, "{typ}");
    }
}

#[test]
fn the_expected_type_may_be_written_in_full_too() {
    assert!(same_type("at+jwt", "application/at+jwt"));
    assert!(same_type("application/at+jwt", "application/at+jwt"));
    assert!(same_type("JWT", "JWT"));
    assert!(!same_type("at+jwt", "JWT"));
    for other in ["text/at+jwt", "unsignedapp/at+jwt"] {
        assert!(!same_type(other, "at+jwt"), "{other}");
    }
}

#[test]
fn reasons_are_precise() {
    let setup = Setup::new(Algorithm::EdDsa);
    let claims = jws_payload(&setup.mint(NOW, HOUR));
    let kid = setup.keys.now().signing_kid().unwrap().to_owned();
    let with = |name: &str, value: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"});
        header[name] = value;
        setup.validate(&setup.signed(&header, &claims))
    };
    assert_eq!(
        with("alg", json!("none")),
        invalid(InvalidReason::Algorithm)
    );
    assert_eq!(
        with("kid", json!("k".repeat(129))),
        invalid(InvalidReason::UnknownKey)
    );
    assert_eq!(
        with("kid", json!("../../etc/passwd")),
        invalid(InvalidReason::UnknownKey)
    );
    assert_eq!(with("crit", json!([])), invalid(InvalidReason::Header));
    assert_eq!(with("typ", json!("JWT")), invalid(InvalidReason::Type));
    assert!(with("cty", json!("anything")).is_ok());
}

#[test]
fn an_inspection_shows_what_is_there_and_what_was_judged() {
    let setup = Setup::new(Algorithm::EdDsa);
    let cases = [
        (setup.mint(NOW, HOUR), Judgement::Valid),
        (setup.mint(NOW - 7200, HOUR), Judgement::Expired),
        (
            setup.mint(NOW + 7200, HOUR),
            Judgement::Invalid(InvalidReason::NotYetValid),
        ),
    ];
    for (token, judgement) in &cases {
        let inspection = inspect(UnverifiedToken::new(token), Some(&setup.validator));
        assert_eq!(inspection.judgement, *judgement);
        assert_eq!(inspection.header.unwrap()["alg"], "EdDSA");
        assert_eq!(inspection.claims.unwrap()["sub"], "clerk|user_1");
    }
    let nonsense = inspect(UnverifiedToken::new("nonsense"), Some(&setup.validator));
    assert_eq!(
        serde_json::to_value(nonsense).unwrap(),
        json!({"header": null, "claims": null, "judgement": "invalid", "reason": "malformed"})
    );
    let unjudged = serde_json::to_value(inspect(UnverifiedToken::new(&cases[0].0), None)).unwrap();
    assert_eq!(unjudged["judgement"], "unjudged");
}

fn jws_payload(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap()
}

/// The token with one bit of its signature changed.
fn forged(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes))
}
