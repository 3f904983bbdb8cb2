//! The entries that activities are found by.
//!
//! Each activity has a dozen of them, each in another place of an index that may be larger than memory: put there one by
//! one, they have a large import read and write the same pages over and over. In SQLite they wait for each other in a
//! table of the connection's own, and go to their places in order. PostgreSQL gets them as they come.

use super::{Import, rows::Rows};
use crate::store::sql::{dialect::Dialect, statement::sql};

/// So many activities, and a part of all that there are: then the index by activity is made anew, which takes one pass
/// over all entries instead of a dozen pages for each activity.
const MANY: u64 = 10_000;
const PART: u64 = 8;

/// Where an import puts its entries.
#[derive(Debug)]
pub(super) struct Fields {
    into: &'static str,
    /// Activities whose entries wait.
    waiting: u64,
}

impl Fields {
    pub(super) fn rows<'q>(&self) -> Rows<'q> {
        Rows::new(self.into, 3)
    }
}

impl Import {
    pub(super) async fn begin_fields(
        transaction: &mut super::Transaction,
    ) -> Result<Fields, sqlx::Error> {
        let into = match transaction.dialect() {
            Dialect::Postgres => "tad_fields (path, key, activity_id)",
            Dialect::Sqlite => {
                sql("CREATE TEMP TABLE IF NOT EXISTS waiting_fields \
                     (path TEXT NOT NULL, key TEXT NOT NULL, activity_id TEXT NOT NULL)")
                .execute(transaction)
                .await?;
                "temp.waiting_fields (path, key, activity_id)"
            }
        };
        Ok(Fields { into, waiting: 0 })
    }

    /// Notes that the entries of so many activities have been written.
    pub(super) fn have_fields(&mut self, activities: usize) {
        if self.transaction.dialect() == Dialect::Sqlite {
            self.fields.waiting += u64::try_from(activities).unwrap_or(u64::MAX);
        }
    }

    /// Brings the entries that wait to their places: before the end, and before any activity goes.
    pub(super) async fn place_fields(&mut self) -> Result<(), sqlx::Error> {
        let waiting = std::mem::take(&mut self.fields.waiting);
        if waiting == 0 {
            return Ok(());
        }
        let transaction = &mut self.transaction;
        let mut is_made_anew = false;
        if waiting >= MANY {
            let all = sql("SELECT COUNT(*) FROM tads")
                .fetch_one(&mut *transaction)
                .await?;
            is_made_anew = waiting.saturating_mul(PART) >= all.get::<i64>(0)?.unsigned_abs();
        }
        let statements: &[&'static str] = if is_made_anew {
            &[
                "DROP INDEX tad_fields_by_activity",
                PLACE,
                "CREATE INDEX tad_fields_by_activity ON tad_fields (activity_id)",
                FORGET,
            ]
        } else {
            &[PLACE, FORGET]
        };
        for statement in statements {
            sql(statement).execute(&mut *transaction).await?;
        }
        Ok(())
    }
}

const PLACE: &str = "INSERT INTO tad_fields (path, key, activity_id) \
                     SELECT path, key, activity_id FROM temp.waiting_fields ORDER BY path, key, activity_id";
const FORGET: &str = "DELETE FROM temp.waiting_fields";
