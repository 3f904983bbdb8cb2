//! Tokens that must open nothing, made from one that opens something.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use secrecy::SecretString;
use serde_json::{Value, json};

/// The parts of a JWT.
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    signed: String,
    signature: String,
}

impl Jwt {
    /// `None` for a token that is no JWT.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header: decoded(header)?,
            claims: decoded(claims)?,
            signed: signed.to_owned(),
            signature: signature.to_owned(),
        })
    }

    /// With another signature of the same length.
    pub(crate) fn with_broken_signature(&self) -> SecretString {
        let turned: String = self.signature.chars().rev().collect();
        let signature = if turned == self.signature {
            "A".repeat(turned.len().max(8))
        } else {
            turned
        };
        SecretString::from(format!("{}.{signature}", self.signed))
    }

    /// With a claim more, under the old signature.
    pub(crate) fn with_altered_claims(&self) -> SecretString {
        let mut claims = self.claims.clone();
        if let Some(members) = claims.as_object_mut() {
            members.insert("sub".to_owned(), json!("somebody-else"));
            members.insert("roles".to_owned(), json!(["all"]));
        }
        let signed = format!("{}.{}", encoded(&self.header), encoded(&claims));
        SecretString::from(format!("{signed}.{}", self.signature))
    }

    /// Unsigned (RFC 8725 §3.1).
    pub(crate) fn unsigned(&self) -> SecretString {
        SecretString::from(format!("{}.", self.signed_as("none")))
    }

    /// Signed with a public key as if that were a secret (RFC 8725 §2.1).
    pub(crate) fn signed_with_public_key(&self, key: &[u8]) -> SecretString {
        let signed = self.signed_as("HS256");
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signature = BASE64URL.encode(hmac::sign(&key, signed.as_bytes()));
        SecretString::from(format!("{signed}.{signature}"))
    }

    fn signed_as(&self, algorithm: &str) -> String {
        let mut header = self.header.clone();
        if let Some(members) = header.as_object_mut() {
            members.insert("alg".to_owned(), json!(algorithm));
        }
        format!("{}.{}", encoded(&header), encoded(&self.claims))
    }
}

/// The forms in which an RSA key of a JWK Set could be taken for a secret: PEM, and its modulus.
pub(crate) fn public_key_forms(jwk: &Value) -> Vec<Vec<u8>> {
    let number = |name: &str| BASE64URL.decode(jwk[name].as_str()?).ok();
    let (Some(modulus), Some(exponent)) = (number("n"), number("e")) else {
        return Vec::new();
    };
    let key = der(
        0x30,
        &[der_integer(&modulus), der_integer(&exponent)].concat(),
    );
    // rsaEncryption (RFC 8017 §A.1) with a NULL parameter, in a SubjectPublicKeyInfo (RFC 5280 §4.1).
    let algorithm = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = der(0x03, &[&[0][..], &key].concat());
    let info = der(0x30, &[&algorithm[..], &bits].concat());
    let text = BASE64_STANDARD.encode(info);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    );
    vec![
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        modulus,
    ]
}

fn der_integer(number: &[u8]) -> Vec<u8> {
    // A leading bit would make it negative.
    let is_high = number.first().is_some_and(|byte| byte & 0x80 != 0);
    let padded = if is_high {
        [&[0][..], number].concat()
    } else {
        number.to_vec()
    };
    der(0x02, &padded)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(length.last().copied().unwrap_or(0));
    } else {
        out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
        out.extend(length);
    }
    out.extend(content);
    out
}

fn decoded(part: &str) -> Option<Value> {
    let value: Value = serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()?;
    value.is_object().then_some(value)
}

fn encoded(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}
