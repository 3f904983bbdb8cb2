//! Identifiers and secrets that differ in every run.

use aws_lc_rs::{
    digest::{SHA256, digest},
    error::Unspecified,
    rand,
};

/// The length of what follows the prefix in Clerk's identifiers (those of KSUIDs).
const OBJECT_ID_LENGTH: usize = 27;

/// An endless row of unpredictable words: SHA-256 over a random seed and a counter, so that drawing one
/// cannot fail.
pub(crate) struct Ids {
    seed: [u8; 32],
    drawn: u64,
}

impl Ids {
    pub(crate) fn new() -> Result<Self, Unspecified> {
        let mut seed = [0; 32];
        rand::fill(&mut seed)?;
        Ok(Self { seed, drawn: 0 })
    }

    /// An object id such as `user_2xAq…`: `prefix`, `_`, 27 base62 digits.
    pub(crate) fn object(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", self.word(OBJECT_ID_LENGTH))
    }

    /// `length` base62 digits.
    pub(crate) fn word(&mut self, length: usize) -> String {
        let mut word = String::with_capacity(length);
        while word.len() < length {
            let missing = length - word.len();
            word.extend(self.block().into_iter().take(missing).map(base62));
        }
        word
    }

    /// 32 hexadecimal digits.
    pub(crate) fn trace_id(&mut self) -> String {
        let block = self.block();
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        block
            .into_iter()
            .take(16)
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
            .collect()
    }

    /// Key material.
    pub(crate) fn block(&mut self) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        let mut input = self.seed.to_vec();
        input.extend(self.drawn.to_be_bytes());
        let mut block = [0; 32];
        for (to, from) in block.iter_mut().zip(digest(&SHA256, &input).as_ref()) {
            *to = *from;
        }
        block
    }
}

fn base62(byte: u8) -> char {
    char::from(match byte % 62 {
        digit @ 0..=9 => b'0' + digit,
        upper @ 10..=35 => b'A' + upper - 10,
        lower => b'a' + lower - 36,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_clerks_form_and_never_repeat() {
        let mut ids = Ids::new().unwrap();
        let id = ids.object("sess");
        let (prefix, word) = id.split_once('_').unwrap();
        assert_eq!((prefix, word.len()), ("sess", 27));
        assert!(word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(id, ids.object("sess"));
    }

    #[test]
    fn two_runs_share_no_id() {
        let (mut one, mut other) = (Ids::new().unwrap(), Ids::new().unwrap());
        assert_ne!(one.word(40), other.word(40));
    }
}
