//! What a command prints: results on stdout, everything else on stderr. Text from outside is sanitised.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use serde::Serialize;

use crate::{exit::Failed, style};

/// One line of result on stdout.
pub(crate) fn line(text: impl Display) -> Result<(), Failed> {
    let mut stdout = io::stdout().lock();
    done(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// The same with colours, where they are wanted.
pub(crate) fn styled(text: impl Display) -> Result<(), Failed> {
    let mut stdout = anstream::stdout().lock();
    done(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

fn done(written: io::Result<()>) -> Result<(), Failed> {
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

/// The same with colours, where they are wanted.
pub(crate) fn styled_note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// The last line of a command that failed.
pub(crate) fn complain(failed: &Failed) {
    let error = style::painted(style::BAD, "error:");
    styled_note(&format!("{error} {}", sanitised(&failed.to_string())));
}

/// `text` without control characters other than line breaks, and without those that turn the direction of writing: a
/// terminal must not obey a stranger's escapes, nor show text in another order than it has.
pub(crate) fn sanitised(text: &str) -> String {
    text.chars()
        .map(|char| {
            if (char.is_control() && char != '\n') || turns_direction(char) {
                '\u{fffd}'
            } else {
                char
            }
        })
        .collect()
}

/// The same, on one line: a stranger's text must not look like lines of ours.
pub(crate) fn on_one_line(text: &str) -> String {
    sanitised(text).replace('\n', " ")
}

/// Unicode's bidirectional formatting characters (UAX #9 §2).
fn turns_direction(char: char) -> bool {
    matches!(
        char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_never_sees_escapes_from_outside() {
        assert_eq!(sanitised("a\u{1b}[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
        assert_eq!(on_one_line("a\nb\u{9b}31m"), "a b\u{fffd}31m");
    }

    #[test]
    fn text_from_outside_cannot_stand_in_another_order_than_it_has() {
        assert_eq!(
            sanitised("1\u{202e}00 kg\u{2066}"),
            "1\u{fffd}00 kg\u{fffd}"
        );
    }
}
