//! A workshop with our private keys in it, where any header and any claims can be signed.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaEncoding, RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use ileap_server::token::{Algorithm, SigningKeys};
use serde_json::Value;

pub(crate) struct Forge {
    keys: Arc<SigningKeys>,
    jwks: Bytes,
    private: BTreeMap<Algorithm, PrivateKey>,
}

struct PrivateKey {
    kid: String,
    pkcs8: Vec<u8>,
}

impl Forge {
    pub(crate) fn new() -> Self {
        Self::signing_with(Algorithm::Rs256)
    }

    /// A key of every kind; `algorithm` is the one our own issuer uses.
    pub(crate) fn signing_with(algorithm: Algorithm) -> Self {
        let mut kinds = Algorithm::ALL;
        kinds.sort_by_key(|kind| *kind != algorithm);
        let pkcs8 = kinds.map(generate);
        let keys = SigningKeys::fixed(&pkcs8.each_ref().map(Vec::as_slice)).unwrap();
        let jwks = keys.now().jwks().clone();
        let set: Value = serde_json::from_slice(&jwks).unwrap();
        let kid = |place: usize| set["keys"][place]["kid"].as_str().unwrap().to_owned();
        let private = kinds.into_iter().zip(pkcs8).enumerate();
        let private = private.map(|(place, (kind, pkcs8))| {
            let kid = kid(place);
            (kind, PrivateKey { kid, pkcs8 })
        });
        Self {
            private: private.collect(),
            keys: Arc::new(keys),
            jwks,
        }
    }

    pub(crate) fn keys(&self) -> &Arc<SigningKeys> {
        &self.keys
    }

    pub(crate) fn jwks(&self) -> &[u8] {
        &self.jwks
    }

    pub(crate) fn kid(&self, algorithm: Algorithm) -> &str {
        &self.private[&algorithm].kid
    }

    pub(crate) fn pkcs8(&self, algorithm: Algorithm) -> &[u8] {
        &self.private[&algorithm].pkcs8
    }

    /// A token with this header and payload, byte for byte, and a true signature.
    pub(crate) fn sign(&self, algorithm: Algorithm, header: &[u8], payload: &[u8]) -> String {
        let input = signing_input(header, payload);
        let signature = self.signature(algorithm, &input);
        attach(&input, &signature)
    }

    pub(crate) fn signature(&self, algorithm: Algorithm, input: &str) -> Vec<u8> {
        match algorithm {
            Algorithm::Rs256 => self.rsa_signature(&RSA_PKCS1_SHA256, input),
            Algorithm::Es256 => self.ecdsa_signature(&ECDSA_P256_SHA256_FIXED_SIGNING, input),
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(self.pkcs8(algorithm)).unwrap();
                pair.sign(input.as_bytes()).as_ref().to_vec()
            }
        }
    }

    /// ASN.1 as TLS has it, where JOSE wants two numbers of fixed length (RFC 7518 §3.4).
    pub(crate) fn asn1_signature(&self, input: &str) -> Vec<u8> {
        self.ecdsa_signature(&ECDSA_P256_SHA256_ASN1_SIGNING, input)
    }

    /// PS256 (RFC 7518 §3.5) with our RSA key.
    pub(crate) fn pss_signature(&self, input: &str) -> Vec<u8> {
        self.rsa_signature(&RSA_PSS_SHA256, input)
    }

    /// What an attacker may use as HMAC key: every public form of our RSA key.
    pub(crate) fn public_rsa_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let public = self.rsa_pair().public_key().clone();
        let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
        let pem = |label: &str, der: &[u8]| {
            let body = STANDARD.encode(der);
            let lines: Vec<_> = body
                .as_bytes()
                .chunks(64)
                .map(String::from_utf8_lossy)
                .collect();
            let text = format!(
                "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
                lines.join("\n")
            );
            text.into_bytes()
        };
        vec![
            ("the public key as SPKI DER", spki.as_ref().to_vec()),
            (
                "the public key as SPKI PEM",
                pem("PUBLIC KEY", spki.as_ref()),
            ),
            ("the public key as PKCS#1 DER", public.as_ref().to_vec()),
            (
                "the public key as PKCS#1 PEM",
                pem("RSA PUBLIC KEY", public.as_ref()),
            ),
            ("the key set", self.jwks().to_vec()),
            ("nothing", Vec::new()),
        ]
    }

    fn rsa_pair(&self) -> RsaKeyPair {
        RsaKeyPair::from_pkcs8(self.pkcs8(Algorithm::Rs256)).unwrap()
    }

    fn rsa_signature(&self, encoding: &'static dyn RsaEncoding, input: &str) -> Vec<u8> {
        let pair = self.rsa_pair();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            encoding,
            &SystemRandom::new(),
            input.as_bytes(),
            &mut signature,
        )
        .unwrap();
        signature
    }

    fn ecdsa_signature(&self, form: &'static EcdsaSigningAlgorithm, input: &str) -> Vec<u8> {
        let pair = EcdsaKeyPair::from_pkcs8(form, self.pkcs8(Algorithm::Es256)).unwrap();
        let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        signature.as_ref().to_vec()
    }
}

pub(crate) fn signing_input(header: &[u8], payload: &[u8]) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    )
}

pub(crate) fn attach(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) fn hmac_signature(key: &[u8], input: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
}

fn generate(algorithm: Algorithm) -> Vec<u8> {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            der.as_ref().to_vec()
        }
        Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .unwrap()
            .as_ref()
            .to_vec(),
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random)
            .unwrap()
            .as_ref()
            .to_vec(),
    }
}
