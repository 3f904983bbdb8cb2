//! Columns of an index that have one value each.

use super::Builder;
use crate::store::sql::dialect::Dialect;

/// Columns with their values, the first of an index. Its entries are in the order of the column behind them.
///
/// PostgreSQL plans without the values, and leaves out of an order what equals something: then another index that has
/// the column behind them in order, and more entries, may look as good. So there they are a range from the values to the
/// values, and stay in the order.
pub(super) struct Fixed<'a>(pub(super) Vec<(&'static str, &'a str)>);

impl Fixed<'_> {
    /// Adds that the columns have their values.
    pub(super) fn push(&self, query: &mut Builder) {
        match query.dialect {
            Dialect::Sqlite => {
                for (column, value) in &self.0 {
                    query.push(" AND ").push(column).push(" = ");
                    query.push_bind((*value).to_owned());
                }
            }
            Dialect::Postgres if self.0.is_empty() => {}
            Dialect::Postgres => {
                for operator in [" >= ", " <= "] {
                    query.push(" AND (").push(&self.columns());
                    query.push(")").push(operator).push("(");
                    self.push_values(query);
                    query.push(")");
                }
            }
        }
    }

    /// The columns of the order of entries that are in the order of `column`.
    pub(super) fn order(&self, dialect: Dialect, column: &str) -> String {
        if dialect == Dialect::Sqlite || self.0.is_empty() {
            return column.to_owned();
        }
        format!("{}, {column}", self.columns())
    }

    /// Adds that an entry comes after the one with this value of `column`.
    pub(super) fn push_after(&self, query: &mut Builder, (column, value): (&str, &str)) {
        let order = self.order(query.dialect, column);
        query.push(" AND (").push(&order).push(") > (");
        if query.dialect == Dialect::Postgres && !self.0.is_empty() {
            self.push_values(query);
            query.push(", ");
        }
        query.push_bind(value.to_owned()).push(")");
    }

    fn columns(&self) -> String {
        let columns = self.0.iter().map(|(column, _)| *column);
        columns.collect::<Vec<_>>().join(", ")
    }

    fn push_values(&self, query: &mut Builder) {
        for (number, (_, value)) in self.0.iter().enumerate() {
            query.push(if number == 0 { "" } else { ", " });
            query.push_bind((*value).to_owned());
        }
    }
}
