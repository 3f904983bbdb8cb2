//! `ileap hash-secret`

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _, Read as _},
};

use ileap_server::{identity::ClientSecret, verify::static_users::hash_secret};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;

use crate::{cli::HashSecretArguments, exit::Failed, output};

/// The most bytes a client secret has.
const SECRET_LIMIT_BYTES: usize = 1024;
/// The most bytes read: enough to see that there are too many.
const READ_LIMIT: u64 = 2 * 1024;
const READING: &str = "reading the secret on stdin";
const TOO_LONG: &str = "it has more than 1024 bytes; choose a shorter one";
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
    let text = if io::stdin().is_terminal() {
        typed()?
    } else {
        piped()?
    };
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

fn typed() -> Result<Zeroizing<String>, Failed> {
    let ask = |prompt| {
        let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
        typed.map_err(|error| Failed::new("reading the secret from the terminal", error))
    };
    let secret = ask("Secret: ")?;
    if *secret != *ask("The same again: ")? {
        let remedy = "the two are not the same; run the command again";
        return Err(Failed::new("reading the secret from the terminal", remedy));
    }
    Ok(secret)
}

fn piped() -> Result<Zeroizing<String>, Failed> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = io::stdin().lock().take(READ_LIMIT).read_to_end(&mut bytes);
    read.map_err(|error| Failed::new(READING, error))?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > SECRET_LIMIT_BYTES {
        return Err(Failed::new(READING, TOO_LONG));
    }
    let text = str::from_utf8(line)
        .map_err(|_| Failed::new(READING, "it is not UTF-8; choose printable characters"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Why a text is no secret that a client could present.
fn unusable(text: &str) -> Failed {
    let happened = if text.is_empty() {
        "it is empty; pipe it in, or run the command on a terminal and type it"
    } else if text.chars().any(char::is_control) {
        "it has control characters or more than one line; choose printable characters"
    } else {
        TOO_LONG
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
