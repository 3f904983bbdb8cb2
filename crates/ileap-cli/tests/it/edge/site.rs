//! A server's directory: configuration, keys, one user, a log.

use std::{path::PathBuf, process::Child, sync::OnceLock};

use tempfile::TempDir;

use super::*;
use crate::{
    admin,
    commands::{Running, ileap},
    static_users::{hash, write_users},
};

pub(super) const SECRET: &str = "quartz+Lantern 4711 and more";

pub(super) struct Site {
    pub(super) address: String,
    admin: String,
    directory: TempDir,
    keys: OnceLock<String>,
}

/// A server that runs.
pub(super) struct Server(Running);

impl Site {
    pub(super) fn new(settings: &str) -> Self {
        let site = Self {
            address: free_address(),
            admin: free_address(),
            directory: tempfile::tempdir().unwrap(),
            keys: OnceLock::new(),
        };
        write_users(&site.path("users.toml"), &[("acme", &hash(SECRET))]);
        site.write_config(settings);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Signs with the other one's keys.
    pub(super) fn shares_keys_of(&self, other: &Self) {
        self.keys.set(other.file("keys")).unwrap();
        self.write_config("");
    }

    /// What every site has, and `settings`; a section that both have is written once.
    pub(super) fn write_config(&self, settings: &str) {
        let listener = format!(
            "bind = \"{}\"\nadmin_bind = \"{}\"\nrequests_per_address = 0\n",
            self.address, self.admin
        );
        let sections = [
            ("listener", listener),
            (
                "verifier",
                "kind = \"static_users\"\n[verifier.static_users]\nfile = \"FILE\"\n"
                    .replace("FILE", &self.file("users.toml")),
            ),
            (
                "keys",
                format!(
                    "directory = \"{}\"\n",
                    self.keys
                        .get()
                        .cloned()
                        .unwrap_or_else(|| self.file("keys"))
                ),
            ),
            ("store", "url = \"sqlite::memory:\"\n".to_owned()),
            ("token", "algorithm = \"ES256\"\n".to_owned()),
            ("log", "format = \"json\"\n".to_owned()),
        ];
        let mut text = settings.to_owned();
        for (section, content) in sections {
            let head = format!("[{section}]\n");
            if text.contains(&head) {
                text = text.replace(&head, &format!("{head}{content}"));
            } else {
                text = format!("{text}{head}{content}");
            }
        }
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.path("ileap.toml")).unwrap();
    }

    /// The server, from a shell: `$0` is the command, `$1` the configuration.
    pub(super) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        let ileap = ileap(&[]).get_program().to_owned();
        command
            .arg("-c")
            .arg(script)
            .arg(ileap)
            .arg(self.path("ileap.toml"));
        self.prepare(&mut command);
        command
    }

    pub(super) fn serve(&self) -> Command {
        let mut command = ileap(&["serve", "--config"]);
        command.arg(self.path("ileap.toml"));
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.unwrap());
    }

    /// Waits until the server says that it is ready.
    pub(super) fn up(&self, child: Child) -> Server {
        let mut server = Server(Running(child));
        eventually(|| {
            let ended = server.0.0.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", self.log());
            self.admin("/readyz").contains("200 OK")
        });
        server
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What a GET brings, with a token where there is one; empty when nobody answers.
    pub(super) fn get(&self, path: &str, token: &str) -> String {
        exchange(&self.address, &get(path, token))
    }

    /// A connection to the admin listener.
    pub(super) fn scraper(&self) -> TcpStream {
        TcpStream::connect(&self.admin).unwrap()
    }

    /// What the admin listener answers; empty when it is not there.
    pub(super) fn admin(&self, path: &str) -> String {
        admin::get(&self.admin, path)
    }

    /// The sum of the metrics that begin like this.
    pub(super) fn count(&self, metric: &str) -> u64 {
        admin::count(&self.admin, metric)
    }
}

impl Server {
    pub(super) fn signal(&self, name: &str) {
        let pid = self.0.0.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Sets how many files it may have open.
    pub(super) fn may_open(&self, files: &str) {
        let pid = self.0.0.id().to_string();
        let limit = format!("--nofile={files}:");
        let set = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
        assert!(set.unwrap().success());
    }

    /// Asks it to end; its exit code.
    pub(super) fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it has ended; its exit code.
    pub(super) fn wait(&mut self) -> Option<i32> {
        self.0.0.wait().unwrap().code()
    }
}
