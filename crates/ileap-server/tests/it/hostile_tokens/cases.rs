//! The tokens and what each deserves. All times are fixed: what is good is good until the year 2100.

use ileap_server::token::{Algorithm, InvalidReason as Why};
use serde_json::{Value, json};

use super::forge::Forge;

mod contents;
mod headers;
mod wire;

pub(crate) const ISSUER: &str = "https://ileap.example.com";
pub(crate) const AUDIENCE: &str = "https://ileap.example.com";
pub(crate) const TYP: &str = "at+jwt";

const PAST: i64 = 1_700_000_000;
const LONG_PAST: i64 = 1_600_000_000;
const FUTURE: i64 = 4_000_000_000;
const FAR_FUTURE: i64 = 4_102_444_800;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) expected: Verdict,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Valid,
    Expired,
    Invalid(Why),
}

impl Verdict {
    pub(crate) fn without_reason(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Invalid(_) => "invalid",
        }
    }
}

impl Case {
    pub(crate) fn to_json(&self) -> Value {
        let reason = match self.expected {
            Verdict::Invalid(reason) => Some(reason.as_str()),
            Verdict::Valid | Verdict::Expired => None,
        };
        let expected = self.expected.without_reason();
        json!({"name": self.name, "token": self.token, "expected": expected, "reason": reason})
    }
}

/// The claims of a good token.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "clerk|user_1", "aud": AUDIENCE, "client_id": "ops@acme.example",
        "org_id": "org_1", "org_slug": "acme", "roles": ["user"], "scope": "footprint:read",
        "iat": PAST, "nbf": PAST, "exp": FAR_FUTURE, "jti": "0f9d3c1c5a",
    })
}

/// Every case.
pub(crate) fn all(forge: &Forge) -> Vec<Case> {
    let mut list = List {
        forge,
        cases: Vec::new(),
    };
    list.good();
    list.algorithms();
    list.keys();
    list.headers();
    list.claims();
    list.dates();
    list.payloads();
    list.signatures();
    list.encodings();
    list.sizes();
    list.cases
}

struct List<'a> {
    forge: &'a Forge,
    cases: Vec<Case>,
}

impl List<'_> {
    fn good(&mut self) {
        for algorithm in Algorithm::ALL {
            let header = self.header(algorithm);
            let good = self.sign(algorithm, &header, &claims());
            self.add(format!("good {algorithm}"), good, Verdict::Valid);
            let expired = with(claims(), "exp", json!(PAST + 1));
            let expired = self.sign(algorithm, &header, &expired);
            self.add(
                format!("expired {algorithm}"),
                expired.clone(),
                Verdict::Expired,
            );
            let forged = damaged_signature(&expired);
            self.invalid(
                format!("expired {algorithm}, bad signature"),
                forged,
                Why::Signature,
            );
        }
        for (name, claims) in [
            (
                "audience in a list",
                with(claims(), "aud", json!(["https://other.example", AUDIENCE])),
            ),
            ("no nbf", without(claims(), "nbf")),
            (
                "no organization",
                without(without(claims(), "org_id"), "org_slug"),
            ),
            (
                "a claim nobody knows",
                with(
                    claims(),
                    "https://acme.example/x",
                    json!({"a": [1.5, null]}),
                ),
            ),
        ] {
            let token = self.payload(&claims.to_string());
            self.add(format!("good: {name}"), token, Verdict::Valid);
        }
        let spaced = self.payload(&format!(" {:#}\n", claims()));
        self.add(
            "good: spaces between the claims".to_owned(),
            spaced,
            Verdict::Valid,
        );
    }

    fn header(&self, algorithm: Algorithm) -> Value {
        json!({"alg": algorithm.as_str(), "kid": self.forge.kid(algorithm), "typ": TYP})
    }

    fn good_with(&self, name: &str, value: Value) -> String {
        let header = with(self.header(Algorithm::Rs256), name, value);
        self.sign(Algorithm::Rs256, &header, &claims())
    }

    fn payload(&self, payload: &str) -> String {
        let header = self.header(Algorithm::Rs256).to_string();
        self.forge
            .sign(Algorithm::Rs256, header.as_bytes(), payload.as_bytes())
    }

    fn sign(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let (header, claims) = (header.to_string(), claims.to_string());
        self.forge
            .sign(algorithm, header.as_bytes(), claims.as_bytes())
    }

    fn invalid(&mut self, name: String, token: String, why: Why) {
        self.add(name, token, Verdict::Invalid(why));
    }

    fn add(&mut self, name: String, token: String, expected: Verdict) {
        self.cases.push(Case {
            name,
            token,
            expected,
        });
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

/// Good claims with one of them written as `text`, whatever that is.
fn spliced(name: &str, text: &str) -> String {
    let rest = without(claims(), name).to_string();
    format!(r#"{{"{name}":{text},{}"#, &rest[1..])
}

fn damaged_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{first}{}", &signature[1..])
}
