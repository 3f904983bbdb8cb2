//! What PostgreSQL knows of its tables.

use super::Import;
use crate::store::sql::{dialect::Dialect, statement::sql};

/// Statistics are made anew where so large a part of all objects has changed.
const PART: u64 = 8;

impl Import {
    /// Has the tables looked at where they are not any more what they were: those that read keep a plan until then, and
    /// what is right for a hundred objects is not for a million. PostgreSQL does it by itself, minutes later.
    pub(super) async fn renew_statistics(&mut self) -> Result<(), sqlx::Error> {
        let changed = u64::try_from(self.changed).unwrap_or(u64::MAX);
        if self.transaction.dialect() != Dialect::Postgres || changed == 0 {
            return Ok(());
        }
        let known = sql(
            "SELECT CAST(SUM(GREATEST(reltuples, 0)) AS BIGINT) FROM pg_class \
             WHERE oid IN ('footprints'::regclass, 'tads'::regclass)",
        )
        .fetch_one(&mut self.transaction)
        .await?;
        let known = known.get::<i64>(0)?.unsigned_abs();
        if changed.saturating_mul(PART) >= known {
            // Without waiting for whoever vacuums a table: no import fails for that.
            sql("ANALYZE (SKIP_LOCKED) footprints, footprint_ids, footprint_grants, shipment_references, tads, \
                 tad_fields, tad_grants")
                .execute(&mut self.transaction)
                .await?;
        }
        Ok(())
    }
}
