//! Secrets come from the terminal or from stdin, never from an argument.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use secrecy::{SecretString, zeroize::Zeroizing};

use crate::{exit::Failed, output};

/// The most bytes a client secret has.
const SECRET_LIMIT_BYTES: usize = 1024;
/// The most bytes read: enough to see that there are too many.
const READ_LIMIT: u64 = 2 * 1024;
const READING: &str = "reading the secret on stdin";
pub(super) const TOO_LONG: &str = "it has more than 1024 bytes; choose a shorter one";

/// A secret that is typed twice, or comes on stdin with one line end taken off.
pub(super) fn read() -> Result<Zeroizing<String>, Failed> {
    if io::stdin().is_terminal() {
        typed()
    } else {
        piped()
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

/// A secret that somebody else chose: typed once, unseen.
pub(super) fn ask_once(prompt: &str) -> Result<SecretString, Failed> {
    let typed = rpassword::prompt_password(output::sanitised(prompt)).map(SecretString::from);
    typed.map_err(|error| Failed::new("reading the secret from the terminal", error))
}

/// A client id, typed.
pub(super) fn ask_client_id() -> Result<String, Failed> {
    output::note("Client id:");
    let mut line = String::new();
    let read = io::stdin().lock().take(READ_LIMIT).read_line(&mut line);
    read.map_err(|error| Failed::new("reading the client id from the terminal", error))?;
    let client_id = line.trim();
    if client_id.is_empty() {
        return Err(Failed::new(
            "reading the client id from the terminal",
            "nothing was typed",
        ));
    }
    Ok(client_id.to_owned())
}
