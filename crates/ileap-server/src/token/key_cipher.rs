//! How private keys are kept from whoever can read the database.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

use super::Algorithm;

/// Seals and opens private keys with AES-256-GCM. What is sealed names the key it is, so that none can be put in the
/// place of another.
pub struct KeyCipher(RandomizedNonceKey);

impl KeyCipher {
    /// From 32 bytes in base64, with or without padding; `None` for anything else.
    pub fn from_base64(text: &str) -> Option<Self> {
        let forms = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
        let mut decoded = forms.iter().filter_map(|form| form.decode(text).ok());
        let bytes = Zeroizing::new(decoded.next()?);
        // Of another length there is none.
        RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok().map(Self)
    }

    /// The nonce, and the sealed key behind it.
    pub(super) fn seal(&self, kid: &str, algorithm: Algorithm, pkcs8: &[u8]) -> Option<Vec<u8>> {
        let mut text = pkcs8.to_vec();
        let name = Aad::from(name(kid, algorithm));
        let nonce = self.0.seal_in_place_append_tag(name, &mut text).ok()?;
        Some([nonce.as_ref().as_slice(), &text].concat())
    }

    /// The key, if it was sealed under this name and with the same secret.
    pub(super) fn open(
        &self,
        kid: &str,
        algorithm: Algorithm,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(text.to_vec());
        let name = Aad::from(name(kid, algorithm));
        let length = self.0.open_in_place(nonce, name, &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

impl fmt::Debug for KeyCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCipher(redacted)")
    }
}

fn name(kid: &str, algorithm: Algorithm) -> Vec<u8> {
    format!("ileap signing key {algorithm} {kid}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    #[test]
    fn a_sealed_key_opens_under_its_own_name_and_secret_only() {
        let cipher = KeyCipher::from_base64(SECRET).unwrap();
        let sealed = cipher.seal("a", Algorithm::Es256, b"private").unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"private"));
        let opened = cipher.open("a", Algorithm::Es256, &sealed).unwrap();
        assert_eq!(*opened, b"private");
        assert_ne!(
            cipher.seal("a", Algorithm::Es256, b"private").unwrap(),
            sealed
        );
        let other = KeyCipher::from_base64(&STANDARD.encode([7; 32])).unwrap();
        assert!(other.open("a", Algorithm::Es256, &sealed).is_none());
        assert!(cipher.open("b", Algorithm::Es256, &sealed).is_none());
        assert!(cipher.open("a", Algorithm::EdDsa, &sealed).is_none());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(cipher.open("a", Algorithm::Es256, &changed).is_none());
            assert!(
                cipher
                    .open("a", Algorithm::Es256, &sealed[..place])
                    .is_none()
            );
        }
    }

    #[test]
    fn a_secret_is_32_bytes_in_base64() {
        assert!(KeyCipher::from_base64(SECRET.trim_end_matches('=')).is_some());
        assert!(KeyCipher::from_base64(&URL_SAFE.encode([0xff; 32])).is_some());
        for text in [
            "",
            "correct horse battery staple",
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
        ] {
            assert!(KeyCipher::from_base64(text).is_none(), "{text}");
        }
        assert_eq!(
            format!("{:?}", KeyCipher::from_base64(SECRET)),
            "Some(KeyCipher(redacted))"
        );
    }
}
