//! A PostgreSQL server of a test's own, and what its owner may do there.

#[expect(dead_code, reason = "the store's own tests use the rest of it")]
#[path = "../../../ileap-server/src/store/sql/tests/postgres/server.rs"]
mod server;

use std::{path::PathBuf, process::Command};

use self::server::Server;

/// A server, which ends with this.
pub(crate) struct Postgres(Server);

impl Postgres {
    pub(crate) fn start() -> Self {
        Self(Server::start())
    }

    /// Its only database.
    pub(crate) fn url(&self) -> String {
        self.0.url("postgres")
    }

    /// Where its socket is.
    pub(crate) fn directory(&self) -> String {
        let socket = PathBuf::from(self.0.socket());
        socket.parent().unwrap().display().to_string()
    }

    /// Where its programs are.
    pub(crate) fn programs() -> PathBuf {
        server::programs()
    }

    /// Runs statements; what they say, without decoration.
    pub(crate) fn execute(&self, statements: &str) -> String {
        let output = Command::new(server::programs().join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statements,
            ])
            .args(["-d", &self.url()])
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statements}: {complaints}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
