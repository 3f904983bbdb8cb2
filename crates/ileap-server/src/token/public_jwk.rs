//! Public keys as others see them (RFC 7517).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Algorithm;

/// The members of a public key, base64url where RFC 7518 §6 and RFC 8037 §2 say so. There is no place
/// in it for a private one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicJwk {
    Rsa { modulus: String, exponent: String },
    P256 { x: String, y: String },
    Ed25519 { x: String },
}

impl PublicJwk {
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::Rsa {
            modulus: URL_SAFE_NO_PAD.encode(modulus),
            exponent: URL_SAFE_NO_PAD.encode(exponent),
        }
    }

    /// From an uncompressed point (SEC 1 §2.3.3); `None` for any other form.
    pub(super) fn p256(point: &[u8]) -> Option<Self> {
        let coordinates = point.strip_prefix(&[4])?;
        let (x, y) = coordinates.split_at_checked(32)?;
        (y.len() == 32).then(|| Self::P256 {
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    pub(super) fn ed25519(public_key: &[u8]) -> Self {
        Self::Ed25519 {
            x: URL_SAFE_NO_PAD.encode(public_key),
        }
    }

    /// The key's name: its SHA-256 thumbprint (RFC 7638), the same on every machine that has the key.
    pub(super) fn thumbprint(&self) -> String {
        // RFC 7638 §3.2 and RFC 8037 §2: the required members only, in lexicographic order, no spaces.
        let canonical = match self {
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#)
            }
            Self::P256 { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    /// The entry in the key set.
    pub(super) fn to_json(&self, kid: &str, algorithm: Algorithm) -> Value {
        let alg = algorithm.as_str();
        match self {
            Self::Rsa { modulus, exponent } => json!({
                "kty": "RSA", "use": "sig", "alg": alg, "kid": kid, "n": modulus, "e": exponent,
            }),
            Self::P256 { x, y } => json!({
                "kty": "EC", "use": "sig", "alg": alg, "kid": kid, "crv": "P-256", "x": x, "y": y,
            }),
            Self::Ed25519 { x } => json!({
                "kty": "OKP", "use": "sig", "alg": alg, "kid": kid, "crv": "Ed25519", "x": x,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_7638_section_3_1_comes_out() {
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPF\
            FxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4Qy\
            Q5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLy\
            rdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK\
            gw";
        let key = PublicJwk::Rsa {
            modulus: modulus.to_owned(),
            exponent: "AQAB".to_owned(),
        };
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn the_thumbprint_of_rfc_8037_appendix_a_3_comes_out() {
        let public_key = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64,
            0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
            0xf7, 0x07, 0x51, 0x1a,
        ];
        assert_eq!(
            PublicJwk::ed25519(&public_key).thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn only_an_uncompressed_point_of_the_right_length_is_a_p256_key() {
        let mut point = [7; 65];
        assert_eq!(PublicJwk::p256(&point), None);
        point[0] = 4;
        assert!(PublicJwk::p256(&point).is_some());
        assert_eq!(PublicJwk::p256(&point[..64]), None);
        assert_eq!(PublicJwk::p256(&[]), None);
    }
}
