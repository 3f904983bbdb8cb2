//! One key pair and what it can do.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Algorithm, public_jwk::PublicJwk};

/// A key pair, parsed, named and proved to work.
pub(super) struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    private: PrivateKey,
    public: ParsedPublicKey,
    jwk: PublicJwk,
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why bytes are no key for us.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum UnusableKey {
    #[error("it is not a PKCS#8 private key, or not a whole one")]
    Broken,
    #[error("its private and public halves do not belong together")]
    Inconsistent,
    #[error("it is neither RSA nor P-256 nor Ed25519")]
    Unsupported,
    #[error("it is an RSA key of less than 2048 bits")]
    Weak,
}

impl SigningKey {
    /// A new private key in PKCS#8 (RFC 5208), DER.
    pub(super) fn generate_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let random = SystemRandom::new();
        let der = match algorithm {
            Algorithm::Rs256 => {
                let document: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa2048)?.as_der()?;
                document.as_ref().to_vec()
            }
            Algorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?
                    .as_ref()
                    .to_vec()
            }
            // Version 1, which OpenSSL's tools read too.
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random)?.as_ref().to_vec(),
        };
        Ok(Zeroizing::new(der))
    }

    /// Reads a private key, finds its kind, and signs and verifies once with it.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, UnusableKey> {
        let private = PrivateKey::from_pkcs8(der)?;
        let (algorithm, public, jwk) = match &private {
            PrivateKey::Rsa(pair) => {
                let key = pair.public_key();
                let jwk = PublicJwk::rsa(
                    key.modulus().big_endian_without_leading_zero(),
                    key.exponent().big_endian_without_leading_zero(),
                );
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_ref());
                (Algorithm::Rs256, public, jwk)
            }
            PrivateKey::P256(pair) => {
                let point = pair.public_key().as_ref();
                let jwk = PublicJwk::p256(point).ok_or(UnusableKey::Unsupported)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                (Algorithm::Es256, public, jwk)
            }
            PrivateKey::Ed25519(pair) => {
                let bytes = pair.public_key().as_ref();
                let public = ParsedPublicKey::new(&ED25519, bytes);
                (Algorithm::EdDsa, public, PublicJwk::ed25519(bytes))
            }
        };
        let key = Self {
            kid: jwk.thumbprint(),
            algorithm,
            private,
            public: public.map_err(|_| UnusableKey::Inconsistent)?,
            jwk,
        };
        key.self_test()?;
        Ok(key)
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half, as published.
    pub(super) fn public_json(&self) -> Value {
        self.jwk.to_json(&self.kid, self.algorithm)
    }

    /// The signature in the form JWS wants (RFC 7518 §3.3, §3.4; RFC 8037 §3.1).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.private {
            PrivateKey::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            PrivateKey::P256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            PrivateKey::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// Whether `signature` is this key's on `message`.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    fn self_test(&self) -> Result<(), UnusableKey> {
        let message = b"sign and verify once before use";
        let signature = self.sign(message).map_err(|_| UnusableKey::Inconsistent)?;
        if self.has_signed(message, &signature) {
            Ok(())
        } else {
            Err(UnusableKey::Inconsistent)
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl PrivateKey {
    fn from_pkcs8(der: &[u8]) -> Result<Self, UnusableKey> {
        let rejected = match RsaKeyPair::from_pkcs8(der) {
            Ok(pair) => return Ok(Self::Rsa(pair)),
            Err(rejected) => UnusableKey::from(&rejected),
        };
        if rejected != UnusableKey::Unsupported {
            return Err(rejected);
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(Self::P256)
            .or_else(|_| Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519))
            .map_err(|_| UnusableKey::Unsupported)
    }
}

impl From<&KeyRejected> for UnusableKey {
    // The library gives its reasons as words only.
    fn from(rejected: &KeyRejected) -> Self {
        match rejected.to_string().as_str() {
            "TooSmall" => Self::Weak,
            "WrongAlgorithm" => Self::Unsupported,
            "InconsistentComponents" => Self::Inconsistent,
            _ => Self::Broken,
        }
    }
}
