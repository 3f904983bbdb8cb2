//! What a command prints: results on stdout, everything else on stderr. Text from outside is sanitised.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use serde::Serialize;

use crate::exit::Failed;

/// One line of result on stdout.
pub(crate) fn line(text: impl Display) -> Result<(), Failed> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        // The reader went away, as `head` does: nothing is left to do for it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failed::new("writing to stdout", error)),
    }
}

/// One line of JSON on stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failed> {
    let text = serde_json::to_string(value).map_err(|error| Failed::new("writing JSON", error))?;
    line(text)
}

/// A remark on stderr. That it cannot be written is nobody's concern.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The last line of a command that failed.
pub(crate) fn complain(failed: &Failed) {
    note(&format!("error: {}", sanitised(&failed.to_string())));
}

/// `text` without control characters other than line breaks: a terminal must not obey a stranger's escapes.
pub(crate) fn sanitised(text: &str) -> String {
    text.chars()
        .map(|char| {
            if char.is_control() && char != '\n' {
                '\u{fffd}'
            } else {
                char
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_never_sees_escapes_from_outside() {
        assert_eq!(sanitised("a\u{1b}[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
    }
}
