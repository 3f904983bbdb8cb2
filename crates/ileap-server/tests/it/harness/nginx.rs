//! A real nginx in front of a server.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
};

use tokio::net::TcpStream;

use super::TestServer;

pub(crate) struct Nginx {
    pub(crate) address: String,
    directory: tempfile::TempDir,
    process: Child,
}

impl Nginx {
    /// Passes everything on, over connections that it keeps.
    pub(crate) async fn before(server: &TestServer) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let directory = tempfile::tempdir().unwrap();
        let (path, upstream) = (
            directory.path().display(),
            server.base.strip_prefix("http://").unwrap(),
        );
        let config = format!(
            "daemon off; pid {path}/pid; error_log {path}/error.log; worker_processes 1;\n\
             events {{ worker_connections 256; }}\n\
             http {{ log_format target $request_uri; access_log {path}/access target; client_body_temp_path {path}/b; proxy_temp_path {path}/p;\n\
             fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             upstream ileap {{ server {upstream}; keepalive 8; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://ileap; proxy_http_version 1.1;\n\
             proxy_request_buffering off; proxy_set_header Connection \"\"; }} }} }}\n"
        );
        let file = directory.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let process = listening(&file, &address).await;
        Self {
            address,
            directory,
            process,
        }
    }
}

/// Starts nginx with this configuration and waits until it listens at `address`.
async fn listening(configuration: &Path, address: &str) -> Child {
    let words = configuration.with_file_name("nginx.stderr");
    let mut nginx = Command::new("nginx")
        .arg("-c")
        .arg(configuration)
        .args(["-e", "stderr"])
        .stdin(Stdio::null())
        .stderr(File::create(&words).unwrap())
        .spawn()
        .expect("nginx, which Debian has as nginx-light");
    while TcpStream::connect(address).await.is_err() {
        if let Some(status) = nginx.try_wait().unwrap() {
            panic!("nginx: {status}\n{}", fs::read_to_string(&words).unwrap());
        }
        tokio::task::yield_now().await;
    }
    nginx
}

#[tokio::test]
#[should_panic(expected = "unknown directive \"nonsense\"")]
async fn an_nginx_that_ends_at_once_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nginx.conf");
    fs::write(&file, "nonsense;").unwrap();
    listening(&file, "127.0.0.1:9").await;
}

impl Nginx {
    /// How many requests for `path` it has seen, once it has ended them.
    pub(crate) fn seen(&self, path: &str) -> usize {
        let log = fs::read_to_string(self.directory.path().join("access"));
        let log = log.unwrap_or_default();
        log.lines().filter(|target| *target == path).count()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with it when it is asked to; killed, it would leave the worker behind.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
    }
}
