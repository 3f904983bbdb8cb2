//! Putting statements together.

use std::fmt::Write as _;

use crate::store::sql::{
    dialect::Dialect,
    statement::{Statement, Value},
};

/// A statement that is put together. Every value is bound; only constants are written into the text.
pub(in crate::store::sql) struct Builder {
    pub(in crate::store::sql) dialect: Dialect,
    text: String,
    values: Vec<Value<'static>>,
}

impl Builder {
    pub(in crate::store::sql) fn new(dialect: Dialect, text: impl Into<String>) -> Self {
        Self {
            dialect,
            text: text.into(),
            values: Vec::new(),
        }
    }

    pub(in crate::store::sql) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(in crate::store::sql) fn push_bind(
        &mut self,
        value: impl Into<Value<'static>>,
    ) -> &mut Self {
        self.values.push(value.into());
        // Writing to a text cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// A statement that says how the database would go about this one.
    #[cfg(test)]
    pub(in crate::store::sql) fn explained(mut self, explain: &str) -> Statement<'static> {
        self.text.insert_str(0, explain);
        self.build()
    }

    pub(in crate::store::sql) fn build(self) -> Statement<'static> {
        Statement::new(self.text, self.values)
    }
}
