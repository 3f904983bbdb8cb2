//! The manual's way from nothing to two instances behind nginx, as it is written, on addresses and in directories of
//! the test's.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser};
use tempfile::TempDir;

use crate::{
    cluster::{self, CLIENT, Load, SECRET},
    front::{self, shipped},
    postgres::Postgres,
    static_users::free_address,
};

const MANUAL: &str = include_str!("../../../../docs/operations.md");

/// What Debian, systemd and other machines would do.
const STAND_INS: &str = r#"
apt-get() { :; }
cargo() { :; }
runuser() { shift 3; PGHOST=$POSTGRES PGUSER=postgres "$@"; }
scp() { cp -pr "$ROOT/$FIRST/etc/ileap" "$ROOT/$MACHINE/etc/"; }
nginx() { command nginx -e stderr -c "$ROOT/$MACHINE/etc/nginx/nginx.conf" "$@"; }
systemctl() {
    case "$*" in
        daemon-reload) ;;
        'enable --now ileap' | 'start ileap') start ;;
        'stop ileap') stop ;;
        'restart ileap') stop && start ;;
        # By way of env, so that the process is nginx itself and ends with the test.
        'restart nginx') run env nginx -e stderr -c "$ROOT/$MACHINE/etc/nginx/nginx.conf" && until curl --silent --output /dev/null "$PUBLIC"; do sleep 0.05; done ;;
        *) echo "systemctl $*?" >&2 && return 1 ;;
    esac
}
unit() { sed -n "s/^$1=//p" "$ROOT/$MACHINE/etc/systemd/system/ileap.service"; }
start() {
    unit LoadCredential | while IFS=: read -r name file; do
        cp "$file" "$ROOT/$MACHINE/run/credentials/ileap.service/$name"
    done
    (set -a && . "$(unit EnvironmentFile)" && run $(unit ExecStart))
}
run() {
    "$@" >>"$ROOT/$MACHINE/log" 2>&1 </dev/null &
    echo $! >"$ROOT/$MACHINE/pid"
}
stop() {
    local pid
    pid=$(cat "$ROOT/$MACHINE/pid")
    kill -TERM "$pid"
    while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do sleep 0.05; done
}
"#;

/// The commands of one or several steps in a row, and where they are given.
#[derive(Debug)]
struct Commands {
    machines: Vec<String>,
    script: String,
}

