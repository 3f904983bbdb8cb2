//! What the two databases write differently in statements that are put together.

use super::postgres;

/// The SQL of a database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// Begins a query whose one row is a page: its objects with commas between, and for each its length and
    /// its `place` in hexadecimal. Joined in the database, because with SQLite every row costs a turn of the
    /// connection's thread. The rows that follow are in the order of the columns `order`; SQLite joins them so.
    pub(super) fn begin_page(self, place: &str, order: &str) -> String {
        match self {
            Self::Postgres => format!(
                "SELECT string_agg(json, ',' ORDER BY {order}), string_agg(octet_length(json) || ' ' \
                 || encode(convert_to({place}, 'UTF8'), 'hex'), ',' ORDER BY {order}) FROM ("
            ),
            Self::Sqlite => format!(
                "SELECT group_concat(json, ','), group_concat(length(json) || ' ' || hex({place}), ',') FROM ("
            ),
        }
    }

    /// Ends the subquery of a page.
    pub(super) fn end_page(self) -> &'static str {
        match self {
            Self::Postgres => ") AS page",
            Self::Sqlite => ")",
        }
    }

    /// Asks for the time in Unix nanoseconds, where the database is not on this machine.
    pub(super) fn clock(self) -> Option<&'static str> {
        match self {
            Self::Postgres => {
                Some("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000000 AS BIGINT)")
            }
            Self::Sqlite => None,
        }
    }

    /// Makes a table be read by an index: without statistics SQLite takes one that has to be sorted.
    pub(super) fn indexed_by(self, index: &str) -> String {
        match self {
            Self::Postgres => String::new(),
            Self::Sqlite => format!(" INDEXED BY {index}"),
        }
    }

    /// Gives a large transaction room in memory: what does not fit is written to the file, and read again, and
    /// again. SQLite gives as much as is used, in KiB; PostgreSQL has its own.
    pub(super) fn room_for_an_import(self) -> Option<&'static str> {
        match self {
            Self::Postgres => None,
            Self::Sqlite => Some("PRAGMA cache_size = -32768"),
        }
    }

    /// Joins what is on the right to each row of the left, in that order.
    pub(super) fn then_join(self) -> &'static str {
        match self {
            Self::Postgres => " JOIN ",
            Self::Sqlite => " CROSS JOIN ",
        }
    }

    /// The same, where what is on the right is looked up for each row of the left and in no other way, whatever else
    /// is asked of it: `table` is a table with the letter it is called by.
    pub(super) fn then_look_up(self, table: &str, on: &str) -> String {
        match self {
            // PostgreSQL looks into no subquery that has an OFFSET.
            Self::Postgres => {
                let name = table.split(' ').next_back().unwrap_or(table);
                format!(
                    " JOIN LATERAL (SELECT * FROM {table} WHERE {on} OFFSET 0) AS {name} ON TRUE"
                )
            }
            Self::Sqlite => format!(" CROSS JOIN {table} ON {on}"),
        }
    }

    /// What stands before and after a table with its conditions and its order, called `f`, so that it is read by those
    /// alone: what is asked of it besides, and in which order, counts afterwards.
    pub(super) fn apart(self) -> [&'static str; 2] {
        match self {
            // PostgreSQL looks into no subquery that has an OFFSET.
            Self::Postgres => ["(SELECT * FROM ", " OFFSET 0) AS f WHERE 1 = 1"],
            // The index is named.
            Self::Sqlite => ["", ""],
        }
    }

    /// A kept text as it was bound.
    pub(super) fn restored(self, text: String) -> String {
        match self {
            Self::Postgres => postgres::unescape(text),
            Self::Sqlite => text,
        }
    }
}
