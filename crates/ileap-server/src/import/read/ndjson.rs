//! One object a line.

use std::io::{self, BufRead, Read};

use super::{LARGEST_OBJECT, Place, Problem, Visit, item};

/// Reads all lines; empty ones are passed over.
pub(super) fn each(mut reader: impl BufRead, visit: &mut Visit<'_>) {
    let mut line = Vec::new();
    for number in 1.. {
        let (found, is_last) = match read_line(&mut reader, &mut line) {
            Ok(Line::None) => return,
            Ok(Line::Whole) if line.trim_ascii().is_empty() => continue,
            Ok(Line::Whole) => (item(&line), false),
            Ok(Line::TooLong) => (Err(too_long()), false),
            Err(error) => (Err(Problem::new(error)), true),
        };
        if visit(Place::Line(number), found).is_break() || is_last {
            return;
        }
    }
}

enum Line {
    None,
    TooLong,
    Whole,
}

/// Reads up to the end of the line, and keeps no more than an object may have.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let most = LARGEST_OBJECT as u64 + 1;
    let mut start = Read::take(&mut *reader, most);
    if start.read_until(b'\n', line)? == 0 {
        return Ok(Line::None);
    }
    if line.ends_with(b"\n") || line.len() <= LARGEST_OBJECT {
        return Ok(Line::Whole);
    }
    reader.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

fn too_long() -> Problem {
    Problem::new(format_args!(
        "it has more than {} MiB",
        LARGEST_OBJECT >> 20
    ))
}
