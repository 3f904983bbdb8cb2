//! PostgreSQL servers for tests that stop theirs, and for the one that all tests of a process share.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The URL of a server, by a role that may make databases, to use in place of the one that tests share.
pub(crate) const VARIABLE: &str = "ILEAP_TEST_POSTGRES";

/// Makes a server in a new directory, writes that, and obeys: `stop`, `start`, or the end of the input, by
/// which it also learns that the tests are gone. Only those who may enter the directory can connect.
const SCRIPT: &str = r#"
set -e
directory=$(mktemp -d)
trap 'pg_ctl stop -D "$directory/data" -m immediate -s >&2 || true; rm -rf "$directory"' EXIT
trap '' INT TERM HUP PIPE
cd "$directory"
initdb -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >log 2>&1 || { cat log >&2; exit 1; }
start() {
    pg_ctl start -D data -w -s -l log \
        -o "-c listen_addresses= -c unix_socket_directories='$directory' -c fsync=off -c max_connections=500" >&2 ||
        { cat log >&2; exit 1; }
}
start
echo "$directory"
while read -r word; do
    case $word in
        stop) pg_ctl stop -D data -m immediate -s >&2 ;;
        start) start ;;
    esac
    echo done
done
"#;

/// A server of our own, which ends with this, or with the process.
pub(crate) struct Server {
    directory: String,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    shell: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut command = as_postgres(&programs());
        let mut shell = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self {
            directory: String::new(),
            input: shell.stdin.take().unwrap(),
            output: BufReader::new(shell.stdout.take().unwrap()),
            shell,
        };
        server.directory = server.answer();
        server
    }

    /// Does `stop` or `start`.
    pub(crate) fn order(&mut self, word: &str) {
        writeln!(self.input, "{word}").unwrap();
        assert_eq!(self.answer(), "done");
    }

    /// Where its socket is.
    pub(crate) fn socket(&self) -> String {
        format!("{}/.s.PGSQL.5432", self.directory)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres:///{database}?user=postgres&host={}",
            self.directory
        )
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "PostgreSQL did not start; see above");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "stop");
        let _ = self.output.read_line(&mut String::new());
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Where `initdb` and `pg_ctl` are: on the path, or where Debian keeps them.
pub(crate) fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut debian: Vec<_> = debian
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    debian.sort();
    let has_both = |directory: &&PathBuf| {
        directory.join("initdb").exists() && directory.join("pg_ctl").exists()
    };
    let found = debian.iter().rev().chain(&on_path).find(has_both);
    found
        .unwrap_or_else(|| {
            panic!(
                "there is no PostgreSQL here: install it (Debian's package is postgresql), or name a server in \
                 {VARIABLE}"
            )
        })
        .clone()
}

/// A shell with the script. PostgreSQL does not run as root; then it runs as the user its package made, or as
/// nobody.
fn as_postgres(programs: &Path) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    });
    let mut command = if is_root {
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let has_postgres = accounts.lines().any(|line| line.starts_with("postgres:"));
        let user = if has_postgres { "postgres" } else { "nobody" };
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--clear-groups", "sh"]);
        // Where everybody may make a directory.
        command.env("TMPDIR", "/tmp");
        command
    } else {
        Command::new("sh")
    };
    let mut path = vec![programs.to_owned()];
    let before = std::env::var_os("PATH").unwrap_or_default();
    path.extend(std::env::split_paths(&before));
    command
        .args(["-c", SCRIPT])
        .env("PATH", std::env::join_paths(path).unwrap());
    command
}
