//! Signing keys, as rows.

use super::{
    SqlStore,
    database::{Lock, Target},
    moment, nanoseconds,
    statement::{Row, sql},
    unavailable,
};
use crate::{
    store::{
        StoreError,
        keys::{KeyChange, KeyRecords, KeyRow},
    },
    token::KeyRecord,
};

#[async_trait::async_trait]
impl KeyRecords for SqlStore {
    async fn signing_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let rows = rows((&self.readers).into()).await;
        rows.map_err(unavailable("reading the signing keys"))
    }

    async fn sealed_signing_key(&self, kid: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let failed = unavailable("reading a signing key");
        let row = sql("SELECT sealed FROM signing_keys WHERE kid = $1 AND revoked_at IS NULL")
            .bind(kid)
            .fetch_optional(&self.readers)
            .await
            .map_err(&failed)?;
        row.map(|row| row.get(0)).transpose().map_err(&failed)
    }

    async fn change_signing_keys(
        &self,
        expected: &[KeyRecord],
        change: &KeyChange,
    ) -> Result<bool, StoreError> {
        let changed = async {
            let mut transaction = self.writer.begin(Lock::SigningKeys).await?;
            let rows = rows((&mut transaction).into()).await?;
            let mut valid: Vec<_> = rows
                .iter()
                .filter(|row| row.revoked_at.is_none())
                .map(|row| &row.record)
                .collect();
            let mut expected: Vec<_> = expected.iter().collect();
            valid.sort_by(|a, b| a.kid.cmp(&b.kid));
            expected.sort_by(|a, b| a.kid.cmp(&b.kid));
            if valid != expected {
                return Ok(false);
            }
            for statement in statements(change) {
                statement.execute(&mut transaction).await?;
            }
            transaction.commit().await?;
            Ok(true)
        };
        changed
            .await
            .map_err(unavailable("changing the signing keys"))
    }
}

fn statements(change: &KeyChange) -> Vec<super::Statement<'_>> {
    let later = change.signs_from.iter().map(|(kid, signs_from)| {
        sql("UPDATE signing_keys SET signs_from = $2 WHERE kid = $1")
            .bind(kid)
            .bind(nanoseconds(*signs_from))
    });
    let added = change.add.iter().map(|new| {
        sql(
            "INSERT INTO signing_keys (kid, algorithm, published_at, signs_from, sealed) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&new.record.kid)
        .bind(new.record.algorithm.as_str())
        .bind(nanoseconds(new.record.published_at))
        .bind(nanoseconds(new.record.signs_from))
        .bind(new.sealed.as_slice())
    });
    let revoked = change.revoke.iter().map(|(kid, at)| {
        sql("UPDATE signing_keys SET revoked_at = $2, sealed = NULL WHERE kid = $1")
            .bind(kid)
            .bind(nanoseconds(*at))
    });
    let removed =
        (change.remove.iter()).map(|kid| sql("DELETE FROM signing_keys WHERE kid = $1").bind(kid));
    later.chain(added).chain(revoked).chain(removed).collect()
}

async fn rows(target: Target<'_>) -> Result<Vec<KeyRow>, sqlx::Error> {
    let rows = sql("SELECT kid, algorithm, published_at, signs_from, revoked_at FROM signing_keys")
        .fetch_all(target)
        .await?;
    rows.iter().map(key_row).collect()
}

fn key_row(row: &Row) -> Result<KeyRow, sqlx::Error> {
    let algorithm = row.text(1)?.parse();
    Ok(KeyRow {
        record: KeyRecord {
            kid: row.text(0)?,
            algorithm: algorithm.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            published_at: moment(row.get(2)?),
            signs_from: moment(row.get(3)?),
        },
        revoked_at: row.get::<Option<i64>>(4)?.map(moment),
    })
}
