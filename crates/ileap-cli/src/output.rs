//! What a command prints: results on stdout, everything else on stderr. Text from outside is sanitised.

use std::{
    fmt::{Display, Write as _},
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
    json_line(&text)
}

/// A JSON text from outside on stdout.
pub(crate) fn json_line(text: &str) -> Result<(), Failed> {
    line(json_text(text))
}

/// The same JSON with the controls escaped that JSON allows and some terminals obey: DEL and C1.
pub(crate) fn json_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '\u{7f}'..='\u{9f}') {
            let _ = write!(escaped, "\\u{:04x}", u32::from(char));
        } else {
            escaped.push(char);
        }
    }
    escaped
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

/// `text` without control characters other than line breaks, and without what turns or hides other characters: a
/// terminal must not obey a stranger's escapes, nor show names as what they are not.
pub(crate) fn sanitised(text: &str) -> String {
    text.chars()
        .map(|char| {
            if (char.is_control() && char != '\n') || is_unseen(char) {
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

/// Direction marks and what takes no room (Unicode TR 36 §2.4-2.5); joiners are part of how words are written.
fn is_unseen(char: char) -> bool {
    matches!(char,
        '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
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
    fn names_from_outside_read_in_one_direction_and_hide_nothing() {
        assert_eq!(
            sanitised("pay\u{202e}lap\u{200b}."),
            "pay\u{fffd}lap\u{fffd}."
        );
        assert_eq!(sanitised("نامه\u{200c}ای"), "نامه\u{200c}ای");
    }

    #[test]
    fn json_from_outside_is_the_same_json_without_what_a_terminal_obeys() {
        let text = json_text("{\"a\":\"\u{9b}31m\u{7f}é\"}");
        assert_eq!(text, r#"{"a":"\u009b31m\u007fé"}"#);
    }
}
