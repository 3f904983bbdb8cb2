//! The first line of a table.

use std::{
    collections::HashSet,
    io::{self, BufRead},
};

use csv::ByteRecord;

use super::{
    Problem,
    columns::{Column, known_names, mandatory_names},
};

/// How a table begins.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) columns: Vec<Column>,
    /// Whether numbers may have a decimal comma: where cells are not separated by commas.
    pub(super) has_decimal_comma: bool,
}

impl Header {
    /// The columns, or everything that is wrong with them.
    pub(super) fn read(row: &ByteRecord, delimiter: u8) -> Result<Self, Vec<Problem>> {
        let (mut columns, mut problems, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for name in row {
            let name = String::from_utf8_lossy(name);
            let name = name.trim();
            match Column::named(name) {
                Some(_) if !seen.insert(name.to_owned()) => {
                    problems.push(Problem::new(format_args!(
                        "the column `{name}` is there twice: remove one"
                    )));
                }
                Some(column) => columns.push(column),
                None => problems.push(unknown(name)),
            }
        }
        for missing in mandatory_names().filter(|name| !seen.contains(*name)) {
            problems.push(Problem::new(format_args!(
                "the column `{missing}` is missing: add it"
            )));
        }
        if problems.is_empty() {
            Ok(Self {
                columns,
                has_decimal_comma: delimiter != b',',
            })
        } else {
            Err(problems)
        }
    }
}

fn unknown(name: &str) -> Problem {
    let nearest = known_names()
        .map(|known| (strsim::jaro_winkler(&known, name), known))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
        .unwrap_or_default();
    Problem::new(format_args!(
        "there is no column `{name}`; the nearest is `{nearest}`, and all of them are: {}",
        known_names().collect::<Vec<_>>().join(", ")
    ))
}

/// The character between cells: no name of a column contains one, so that the first line tells.
pub(super) fn delimiter(reader: &mut impl BufRead) -> io::Result<u8> {
    let line = reader.fill_buf()?.trim_ascii_start();
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    let delimiter = line.iter().find(|byte| matches!(byte, b';' | b'\t'));
    Ok(delimiter.copied().unwrap_or(b','))
}
