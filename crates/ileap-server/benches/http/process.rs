//! Servers in processes of their own, on a core of their own where there are two.

use std::{
    env, fs,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use super::servers;

/// A server process on core 0.
pub(crate) struct Server {
    pub(crate) address: String,
    /// An access token that it takes, or the name of a file of them.
    pub(crate) token: String,
    /// The id of a footprint that it has.
    pub(crate) footprint: String,
    /// Its admin listener.
    pub(crate) admin: String,
    child: Child,
    /// Kept open: the server ends when nobody reads what it says.
    _stdout: ChildStdout,
}

impl Server {
    /// Starts this program once more, as the server of that name.
    pub(crate) fn start(name: &str) -> Self {
        let program = env::current_exe().expect("our own path");
        let mut command = if can_pin() {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let mut child = command
            .args(["--serve", name])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server process");
        let mut stdout = child.stdout.take().expect("its stdout");
        let line = servers::read_line(&mut stdout);
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        Self {
            address: word(),
            token: word(),
            footprint: word(),
            admin: word(),
            child,
            _stdout: stdout,
        }
    }

    /// Memory in use.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let figure = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        figure.unwrap_or_default()
    }

    /// Processor time used so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time that a process has used so far, in the kernel's ticks of 10 ms.
pub(crate) fn cpu_of(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // After the name, which may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let times = fields.split(' ').skip(11).take(2);
    let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// Starts over on core 1, once.
pub(crate) fn pin_self() {
    if env::var_os("PINNED").is_some() || !can_pin() {
        return;
    }
    let program = env::current_exe().expect("our own path");
    let status = Command::new("taskset")
        .args(["-c", "1"])
        .arg(program)
        .env("PINNED", "1")
        .status();
    #[expect(clippy::exit, reason = "the pinned process has done all the work")]
    std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1));
}

fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let taskset = Command::new("taskset")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    (cores > 1 || env::var_os("PINNED").is_some()) && taskset.is_ok()
}
