//! Databases for tests, on a server that all tests of a process share.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;

use super::server::{Server, VARIABLE};

/// A new, empty database on the server that all tests share.
pub(crate) struct TestDatabase {
    admin: String,
    name: String,
    pub(crate) url: String,
}

impl TestDatabase {
    #[expect(
        clippy::disallowed_methods,
        reason = "the variable is the tests', not the configuration's"
    )]
    pub(crate) async fn new() -> Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ileap_test_{}_{number}", std::process::id());
        let admin = std::env::var(VARIABLE)
            .unwrap_or_else(|_| SHARED.get_or_init(Server::start).url("postgres"));
        let mut url = Url::parse(&admin).unwrap();
        url.set_path(&name);
        run(&admin, format!("CREATE DATABASE {name}")).await;
        Self {
            admin,
            name,
            url: url.into(),
        }
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let admin = self.admin.clone();
        let dropping = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(run(&admin, drop));
        });
        let _ = dropping.join();
    }
}

async fn run(admin: &str, statement: String) {
    let mut connection = PgConnection::connect(admin).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
}