/// What stands in `sh` blocks, with the machines that the line "On ..." before it names. In `shell` blocks is what a test
/// cannot do: bring a compiler, or change the machine's PostgreSQL.
fn commands() -> Vec<Commands> {
    let (_, section) = MANUAL.split_once("\n## Deploying\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut all: Vec<Commands> = Vec::new();
    let (mut machines, mut is_sh) = (Vec::new(), false);
    for line in section.lines() {
        if line == "```sh" {
            is_sh = true;
            if all
                .last()
                .is_none_or(|commands| commands.machines != machines)
            {
                let (machines, script) = (machines.clone(), String::new());
                all.push(Commands { machines, script });
            }
        } else if line == "```" {
            is_sh = false;
        } else if is_sh {
            let script = &mut all.last_mut().unwrap().script;
            script.push_str(line);
            script.push('\n');
        } else if line.starts_with("On `") {
            let names = line.split('`').skip(1).step_by(2);
            let names = names.filter(|name| name.starts_with("10.") || *name == "db.example.com");
            machines = names.map(str::to_owned).collect();
        }
    }
    all
}

/// The machines, each a directory and an address.
struct Machines {
    root: TempDir,
    /// Of all addresses, in place of `10.0.0.`.
    network: String,
    public: String,
    plain: String,
    postgres: Postgres,
    clerk: ClerkEmulator,
}

impl Machines {
    async fn new() -> Self {
        let process = std::process::id();
        let options = EmulatorOptions {
            users: vec![EmulatorUser::with_username(CLIENT, SECRET).member_of("acme", "all")],
            ..EmulatorOptions::default()
        };
        let port = |address: String| address.rsplit_once(':').unwrap().1.to_owned();
        let machines = Self {
            root: tempfile::tempdir().unwrap(),
            network: format!("127.{}.{}.", 1 + process / 250 % 250, 1 + process % 250),
            public: port(free_address()),
            plain: port(free_address()),
            postgres: Postgres::start(),
            clerk: ClerkEmulator::start(options).await.unwrap(),
        };
        for name in ["10.0.0.10", "10.0.0.11", "10.0.0.12"] {
            for directory in [
                "etc/nginx",
                "etc/ssl/ileap",
                "etc/systemd/system",
                "run/credentials/ileap.service",
                "usr/local/bin",
                "var/lib/ileap",
                "var/log/nginx",
            ] {
                fs::create_dir_all(machines.directory(name).join(directory)).unwrap();
            }
        }
        let proxy = machines.translated("10.0.0.10", "10.0.0.10");
        front::write_certificate(&machines.certificates(), &proxy);
        machines
    }

    fn directory(&self, machine: &str) -> PathBuf {
        self.root.path().join(self.addressed(machine))
    }

    fn certificates(&self) -> PathBuf {
        self.directory("10.0.0.10").join("etc/ssl/ileap")
    }

    fn addressed(&self, text: &str) -> String {
        text.replace("10.0.0.", &self.network)
            .replace(r"10\.0\.0\.", &self.network.replace('.', r"\."))
    }

    /// A text with addresses, names and paths of the test's, as of this machine.
    fn translated(&self, text: &str, machine: &str) -> String {
        let directory = self.directory(machine);
        let mut text = text.to_owned();
        for path in [
            "/etc/",
            "/run/",
            "/usr/local/bin/",
            "/var/lib/",
            "/var/log/",
        ] {
            text = text.replace(path, &format!("{}{path}", directory.display()));
        }
        let public = format!("https://10.0.0.10:{}", self.public);
        text = text.replace("https://ileap.example.com", &public);
        let socket = self.postgres.directory().replace('/', "%2F");
        self.addressed(&text.replace("@db.example.com/", &format!("@{socket}/")))
    }

    /// A checkout of the repository, as of this machine.
    fn checkout(&self, machine: &str) -> PathBuf {
        let checkout = self.directory(machine).join("checkout");
        fs::create_dir_all(checkout.join("target/release")).unwrap();
        fs::create_dir_all(checkout.join("deploy")).unwrap();
        let built = checkout.join("target/release/ileap");
        let _ = fs::remove_file(&built);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ileap"), built).unwrap();
        for name in ["ileap.service", "nginx.conf"] {
            let file = self.translated(&shipped(name), machine);
            let listen = |port: &str| self.addressed(&format!("listen 10.0.0.10:{port} "));
            let file = file
                .replace("listen 443 ", &listen(&self.public))
                .replace("listen 80 ", &listen(&self.plain))
                .replace("listen [::]", "#")
                .replace("worker_processes auto;", "daemon off; master_process off;");
            fs::write(checkout.join("deploy").join(name), file).unwrap();
        }
        checkout
    }

    /// The service's user reads the configuration, and gets the secrets from nobody but systemd.
    fn are_secrets_alone_hidden(&self, machine: &str) {
        let etc = self.directory(machine).join("etc/ileap");
        let secrets = etc.join("secrets");
        let others_may = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7;
        assert_eq!(others_may(&etc), 0o5, "{machine}");
        assert_eq!(others_may(&etc.join("ileap.toml")), 0o4, "{machine}");
        assert_eq!(others_may(&secrets), 0, "{machine}");
        let secrets: Vec<_> = fs::read_dir(secrets)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(secrets.len(), 4, "{secrets:?}");
        for secret in secrets {
            assert_eq!(others_may(&secret), 0, "{}", secret.display());
        }
    }

    /// What the commands print, given what is typed.
    fn run(&self, commands: &Commands, typed: &str) -> String {
        let mut printed = String::new();
        for machine in &commands.machines {
            let script = self.translated(&commands.script, machine);
            let programs = self.directory(machine).join("usr/local/bin");
            let path = std::env::var_os("PATH").unwrap();
            let paths = std::env::split_paths(&path);
            let paths = [programs, Postgres::programs(), "/usr/sbin".into()]
                .into_iter()
                .chain(paths);
            let mut shell = Command::new("bash")
                .args(["-euc", &format!("{STAND_INS}\n{script}")])
                .env_clear()
                .env("PATH", std::env::join_paths(paths).unwrap())
                .env("ROOT", self.root.path())
                .env("MACHINE", self.addressed(machine))
                .env("FIRST", self.addressed("10.0.0.11"))
                .env(
                    "PUBLIC",
                    self.translated("https://ileap.example.com", machine),
                )
                .env("POSTGRES", self.postgres.directory())
                .env("CURL_CA_BUNDLE", self.certificates().join("fullchain.pem"))
                .env("SSL_CERT_FILE", self.certificates().join("fullchain.pem"))
                .env(
                    "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
                    self.clerk.backend_api_url(),
                )
                .env(
                    "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
                    self.clerk.frontend_api_url(),
                )
                .current_dir(self.checkout(machine))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let _ = shell.stdin.take().unwrap().write_all(typed.as_bytes());
            let output = shell.wait_with_output().unwrap();
            let [stdout, stderr] =
                [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
            let log = fs::read_to_string(self.directory(machine).join("log")).unwrap_or_default();
            assert!(
                output.status.success(),
                "on {machine}:\n{script}\n{stdout}\n{stderr}\n{log}"
            );
            printed.push_str(&stdout);
        }
        printed
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for machine in ["10.0.0.10", "10.0.0.11", "10.0.0.12"] {
            if let Ok(pid) = fs::read_to_string(self.directory(machine).join("pid")) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_from_nothing_to_two_instances_works_as_it_is_written() {
    let steps = commands();
    let places: Vec<_> = steps.iter().map(|step| step.machines.join("+")).collect();
    assert_eq!(
        places,
        [
            "db.example.com",
            "10.0.0.11+10.0.0.12",
            "10.0.0.11",
            "10.0.0.12",
            "10.0.0.10",
            "10.0.0.11",
            "10.0.0.12",
            "db.example.com"
        ]
    );
    let machines = Machines::new().await;
    let password = machines.run(&steps[0], "");
    machines.run(&steps[1], "");
    let secrets = [
        machines.clerk.secret_key(),
        machines.clerk.webhook_signing_secret(),
        password.trim(),
    ];
    let ready = machines.run(&steps[2], &format!("{}\n", secrets.join("\n")));
    assert_eq!(ready, "ready\n");
    machines.are_secrets_alone_hidden("10.0.0.11");
    let ready = machines.run(&steps[3], "");
    let (ready, kids) = ready.split_once('\n').unwrap();
    let kids: Vec<_> = kids.lines().collect();
    assert_eq!(ready, "ready");
    assert!(kids.len() == 2 && kids[0] == kids[1], "{kids:?}");
    machines.are_secrets_alone_hidden("10.0.0.12");
    machines.run(&steps[4], "");

    // From here on partners are there, and forgive nothing.
    let certificate = machines.certificates().join("fullchain.pem");
    let public = machines.translated("https://ileap.example.com", "10.0.0.10");
    let load = Load::by(&public, || cluster::caller(&certificate, "127.0.0.1"));
    let printed = machines.run(&steps[5], &format!("{CLIENT}\n{SECRET}\n"));
    assert!(printed.contains("\"access_token\""), "{printed}");
    let states: BTreeSet<_> = ["active", "published"]
        .into_iter()
        .filter(|state| printed.contains(state))
        .collect();
    assert_eq!(states.len(), 2, "{printed}");
    let partner = cluster::caller(&certificate, "127.0.0.1");
    let keys = || partner.send(partner.get(&format!("{public}/jwks"), None));
    while keys().await.unwrap().body.matches("\"kid\"").count() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    machines.run(&steps[6], "");
    load.goes_on();
    assert_eq!(load.end().await.1, Vec::<String>::new());

    // The other one is stopped already.
    let on_the_first = |script: &str| Commands {
        machines: vec!["10.0.0.11".to_owned()],
        script: format!("{script}\n"),
    };
    let before = keys().await.unwrap().body;
    machines.run(&on_the_first("systemctl stop ileap"), "");
    machines.run(&steps[7], "");
    machines.run(&on_the_first("systemctl start ileap"), "");
    while keys().await.unwrap().body != before {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every file that the way names is there.
#[test]
fn the_way_names_files_that_are_shipped() {
    let (_, section) = MANUAL.split_once("\n## Deploying\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let names: BTreeSet<_> = section
        .split(|char: char| char.is_whitespace() || char == '`')
        .filter(|word| word.starts_with("deploy/") && word.len() > 7)
        .collect();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(name);
        assert!(path.exists(), "{name}");
    }
}
