//! nginx with the configuration that is shipped, in front of servers, on ports of the test's.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    commands::Running,
    static_users::{eventually, free_address},
};

/// A file of `deploy/`.
pub(crate) fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes `fullchain.pem` and `privkey.pem`, for a host of this name.
pub(crate) fn write_certificate(directory: &Path, name: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    fs::write(directory.join("fullchain.pem"), certificate.pem()).unwrap();
    fs::write(directory.join("privkey.pem"), key.serialize_pem()).unwrap();
}

/// nginx, or where it will be.
pub(crate) struct Front {
    pub(crate) https: String,
    pub(crate) http: String,
    directory: TempDir,
    nginx: Option<Running>,
}

impl Front {
    /// Addresses and a certificate.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        write_certificate(directory.path(), "127.0.0.1");
        Self {
            https: free_address(),
            http: free_address(),
            directory,
            nginx: None,
        }
    }

    /// What vouches for it.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("fullchain.pem")
    }

    /// Starts nginx with one line of `upstream` for each server, like those that are shipped.
    pub(crate) fn start(&mut self, servers: &[String]) {
        let directory = self.directory.path().to_str().unwrap();
        let mut config = shipped("nginx.conf");
        let mut change = |shipped: &str, here: &str| {
            assert!(config.contains(shipped), "{shipped} is in nginx.conf");
            config = config.replace(shipped, here);
        };
        let line = |server: &str| format!("server {server} max_fails=2 fail_timeout=5s;");
        let lines: String = servers.iter().map(|server| line(server)).collect();
        change(&line("10.0.0.11:8080"), &lines);
        change(&line("10.0.0.12:8080"), "");
        change("listen 443 ssl", &format!("listen {} ssl", self.https));
        // The machine that tests may have no IPv6.
        change("listen [::]", "#");
        change("listen 80 ", &format!("listen {} ", self.http));
        change("/etc/ssl/ileap", directory);
        change("/var/log/nginx", directory);
        change("/run/nginx.pid", &format!("{directory}/nginx.pid"));
        change("worker_processes auto;", "daemon off; master_process off;");
        let path = self.directory.path().join("nginx.conf");
        fs::write(&path, config).unwrap();
        self.nginx = Some(listening(&path, &self.https));
    }
}

/// Starts nginx with this configuration and waits until it listens at `address`.
pub(crate) fn listening(configuration: &Path, address: &str) -> Running {
    let words = configuration.with_file_name("nginx.stderr");
    let nginx = Command::new("nginx")
        .arg("-c")
        .arg(configuration)
        .args(["-e", "stderr"])
        .stdin(Stdio::null())
        .stderr(File::create(&words).unwrap())
        .spawn()
        .expect("nginx is installed: scripts/test install");
    let mut nginx = Running(nginx);
    eventually(|| {
        if let Some(status) = nginx.0.try_wait().unwrap() {
            panic!("nginx: {status}\n{}", fs::read_to_string(&words).unwrap());
        }
        TcpStream::connect(address).is_ok()
    });
    nginx
}

#[test]
#[should_panic(expected = "invalid port in upstream")]
fn an_nginx_that_ends_at_once_says_why() {
    Front::new().start(&["127.0.0.1:none".to_owned()]);
}
