//! Transport activity data as a table: a row per activity, a column per member.

mod columns;
mod header;

use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use self::{
    columns::{Column, Form},
    header::Header,
};
use super::{Item, Place, Problem, Visit, capped::Capped};
use crate::store::ImportKind;

pub use self::columns::csv_header;

/// Reads all rows; those with nothing in them are passed over.
pub(super) fn each(mut reader: impl BufRead, visit: &mut Visit<'_>) {
    let delimiter = match header::delimiter(&mut reader) {
        Ok(delimiter) => delimiter,
        Err(error) => {
            let _ = visit(Place::Row(1), Err(Problem::new(error)));
            return;
        }
    };
    let (reader, allowance) = Capped::new(reader);
    let mut rows = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(reader);
    let (mut row, mut known) = (ByteRecord::new(), None);
    loop {
        let line = rows.position().line();
        match rows.read_byte_record(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let _ = visit(Place::Row(line), Err(Problem::new(error)));
                return;
            }
        }
        allowance.renew();
        let line = row.position().map_or(line, csv::Position::line);
        if row.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let Some(header) = &known else {
            match Header::read(&row, delimiter) {
                Ok(header) => known = Some(header),
                Err(problems) => {
                    for problem in problems {
                        let _ = visit(Place::Row(line), Err(problem));
                    }
                    return;
                }
            }
            continue;
        };
        for found in activity(header, &row) {
            if visit(Place::Row(line), found).is_break() {
                return;
            }
        }
    }
    if known.is_none() {
        let missing =
            Problem::new("the first line must name the columns: see `ileap import --csv-header`");
        let _ = visit(Place::Row(1), Err(missing));
    }
}

/// One row as an object, or everything that keeps it from being one.
fn activity(header: &Header, row: &ByteRecord) -> Vec<Result<Item, Problem>> {
    let mut value = Value::Object(Map::new());
    let mut problems = Vec::new();
    if row.len() != header.columns.len() {
        problems.push(Err(Problem::new(format_args!(
            "it has {} cells, and the first line has {}: put cells with `,` or `;` in double quotes",
            row.len(),
            header.columns.len()
        ))));
    }
    for (column, cell) in header.columns.iter().zip(row) {
        match std::str::from_utf8(cell).map(str::trim) {
            Ok("") => {}
            Ok(cell) => column.set(&mut value, read_cell(header, column, cell)),
            Err(_) => problems.push(Err(Problem {
                pointer: column.pointer(),
                message: "it is not UTF-8: save the table as \"CSV UTF-8\"".to_owned(),
            })),
        }
    }
    if problems.is_empty() {
        let kind = ImportKind::Tad;
        return vec![Ok(Item { kind, value })];
    }
    problems
}

/// What is not of the right form stays a text, for the rules to judge.
fn read_cell(header: &Header, column: &Column, cell: &str) -> Value {
    match column.form {
        Form::Decimal if header.has_decimal_comma && !cell.contains('.') => {
            cell.replacen(',', ".", 1).into()
        }
        Form::Integer => cell
            .parse::<u64>()
            .map_or_else(|_| cell.into(), Value::from),
        Form::Texts => cell
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect(),
        Form::Decimal | Form::Text => cell.into(),
    }
}
