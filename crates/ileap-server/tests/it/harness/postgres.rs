//! PostgreSQL, as the store's own tests have it.

#[expect(dead_code, reason = "the store's own tests use the rest of it")]
#[path = "../../../src/store/sql/tests/postgres/database.rs"]
pub(crate) mod database;
#[expect(dead_code, reason = "the store's own tests use the rest of it")]
#[path = "../../../src/store/sql/tests/postgres/server.rs"]
pub(crate) mod server;
