//! How a database in PostgreSQL is.

use sqlx::{PgConnection, Row as _};

use super::Condition;
use crate::store::{
    StoreError,
    sql::{postgres, unavailable},
};

pub(super) async fn condition(url: &str) -> Result<Condition, StoreError> {
    let connected = async { postgres::connect(&postgres::options(url)?).await };
    let mut connection = match connected.await {
        Ok(connection) => connection,
        Err(error) => return Err(postgres::unreached(url, error).await),
    };
    let looking = tokio::time::timeout(postgres::CALL_TIMEOUT, look(&mut connection)).await;
    let condition =
        looking.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
    condition.map_err(unavailable("asking the database for its version"))
}

async fn look(connection: &mut PgConnection) -> Result<Condition, sqlx::Error> {
    let table = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let version = if table.try_get(0)? {
        sqlx::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
            .fetch_one(&mut *connection)
            .await?
            .try_get(0)?
    } else {
        0
    };
    let condition = Condition::of_version(version);
    let setting = sqlx::query("SELECT current_setting('transaction_read_only')");
    let setting = setting.fetch_one(&mut *connection).await?;
    let is_read_only = setting.try_get::<String, _>(0)? == "on";
    Ok(if is_read_only && condition != Condition::Newer {
        Condition::Standby
    } else {
        condition
    })
}
