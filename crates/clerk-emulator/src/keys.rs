//! The instance's RSA key, and the tokens signed with it.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The class of token that the header parameter `cat` names.
#[derive(Clone, Copy)]
pub(crate) enum TokenClass {
    Session,
    Template,
}

impl TokenClass {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "cl_B7d4PD111AAA",
            Self::Template => "cl_B7d4PD222AAA",
        }
    }
}

/// An RSA-2048 key that lives as long as the emulator or until it is rotated.
#[derive(Clone)]
pub(crate) struct SigningKey(Arc<RsaKeyPair>);

impl SigningKey {
    /// The key that every emulator of this process begins with: making one takes longer than most tests.
    pub(crate) fn of_this_process() -> Result<Self, Unspecified> {
        static FIRST: OnceLock<SigningKey> = OnceLock::new();
        if let Some(first) = FIRST.get() {
            return Ok(first.clone());
        }
        let made = Self::generate()?;
        Ok(FIRST.get_or_init(|| made).clone())
    }

    pub(crate) fn generate() -> Result<Self, Unspecified> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
        Ok(Self(Arc::new(pair)))
    }

    /// A JWS in compact form (RFC 7515 §3.1) with RS256.
    pub(crate) fn sign(
        &self,
        kid: &str,
        class: TokenClass,
        claims: &Value,
    ) -> Result<String, Unspecified> {
        let header = json!({"alg": "RS256", "cat": class.as_str(), "kid": kid, "typ": "JWT"});
        let input = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            input.as_bytes(),
            &mut signature,
        )?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The key set (RFC 7517 §5). The key's id is that of the instance, so it survives a rotation.
    pub(crate) fn key_set(&self, kid: &str) -> Value {
        let public = self.0.public_key();
        json!({"keys": [{
            "use": "sig",
            "kty": "RSA",
            "kid": kid,
            "alg": "RS256",
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        }]})
    }
}

/// The token that names a client: a JWT over its id and a word that changes with every rotation. Clients
/// treat it as opaque.
pub(crate) fn client_token(key: &aws_lc_rs::hmac::Key, id: &str, rotating: &str) -> String {
    let input = format!(
        "{}.{}",
        encode(&json!({"alg": "HS256", "typ": "JWT"})),
        encode(&json!({"id": id, "rotating_token": rotating}))
    );
    let tag = aws_lc_rs::hmac::sign(key, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
