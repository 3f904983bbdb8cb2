//! The compact serialisation of a signed token (RFC 7515 §3.1).

use std::fmt;

use aws_lc_rs::error::Unspecified;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{InvalidReason, signing_key::SigningKey, strict_json::parse_object};

/// The longest token looked at, in bytes. Ours are well below 1 KiB.
const TOKEN_LIMIT_BYTES: usize = 8 * 1024;
/// The longest header looked at, in bytes as sent.
const HEADER_LIMIT_BYTES: usize = 1024;

/// Text that claims to be one of our tokens. It says nothing until a validator has judged it.
#[derive(Clone, Copy)]
pub struct UnverifiedToken<'a>(&'a str);

impl<'a> UnverifiedToken<'a> {
    /// Takes any text, such as what follows `Bearer` in a request.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text, if it is not too long to be worth a look.
    pub(super) fn bounded(self) -> Result<&'a str, InvalidReason> {
        if self.0.len() > TOKEN_LIMIT_BYTES {
            return Err(InvalidReason::Malformed);
        }
        Ok(self.0)
    }
}

impl fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedToken(redacted)")
    }
}

/// A token taken apart. Only the header has been read.
pub(super) struct CompactJws<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) signing_input: &'a str,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'a> CompactJws<'a> {
    /// Three parts of base64url without padding, space or stray bits, the first a JSON object.
    pub(super) fn parse(token: UnverifiedToken<'a>) -> Result<Self, InvalidReason> {
        let (signing_input, signature) = token
            .bounded()?
            .rsplit_once('.')
            .ok_or(InvalidReason::Malformed)?;
        // A fourth part would put a dot into the payload, and a dot is not base64url.
        let (header, payload) = signing_input
            .split_once('.')
            .ok_or(InvalidReason::Malformed)?;
        if header.len() > HEADER_LIMIT_BYTES {
            return Err(InvalidReason::Header);
        }
        Ok(Self {
            header: parse_object(&decode(header)?).ok_or(InvalidReason::Header)?,
            signing_input,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

/// The first part of every token with this header.
pub(super) fn encode_header(header: &Value) -> String {
    URL_SAFE_NO_PAD.encode(header.to_string())
}

/// The first two parts, with room for the third.
pub(super) fn signing_input(encoded_header: &str, payload: &[u8]) -> String {
    // Base64 makes 4 characters of 3 bytes; an RSA-2048 signature is the longest we make (342).
    let mut text = String::with_capacity(encoded_header.len() + payload.len() * 4 / 3 + 352);
    text.push_str(encoded_header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    text
}

/// The whole token.
pub(super) fn sign(mut signing_input: String, key: &SigningKey) -> Result<String, Unspecified> {
    let signature = key.sign(signing_input.as_bytes())?;
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    Ok(signing_input)
}

/// For the fuzzer: a token of any header and payload, signed with our key. `KID` in the header stands for its id.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn sign_anything(
    keys: &super::SigningKeys,
    header: &[u8],
    payload: &[u8],
) -> Option<String> {
    let keys = keys.now();
    let header = String::from_utf8_lossy(header).replace("KID", keys.signing_kid()?);
    let input = signing_input(&URL_SAFE_NO_PAD.encode(header), payload);
    sign(input, keys.signer()?).ok()
}

fn decode(part: &str) -> Result<Vec<u8>, InvalidReason> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| InvalidReason::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(text: &str) -> Option<InvalidReason> {
        CompactJws::parse(UnverifiedToken::new(text)).err()
    }

    #[test]
    fn a_token_never_prints() {
        let token = UnverifiedToken::new("e30.e30.c2ln");
        assert_eq!(format!("{token:?}"), "UnverifiedToken(redacted)");
    }

    #[test]
    fn three_strict_parts_are_taken_apart() {
        let jws = CompactJws::parse(UnverifiedToken::new("e30.e30.c2ln")).unwrap();
        assert_eq!(jws.signing_input, "e30.e30");
        assert_eq!(jws.payload, b"{}");
        assert_eq!(jws.signature, b"sig");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "e30",
            "e30.e30",
            "e30.e30.c2ln.",
            ".e30.e30.c2ln",
            "e30.e30.e30.e30.c2ln",
            "e30=.e30.c2ln",
            "e30.e30.c2lnYQ==",
            "e30. e30.c2ln",
            "e30.e30.c2ln\n",
            "e30.e30.c+/n",
            "e30.e31.c2ln",
            "e30.e30.c2l",
            "é30.e30.c2ln",
            "W10.e30.c2ln",
        ] {
            assert!(reason(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn tokens_and_headers_of_more_than_their_limit_are_refused_unread() {
        let header = |length: usize| {
            let empty = r#"{"a":""}"#.len();
            let header = format!(r#"{{"a":"{}"}}"#, "x".repeat(length / 4 * 3 - empty));
            format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header))
        };
        assert_eq!(reason(&header(1024)), None);
        assert_eq!(reason(&header(1028)), Some(InvalidReason::Header));
        let of_length = |length: usize| {
            let payload = "A".repeat(length - "e30..c2ln".len());
            format!("e30.{payload}.c2ln")
        };
        assert_eq!(reason(&of_length(8193)), Some(InvalidReason::Malformed));
        // The payload has 3 characters more than whole groups of 4, which is base64url.
        assert_eq!(reason(&of_length(8192)), None);
    }

    proptest! {
        #[test]
        fn it_never_panics(text in ".{0,300}") {
            let _ = reason(&text);
        }

        #[test]
        fn what_was_encoded_comes_out_again(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = signing_input(&encode_header(&serde_json::json!({})), &payload) + ".c2ln";
            let jws = CompactJws::parse(UnverifiedToken::new(&text)).unwrap();
            prop_assert_eq!(jws.payload, payload);
        }
    }
}
