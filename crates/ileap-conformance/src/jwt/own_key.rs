//! A key of ours, in the forms in which a token may bring it along or point to it.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Jwt, der, der_integer, encoded, pem, public_key_info};

/// A key pair that no host knows.
pub(crate) struct OwnKey {
    pair: EcdsaKeyPair,
    jwk: Value,
    /// Signed by itself.
    certificate: Vec<u8>,
}

impl OwnKey {
    /// `None` where no key can be made.
    pub(crate) fn generate() -> Option<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        // An uncompressed point: 4, x, y.
        let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "ours",
            "x": BASE64URL.encode(x), "y": BASE64URL.encode(y),
        });
        let certificate = certificate(&pair, &jwk)?;
        Some(Self {
            pair,
            jwk,
            certificate,
        })
    }

    /// For the header `jwk` (RFC 7515 §4.1.3).
    pub(crate) fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// What `jku` points to (RFC 7515 §4.1.2).
    pub(crate) fn set(&self) -> Value {
        json!({"keys": [self.jwk]})
    }

    /// For the header `x5c` (RFC 7515 §4.1.6).
    pub(crate) fn chain(&self) -> Value {
        json!([BASE64_STANDARD.encode(&self.certificate)])
    }

    /// What `x5u` points to (RFC 7515 §4.1.5).
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The claims of `jwt` under this key, which the header `name` tells of.
    pub(crate) fn sign(&self, jwt: &Jwt, name: &str, value: &Value) -> Option<SecretString> {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "ours", name: value});
        let signed = format!("{}.{}", encoded(&header), encoded(&jwt.claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = BASE64URL.encode(signature.ok()?);
        Some(SecretString::from(format!("{signed}.{signature}")))
    }
}

/// RFC 5280 §4.1, with what must be there.
fn certificate(pair: &EcdsaKeyPair, jwk: &Value) -> Option<Vec<u8>> {
    // ecdsa-with-SHA256 (RFC 5758 §3.2), version 3, serial number 1, commonName.
    const ALGORITHM: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    const VERSION: &[u8] = b"\xa0\x03\x02\x01\x02";
    const SERIAL: &[u8] = b"\x02\x01\x01";
    const COMMON_NAME: &[u8] = b"\x06\x03\x55\x04\x03";
    let name = [COMMON_NAME, &der(0x0c, b"ileap conformance")].concat();
    let name = der(0x30, &der(0x31, &der(0x30, &name)));
    let validity = [der(0x17, b"240101000000Z"), der(0x17, b"491231235959Z")].concat();
    let (key, _) = public_key_info(jwk)?;
    let parts = [
        VERSION,
        SERIAL,
        ALGORITHM,
        &name,
        &der(0x30, &validity),
        &name,
        &key,
    ];
    let body = der(0x30, &parts.concat());
    let signature = pair.sign(&SystemRandom::new(), &body).ok()?;
    let (r, s) = signature.as_ref().split_at_checked(32)?;
    let signature = der(0x30, &[der_integer(r), der_integer(s)].concat());
    let signature = der(0x03, &[&[0], &signature[..]].concat());
    Some(der(0x30, &[&body[..], ALGORITHM, &signature].concat()))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey,
    };
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_token_of_our_own_names_its_key_and_keeps_the_claims() {
        let token = format!(
            "{}.{}.x",
            encoded(&json!({"alg": "RS256"})),
            encoded(&json!({"sub": "a"}))
        );
        let jwt = Jwt::parse(&token).unwrap();
        let key = OwnKey::generate().unwrap();
        let token = key.sign(&jwt, "jwk", &key.jwk()).unwrap();
        let token = token.expose_secret();
        let own = Jwt::parse(token).unwrap();
        assert_eq!(own.claims, json!({"sub": "a"}));
        assert_eq!(own.header["jwk"], key.jwk());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.pair.public_key());
        let signature = BASE64URL.decode(signature).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn the_certificate_is_one_and_signed_by_its_own_key() {
        // Numbers differ in length from key to key.
        for _ in 0..200 {
            let key = OwnKey::generate().unwrap();
            let mut roots = rustls::RootCertStore::empty();
            let certificate = key.certificate.clone();
            roots.add(certificate.into()).unwrap();
            // A head of four bytes, then the body with one of its own.
            let body = &key.certificate[4..];
            let length = 4 + usize::from(u16::from_be_bytes([body[2], body[3]]));
            let (body, rest) = match body[1] {
                0x81 => body.split_at(3 + usize::from(body[2])),
                _ => body.split_at(length),
            };
            // The algorithm, then a bit string with no bits unused.
            let signature = &rest[12 + 3..];
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.pair.public_key());
            public.verify(body, signature).unwrap();
        }
    }
}
