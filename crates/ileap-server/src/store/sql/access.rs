//! Access rules, as rows.

use jiff::Timestamp;

use super::{
    SqlStore,
    database::{Lock, Target, Transaction},
    grants, of_ticks,
    statement::{Row, sql},
    ticks, unavailable,
};
use crate::{
    access::{AccessRule, Opened, Period, RuleReach},
    store::{StoreError, access::AccessRules},
};

/// A rule as a row has it.
pub(super) struct Stored {
    kind: &'static str,
    value: String,
    starts: i64,
    ends: i64,
}

#[async_trait::async_trait]
impl AccessRules for SqlStore {
    async fn rule_reach(&self, recipient: &str) -> Result<RuleReach, StoreError> {
        let failed = unavailable("reading access rules");
        rule_reach(&self.readers, recipient).await.map_err(failed)
    }

    async fn access_rules(&self, recipient: &str) -> Result<Vec<AccessRule>, StoreError> {
        let failed = unavailable("reading access rules");
        let rows = sql(
            "SELECT kind, value, starts, ends FROM access_rules WHERE recipient = $1 \
             ORDER BY kind, value, starts, ends",
        )
        .bind(recipient)
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        rows.iter()
            .map(rule)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn recipients(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let failed = unavailable("reading access rules");
        let rows = sql(
            "SELECT recipient, COUNT(*) FROM access_rules GROUP BY recipient ORDER BY recipient",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let entry = |row: &Row| Ok((row.text(0)?, row.get::<i64>(1)?.unsigned_abs()));
        rows.iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn allow(&self, recipient: &str, rules: &[AccessRule]) -> Result<usize, StoreError> {
        let changed = async {
            let mut transaction = self.writer.begin(Lock::Import).await?;
            let mut added = 0;
            for rule in rules {
                let rule = stored(rule);
                if insert(&mut transaction, recipient, &rule).await? {
                    grants::open(&mut transaction, recipient, &rule).await?;
                    added += 1;
                }
            }
            transaction.commit().await?;
            Ok(added)
        };
        changed.await.map_err(unavailable("adding access rules"))
    }

    async fn disallow(&self, recipient: &str, rules: &[AccessRule]) -> Result<usize, StoreError> {
        let changed = async {
            let mut transaction = self.writer.begin(Lock::Import).await?;
            let mut removed = 0;
            for rule in rules {
                if delete(&mut transaction, recipient, &stored(rule)).await? {
                    removed += 1;
                }
            }
            if removed > 0 {
                grants::renew(&mut transaction, recipient).await?;
            }
            transaction.commit().await?;
            Ok(removed)
        };
        changed.await.map_err(unavailable("removing access rules"))
    }

    async fn disallow_all(&self, recipient: &str) -> Result<usize, StoreError> {
        let changed = async {
            let mut transaction = self.writer.begin(Lock::Import).await?;
            let removed = sql("DELETE FROM access_rules WHERE recipient = $1")
                .bind(recipient)
                .execute(&mut transaction)
                .await?;
            grants::renew(&mut transaction, recipient).await?;
            transaction.commit().await?;
            Ok(usize::try_from(removed).unwrap_or(usize::MAX))
        };
        changed.await.map_err(unavailable("removing access rules"))
    }

    async fn opened(&self, recipient: &str) -> Result<Opened, StoreError> {
        let failed = unavailable("counting what access rules open");
        let rows = sql(
            "SELECT kind, COUNT(*) FROM footprint_grants WHERE recipient = $1 GROUP BY kind \
             UNION ALL SELECT 'tad', COUNT(*) FROM tad_grants WHERE recipient = $1",
        )
        .bind(recipient)
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let mut opened = Opened::default();
        for row in &rows {
            let count = row.get::<i64>(1).map_err(&failed)?.unsigned_abs();
            let number = match row.text(0).map_err(&failed)?.as_str() {
                "shipment" => &mut opened.shipments,
                "toc" => &mut opened.tocs,
                "hoc" => &mut opened.hocs,
                _ => &mut opened.tads,
            };
            *number = count;
        }
        Ok(opened)
    }
}

/// How far the rules of one recipient reach.
pub(super) async fn rule_reach(
    on: impl Into<Target<'_>>,
    recipient: &str,
) -> Result<RuleReach, sqlx::Error> {
    let row = sql(
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM access_rules WHERE recipient = $1 AND kind = 'everything') THEN 2 \
         WHEN EXISTS (SELECT 1 FROM access_rules WHERE recipient = $1) THEN 1 ELSE 0 END AS BIGINT)",
    )
    .bind(recipient)
    .fetch_one(on)
    .await?;
    Ok(match row.get::<i64>(0)? {
        0 => RuleReach::Nothing,
        1 => RuleReach::Objects,
        _ => RuleReach::Everything,
    })
}

async fn insert(
    transaction: &mut Transaction,
    recipient: &str,
    rule: &Stored,
) -> Result<bool, sqlx::Error> {
    let inserted = sql(
        "INSERT INTO access_rules (recipient, kind, value, starts, ends) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    );
    Ok(rule.bound(inserted, recipient).execute(transaction).await? > 0)
}

async fn delete(
    transaction: &mut Transaction,
    recipient: &str,
    rule: &Stored,
) -> Result<bool, sqlx::Error> {
    let deleted = sql(
        "DELETE FROM access_rules WHERE recipient = $1 AND kind = $2 AND value = $3 AND starts = $4 AND ends = $5",
    );
    Ok(rule.bound(deleted, recipient).execute(transaction).await? > 0)
}

impl Stored {
    /// Gives `$1` to `$5` their values: the whole key of a rule.
    pub(super) fn bound<'q>(
        &'q self,
        statement: super::statement::Statement<'q>,
        recipient: &'q str,
    ) -> super::statement::Statement<'q> {
        statement
            .bind(recipient)
            .bind(self.kind)
            .bind(&self.value)
            .bind(self.starts)
            .bind(self.ends)
    }
}

