//! A real nginx in front of servers.

use std::fmt::Write as _;

use super::*;
use crate::{commands::Running, front::listening};

pub(super) struct Nginx {
    pub(super) address: String,
    directory: tempfile::TempDir,
    process: Running,
}

impl Nginx {
    /// With connections to the servers that it keeps, and nobody asking whether they are ready: it learns that one
    /// is gone when it cannot connect.
    pub(super) fn before(servers: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (address, path) = (free_address(), directory.path().display());
        let mut upstream = String::new();
        for server in servers {
            write!(upstream, "server {server} max_fails=0; ").unwrap();
        }
        let config = format!(
            "daemon off; pid {path}/pid; error_log {path}/error.log; worker_processes 1;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; client_body_temp_path {path}/b; proxy_temp_path {path}/p;\n\
             fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             upstream ileap {{ {upstream} keepalive 8; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://ileap; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; }} }} }}\n"
        );
        let file = directory.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let process = listening(&file, &address);
        Self {
            address,
            directory,
            process,
        }
    }

    /// What it has complained of.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with it when it is asked to; killed, it would leave the worker behind.
        let pid = self.process.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.0.wait();
    }
}
