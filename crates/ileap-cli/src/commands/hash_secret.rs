//! `ileap hash-secret`

use std::collections::BTreeSet;

use ileap_server::{identity::ClientSecret, verify::static_users::hash_secret};
use serde::Serialize;

use super::secret;
use crate::{cli::HashSecretArguments, exit::Failed, output};

/// The shortest secret that draws no warning, in characters.
const STRONG_CHARACTERS: usize = 16;
/// The fewest different characters that draw no warning.
const STRONG_VARIETY: usize = 8;

/// What `--json` prints.
#[derive(Serialize)]
struct Hashed<'a> {
    secret_hash: &'a str,
}

/// Prints the hash of a secret that was typed twice, or came on stdin.
pub(crate) fn run(arguments: &HashSecretArguments) -> Result<(), Failed> {
    let text = secret::read()?;
    let secret = ClientSecret::new(text.as_str()).ok_or_else(|| unusable(&text))?;
    if is_weak(&text) {
        output::note(
            "warning: the secret is weak and can be guessed: take at least 16 random characters, as from `openssl rand -base64 24`",
        );
    }
    let hash = hash_secret(&secret).map_err(|error| Failed::new("hashing the secret", error))?;
    if arguments.json {
        output::json(&Hashed { secret_hash: &hash })
    } else {
        output::line(hash)
    }
}

/// Why a text is no secret that a client could present.
fn unusable(text: &str) -> Failed {
    let happened = if text.is_empty() {
        "it is empty; pipe it in, or run the command on a terminal and type it"
    } else if text.chars().any(char::is_control) {
        "it has control characters or more than one line; choose printable characters"
    } else {
        secret::TOO_LONG
    };
    Failed::new("hashing the secret", happened)
}

/// Whether it can be guessed: too short, or of too few different characters.
fn is_weak(text: &str) -> bool {
    let different: BTreeSet<char> = text.chars().collect();
    text.chars().count() < STRONG_CHARACTERS || different.len() < STRONG_VARIETY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_monotonous_secrets_are_weak() {
        for weak in [
            "",
            "pathfinder",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
        for strong in [
            "correct-horse-battery",
            "3f9c1b7e5d2a8046",
            "äöüß-äöüß-ABCDEF",
        ] {
            assert!(!is_weak(strong), "{strong}");
        }
    }
}