fn stored(rule: &AccessRule) -> Stored {
    let (kind, value, period) = match rule {
        AccessRule::Everything => ("everything", String::new(), Period::default()),
        AccessRule::Footprint(id) => ("footprint", id.to_string(), Period::default()),
        AccessRule::Shipment(id) => ("shipment", id.clone(), Period::default()),
        AccessRule::Toc(id) => ("toc", id.clone(), Period::default()),
        AccessRule::Hoc(id) => ("hoc", id.clone(), Period::default()),
        AccessRule::Consignment(id) => ("consignment", id.clone(), Period::default()),
        AccessRule::Tad(id) => ("tad", id.clone(), Period::default()),
        AccessRule::Period(period) => ("period", String::new(), *period),
    };
    Stored {
        kind,
        value,
        starts: period.from.map_or(i64::MIN, ticks),
        ends: period.until.map_or(i64::MAX, ticks),
    }
}

fn rule(row: &Row) -> Result<AccessRule, sqlx::Error> {
    let value = row.text(1)?;
    let end = |column, open| {
        let end = row.get::<i64>(column)?;
        Ok::<Option<Timestamp>, sqlx::Error>((end != open).then(|| of_ticks(end)))
    };
    Ok(match row.text(0)?.as_str() {
        "everything" => AccessRule::Everything,
        "footprint" => {
            let id = value.parse();
            AccessRule::Footprint(id.map_err(|error| sqlx::Error::Decode(Box::new(error)))?)
        }
        "shipment" => AccessRule::Shipment(value),
        "toc" => AccessRule::Toc(value),
        "hoc" => AccessRule::Hoc(value),
        "consignment" => AccessRule::Consignment(value),
        "tad" => AccessRule::Tad(value),
        "period" => AccessRule::Period(Period {
            from: end(2, i64::MIN)?,
            until: end(3, i64::MAX)?,
        }),
        kind => {
            return Err(sqlx::Error::Decode(
                format!("no access rule is called {kind}").into(),
            ));
        }
    })
}
