//! The schema, version by version, for each database.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{database::Pool, statement::sql, unavailable};
use crate::store::{CursorKey, StoreError};

/// What makes a database's schema out of the one before.
pub(super) struct Migrations([&'static str; 8]);

/// What the versions bring.
const DESCRIPTIONS: [&str; 8] = [
    "footprints, activity data, events, access",
    "logins",
    "partners, outbox",
    "leases, quotas",
    "signing keys",
    "revoked tokens",
    "moments in ticks, indexes by kind",
    "likenesses of users",
];

pub(super) const POSTGRES: Migrations = Migrations([
    include_str!("../../../migrations/postgres/0001_footprints_tads_events_access.sql"),
    include_str!("../../../migrations/postgres/0002_logins.sql"),
    include_str!("../../../migrations/postgres/0003_partners_outbox.sql"),
    include_str!("../../../migrations/postgres/0004_leases_quotas.sql"),
    include_str!("../../../migrations/postgres/0005_keys.sql"),
    include_str!("../../../migrations/postgres/0006_revoked_tokens.sql"),
    include_str!("../../../migrations/postgres/0007_ticks_kinds.sql"),
    include_str!("../../../migrations/postgres/0008_likenesses.sql"),
]);

pub(super) const SQLITE: Migrations = Migrations([
    include_str!("../../../migrations/sqlite/0001_footprints_tads_events_access.sql"),
    include_str!("../../../migrations/sqlite/0002_logins.sql"),
    include_str!("../../../migrations/sqlite/0003_partners_outbox.sql"),
    include_str!("../../../migrations/sqlite/0004_leases_quotas.sql"),
    include_str!("../../../migrations/sqlite/0005_keys.sql"),
    include_str!("../../../migrations/sqlite/0006_revoked_tokens.sql"),
    include_str!("../../../migrations/sqlite/0007_ticks_kinds.sql"),
    include_str!("../../../migrations/sqlite/0008_likenesses.sql"),
]);

impl Migrations {
    /// Those of an earlier version.
    #[cfg(test)]
    pub(super) fn up_to(&self, version: usize) -> Migrator {
        let mut migrator = self.migrator();
        migrator.migrations = migrator.migrations[..version].to_vec().into();
        migrator
    }

    /// Applies what is missing.
    pub(super) fn migrator(&self) -> Migrator {
        let migrations =
            (1..)
                .zip(DESCRIPTIONS.iter().zip(self.0))
                .map(|(version, (description, text))| {
                    Migration::new(
                        version,
                        Cow::from(*description),
                        MigrationType::Simple,
                        AssertSqlSafe(text).into_sql_str(),
                        false,
                    )
                });
        Migrator::with_migrations(migrations.collect())
    }
}

/// The version that this program works with.
pub(super) fn newest_version() -> i64 {
    i64::try_from(DESCRIPTIONS.len()).unwrap_or(i64::MAX)
}

/// Says what it means that the schema cannot be brought up to date.
pub(super) fn failed(error: MigrateError) -> StoreError {
    let attempted = match error {
        MigrateError::VersionMissing(_) => {
            "opening the database: a newer version of ileap has written it; update this one"
        }
        _ => "bringing the database's schema up to date",
    };
    StoreError::Unavailable {
        attempted,
        source: Box::new(error),
    }
}

const ATTEMPTED: &str = "reading the secret that signs cursors";

/// The secret that signs cursors, made once per database.
pub(super) async fn cursor_key(writer: &Pool) -> Result<CursorKey, StoreError> {
    // Where it is there already, no lock is taken that an import may hold.
    if let Some(kept) = kept_cursor_key(writer).await? {
        return Ok(kept);
    }
    let mut fresh = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut fresh).map_err(|error| StoreError::Unavailable {
        attempted: "drawing random bytes",
        source: error.to_string().into(),
    })?;
    sql("INSERT INTO settings (name, value) VALUES ('cursor_key', $1) ON CONFLICT DO NOTHING")
        .bind(&fresh[..])
        .execute(writer)
        .await
        .map_err(unavailable(ATTEMPTED))?;
    let kept = kept_cursor_key(writer).await?;
    kept.ok_or_else(|| unavailable(ATTEMPTED)(sqlx::Error::RowNotFound))
}

async fn kept_cursor_key(writer: &Pool) -> Result<Option<CursorKey>, StoreError> {
    let row = sql("SELECT value FROM settings WHERE name = 'cursor_key'")
        .fetch_optional(writer)
        .await
        .map_err(unavailable(ATTEMPTED))?;
    let Some(row) = row else {
        return Ok(None);
    };
    let kept: Vec<u8> = row.get(0).map_err(unavailable(ATTEMPTED))?;
    let kept = kept.try_into().map_err(|_| StoreError::Unavailable {
        attempted: ATTEMPTED,
        source: "it is not 32 bytes long".into(),
    })?;
    Ok(Some(CursorKey(kept)))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// A database remembers what made it, and refuses a migration that reads otherwise now. So what is released
    /// never changes again: what is missing comes as the next version. Until the first release
    /// `INSTA_UPDATE=always cargo test -p ileap-server --lib migrations` takes over a change.
    #[test]
    fn released_migrations_never_change() {
        let mut sums = String::new();
        for (name, migrations) in [("postgres", POSTGRES), ("sqlite", SQLITE)] {
            for migration in migrations.migrator().iter() {
                let sum = migration.checksum.iter().take(16);
                let sum = sum.fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
                writeln!(sums, "{name} {} {sum}", migration.version).unwrap();
            }
        }
        insta::assert_snapshot!(sums);
    }

    /// Servers of earlier versions go on beside later ones as long as these only add; which do more than that, the
    /// manual has to say. A database in SQLite has one server.
    #[test]
    fn migrations_that_do_more_than_add_are_named_in_the_manual() {
        const STATEMENTS: [&str; 4] = ["DELETE ", "DROP TABLE ", "TRUNCATE ", "UPDATE "];
        const CLAUSES: [&str; 3] = ["ALTER COLUMN ", "DROP COLUMN ", "RENAME "];
        let does_more = |line: &str| {
            let (line, _) = line.split_once("--").unwrap_or((line, ""));
            let line = line.trim_start().to_uppercase();
            STATEMENTS.iter().any(|begin| line.starts_with(begin))
                || CLAUSES.iter().any(|clause| line.contains(clause))
        };
        let versions = (1..).zip(POSTGRES.0);
        let found: Vec<i32> = versions
            .filter(|(_, text)| text.lines().any(does_more))
            .map(|(version, _)| version)
            .collect();
        let manual = include_str!("../../../../../docs/operations.md");
        let (_, section) = manual.split_once("\n### Upgrading\n").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
        let named: Vec<i32> = rows
            .filter_map(|row| row.split(' ').next()?.parse().ok())
            .collect();
        assert_eq!(named, found);
        assert!(found.iter().all(|version| *version < 8), "{found:?}");
    }
}
