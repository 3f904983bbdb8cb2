//! Two servers in place of one: with `ILEAP_TEST_PAIR` set, every test meets two on one PostgreSQL database, which
//! get its connections in turn.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use ileap_server::store::sql::SqlStore;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use super::postgres::database::TestDatabase;

/// Whether tests are to meet pairs.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable is the tests', not the configuration's"
)]
pub(super) fn is_wanted() -> bool {
    std::env::var("ILEAP_TEST_PAIR").is_ok()
}

/// A database, and an address that leads to every server on it.
pub(super) struct Pair {
    database: TestDatabase,
    pub(super) base: String,
    servers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Pair {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let servers = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(front(listener, servers.clone()));
        Self {
            database: TestDatabase::new().await,
            base,
            servers,
        }
    }

    /// A store of one server's own.
    pub(super) async fn store(&self) -> Arc<SqlStore> {
        Arc::new(SqlStore::open(&self.database.url).await.unwrap())
    }

    pub(super) fn add(&self, server: SocketAddr) {
        self.servers.lock().unwrap().push(server);
    }

    pub(super) fn remove(&self, server: SocketAddr) {
        self.servers.lock().unwrap().retain(|one| *one != server);
    }
}

async fn front(listener: TcpListener, servers: Arc<Mutex<Vec<SocketAddr>>>) {
    for number in 0.. {
        let Ok((mut caller, _)) = listener.accept().await else {
            return;
        };
        let chosen = {
            let servers = servers.lock().unwrap();
            let place = number % servers.len().max(1);
            servers.get(place).copied()
        };
        let Some(chosen) = chosen else { continue };
        tokio::spawn(async move {
            let mut server = TcpStream::connect(chosen).await?;
            server.set_nodelay(true)?;
            caller.set_nodelay(true)?;
            copy_bidirectional(&mut caller, &mut server).await
        });
    }
}
