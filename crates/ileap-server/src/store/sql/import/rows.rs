//! Many rows in few statements.

use std::fmt::Write as _;

use crate::store::sql::{
    database::Transaction,
    dialect::Dialect,
    statement::{Statement, Value},
};

/// The most rows of one statement; databases limit its values (SQLite to 32 766).
const MOST_ROWS: usize = 256;

/// Rows for one table.
pub(super) struct Rows<'q> {
    into: &'static str,
    columns: usize,
    conflict: &'static str,
    values: Vec<Value<'q>>,
}

impl<'q> Rows<'q> {
    /// `into` is the table with its columns in parentheses.
    pub(super) fn new(into: &'static str, columns: usize) -> Self {
        Self {
            into,
            columns,
            conflict: "",
            values: Vec::new(),
        }
    }

    /// What is there already, or twice, is left alone.
    pub(super) fn once(self) -> Self {
        Self {
            conflict: " ON CONFLICT DO NOTHING",
            ..self
        }
    }

    /// Adds a row: as many values as there are columns.
    pub(super) fn push<const COLUMNS: usize>(&mut self, row: [Value<'q>; COLUMNS]) {
        debug_assert_eq!(COLUMNS, self.columns, "{}", self.into);
        self.values.extend(row);
    }

    /// Writes them, in statements of so many rows that only a few different ones have to be compiled.
    pub(super) async fn insert(self, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        let place = match transaction.dialect() {
            Dialect::Postgres => Place::Numbered,
            Dialect::Sqlite => Place::InOrder,
        };
        let mut values = self.values.into_iter();
        let mut left = values.len() / self.columns;
        let mut size = MOST_ROWS;
        while left > 0 {
            if size > left {
                size /= 2;
                continue;
            }
            let mut text = format!("INSERT INTO {} VALUES ", self.into);
            push_rows(&mut text, place, size, self.columns);
            text.push_str(self.conflict);
            let some: Vec<_> = values.by_ref().take(size * self.columns).collect();
            Statement::new(text, some)
                .execute(&mut *transaction)
                .await?;
            left -= size;
        }
        Ok(())
    }
}

/// What stands for a value. To SQLite, `$1` is a name, and each is looked for among all the others.
#[derive(Clone, Copy)]
enum Place {
    InOrder,
    Numbered,
}

fn push_rows(text: &mut String, place: Place, rows: usize, columns: usize) {
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            text.push_str(if column == 1 { "" } else { ", " });
            // Writing to a text cannot fail.
            let _ = match place {
                Place::InOrder => write!(text, "?"),
                Place::Numbered => write!(text, "${}", row * columns + column),
            };
        }
        text.push(')');
    }
}

/// A statement about all of `ids`: `text` with `(...)` behind it. Filled up with the last one, so that only a few
/// different statements have to be compiled.
pub(super) fn about<'q>(text: &str, ids: &'q [String]) -> Statement<'q> {
    about_and(text, ids, "")
}

/// The same with `rest` behind it.
pub(super) fn about_and<'q>(text: &str, ids: &'q [String], rest: &str) -> Statement<'q> {
    let mut text = text.to_owned();
    let count = ids.len().next_power_of_two();
    push_rows(&mut text, Place::Numbered, 1, count);
    text.push_str(rest);
    let filler = ids.last().into_iter().cycle();
    let values = ids.iter().chain(filler).take(count).map(Value::from);
    Statement::new(text, values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_place_of_its_own() {
        let mut text = String::new();
        push_rows(&mut text, Place::Numbered, 2, 3);
        assert_eq!(text, "($1, $2, $3), ($4, $5, $6)");
        text.clear();
        push_rows(&mut text, Place::InOrder, 2, 3);
        assert_eq!(text, "(?, ?, ?), (?, ?, ?)");
    }
}
