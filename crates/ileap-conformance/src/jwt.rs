//! Tokens that must open nothing, made from one that opens something.

mod own_key;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use secrecy::SecretString;
use serde_json::{Value, json};

pub(crate) use self::own_key::OwnKey;

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

    /// With another signature, of the same length where there is one. It can be read: a host that refuses it for its
    /// writing alone would pass without checking any.
    pub(crate) fn with_broken_signature(&self) -> SecretString {
        let mut bytes = BASE64URL.decode(&self.signature).unwrap_or_default();
        let signature = bytes.clone();
        bytes.reverse();
        if bytes == signature {
            bytes = signature.iter().map(|byte| !byte).collect();
        }
        if bytes.is_empty() {
            bytes = vec![0; 64];
        }
        SecretString::from(format!("{}.{}", self.signed, BASE64URL.encode(bytes)))
    }

    /// With other claims, under the old signature.
    pub(crate) fn with_altered_claims(&self) -> SecretString {
        let mut claims = self.claims.clone();
        if let Some(members) = claims.as_object_mut() {
            let subject = members.get("sub").and_then(Value::as_str);
            let other = format!("not-{}", subject.unwrap_or("anybody"));
            members.insert("sub".to_owned(), json!(other));
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

    /// With the padding that JWTs do without (RFC 7515 §2).
    pub(crate) fn padded(&self) -> SecretString {
        let padding = "=".repeat(4 - self.signature.len() % 4);
        SecretString::from(format!("{}.{}{padding}", self.signed, self.signature))
    }

    fn signed_as(&self, algorithm: &str) -> String {
        let mut header = self.header.clone();
        if let Some(members) = header.as_object_mut() {
            members.insert("alg".to_owned(), json!(algorithm));
        }
        format!("{}.{}", encoded(&header), encoded(&self.claims))
    }
}

/// The forms in which a key of a JWK Set could be taken for a secret: PEM, and its number as it is.
pub(crate) fn public_key_forms(jwk: &Value) -> Vec<Vec<u8>> {
    let Some((info, number)) = public_key_info(jwk) else {
        return Vec::new();
    };
    let pem = pem("PUBLIC KEY", &info);
    vec![pem.trim_end().as_bytes().to_vec(), pem.into_bytes(), number]
}

/// RFC 7468 §2.
fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// A key as `SubjectPublicKeyInfo` (RFC 5280 §4.1), and its number: modulus, or point.
fn public_key_info(jwk: &Value) -> Option<(Vec<u8>, Vec<u8>)> {
    // rsaEncryption with a NULL parameter (RFC 8017 §A.1), id-ecPublicKey and curves (RFC 5480 §2.1.1),
    // id-Ed25519 (RFC 8410 §3).
    const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
    let number = |name: &str| BASE64URL.decode(jwk[name].as_str()?).ok();
    let curve: &[u8] = match jwk["crv"].as_str().unwrap_or_default() {
        "P-256" => b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        "P-384" => b"\x06\x05\x2b\x81\x04\x00\x22",
        "P-521" => b"\x06\x05\x2b\x81\x04\x00\x23",
        _ => b"",
    };
    let (algorithm, key, number) = match jwk["kty"].as_str()? {
        "RSA" => {
            let (modulus, exponent) = (number("n")?, number("e")?);
            let numbers = [der_integer(&modulus), der_integer(&exponent)].concat();
            (RSA.to_vec(), der(0x30, &numbers), modulus)
        }
        "EC" => {
            let point = [vec![4], number("x")?, number("y")?].concat();
            ([EC, curve].concat(), point.clone(), point)
        }
        "OKP" => {
            let point = number("x")?;
            (ED25519.to_vec(), point.clone(), point)
        }
        _ => return None,
    };
    let bits = der(0x03, &[&[0][..], &key].concat());
    let info = der(0x30, &[der(0x30, &algorithm), bits].concat());
    Some((info, number))
}

/// A positive one, in no more bytes than it needs.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn info(jwk: &Value) -> String {
        BASE64_STANDARD.encode(public_key_info(jwk).unwrap().0)
    }

    #[test]
    fn a_broken_signature_is_another_and_can_be_read() {
        let signatures = [
            BASE64URL.encode([1, 2, 3]),
            BASE64URL.encode([0; 64]),
            BASE64URL.encode([7; 64]),
            // Some letters of it reversed are bits that nobody may set.
            BASE64URL.encode(b"0123456789".repeat(7)),
        ];
        for signature in signatures {
            let broken = broken(&signature);
            assert_ne!(broken, signature);
            assert_eq!(broken.len(), signature.len());
            assert!(BASE64URL.decode(broken).is_ok(), "{signature}");
        }
        for signature in ["", "A", "AA==", "\u{e9}"] {
            let broken = broken(signature);
            assert_ne!(broken, signature);
            assert!(BASE64URL.decode(broken).is_ok(), "{signature}");
        }
    }

    #[test]
    fn altered_claims_are_others() {
        for claims in ["{}", r#"{"roles":["all"],"sub":"somebody-else"}"#] {
            let claims: Value = serde_json::from_str(claims).unwrap();
            let token = format!("{}.{}.AAAA", encoded(&json!({})), encoded(&claims));
            let altered = Jwt::parse(&token).unwrap().with_altered_claims();
            let altered = Jwt::parse(altered.expose_secret()).unwrap();
            assert_ne!(altered.claims["sub"], claims["sub"]);
        }
    }

    fn broken(signature: &str) -> String {
        let signed = format!("{}.{}", encoded(&json!({})), encoded(&json!({})));
        let jwt = Jwt::parse(&format!("{signed}.{signature}")).unwrap();
        let broken = jwt.with_broken_signature();
        let broken = broken.expose_secret().strip_prefix(&signed).unwrap();
        broken.strip_prefix('.').unwrap().to_owned()
    }

    #[test]
    fn keys_of_all_kinds_are_written_as_openssl_writes_them() {
        let rsa = json!({"kty": "RSA", "n": "2Q", "e": "AQAB"});
        assert_eq!(info(&rsa), "MB0wDQYJKoZIhvcNAQEBBQADDAAwCQICANkCAwEAAQ==");
        // RFC 7517 §A.1
        let p256 = json!({
            "kty": "EC", "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        });
        assert_eq!(
            info(&p256),
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D7gS2XpJFbZiItSs3m9+9Ue6GnvHw/GW2ZZaVtszggXIw=="
        );
        // RFC 8037 §A.2
        let ed25519 = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        assert_eq!(
            info(&ed25519),
            "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        );
        assert!(public_key_info(&json!({"kty": "oct", "k": "AQAB"})).is_none());
    }
}
