//! What lies in `deploy/` works as it lies there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    commands::{ileap, run},
    front::{Front, shipped},
    static_users::{eventually, free_address, hash, write_users},
};

const SECRET: &str = "canary:quartz+Lantern%41 4711";

fn documents() -> Vec<Value> {
    let manifest = shipped("kubernetes.yaml");
    let documents = manifest.split("\n---\n");
    documents
        .map(|document| serde_norway::from_str(document).unwrap())
        .collect()
}

fn of_kind(kind: &str) -> Value {
    let mut documents = documents().into_iter();
    documents.find(|document| document["kind"] == kind).unwrap()
}

/// The file, with the paths in it leading to what the test has made.
fn configuration(text: &str, directory: &Path) -> PathBuf {
    let mut file = text.to_owned();
    for (secret, content) in [
        ("clerk_secret_key", "sk_live_canary"),
        (
            "clerk_webhook_secret",
            "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5",
        ),
        (
            "keys_encryption_key",
            "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E=",
        ),
    ] {
        let path = directory.join(secret);
        write_private(&path, content);
        file = file.replace(
            &format!("/run/secrets/ileap/{secret}"),
            path.to_str().unwrap(),
        );
        file = file.replace(
            &format!("/run/credentials/ileap.service/{secret}"),
            path.to_str().unwrap(),
        );
    }
    let path = directory.join("ileap.toml");
    fs::write(&path, file).unwrap();
    path
}

fn write_private(path: &Path, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_configuration_in_the_kubernetes_manifest_and_in_the_manual_is_right_once_its_secrets_are_there()
 {
    let config_map = of_kind("ConfigMap");
    let of_manifest = config_map["data"]["ileap.toml"].as_str().unwrap();
    for text in [of_manifest, configuration_in_the_manual()] {
        let directory = tempfile::tempdir().unwrap();
        let path = configuration(text, directory.path());
        let (code, _, stderr) = run(ileap(&["config", "check", "--config"]).arg(&path).env(
            "ILEAP_STORE__URL",
            "postgres://ileap:canary@db.example.com/ileap",
        ));
        assert_eq!(code, 0, "{stderr}\n{text}");
    }
}

fn configuration_in_the_manual() -> &'static str {
    let manual = include_str!("../../../../docs/operations.md");
    let (_, text) = manual
        .split_once("cat >/etc/ileap/ileap.toml <<'END'\n")
        .unwrap();
    text.split_once("END\n").unwrap().0
}

#[test]
fn two_machines_set_up_by_the_manual_share_their_keys_and_get_every_secret_that_is_named() {
    let (service, text) = (shipped("ileap.service"), configuration_in_the_manual());
    assert!(text.contains("[keys]\nlocation = \"store\"\n"), "{text}");
    let named: Vec<_> = text
        .split("/run/credentials/ileap.service/")
        .skip(1)
        .collect();
    assert_eq!(named.len(), 3, "{text}");
    for secret in named {
        let (name, _) = secret.split_once('"').unwrap();
        let loaded = format!("\nLoadCredential={name}:/etc/ileap/secrets/{name}\n");
        assert!(service.contains(&loaded), "{name}");
    }
}

#[test]
fn nobody_is_killed_before_everything_is_brought_to_its_end() {
    let drain: u64 = 30;
    let longest = drain + ileap_server::server::LONGEST_STOP.as_secs();
    let defaults = run(&mut ileap(&["config", "print"])).1;
    assert!(
        defaults.contains(&format!("drain_timeout = \"{drain}s\"")),
        "{defaults}"
    );
    let manual = include_str!("../../../../docs/operations.md");
    for text in [&*shipped("ileap.service"), manual] {
        let (_, rest) = text.split_once("TimeoutStopSec=").unwrap();
        let seconds: u64 = rest.lines().next().unwrap().parse().unwrap();
        assert!(
            seconds > longest,
            "{seconds} s are too short for {longest} s"
        );
    }
    let deployment = of_kind("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let seconds = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let before = &pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
    assert!(seconds > longest + before.as_u64().unwrap(), "{seconds}");
}

#[test]
fn in_kubernetes_two_instances_run_with_as_little_as_they_need() {
    let deployment = of_kind("Deployment");
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(
        deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"],
        0
    );
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    let container = &pod["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["capabilities"]["drop"][0], "ALL");
    for (probe, path) in [
        ("startupProbe", "/healthz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ] {
        let get = &container[probe]["httpGet"];
        assert_eq!(
            (&get["path"], &get["port"]),
            (&path.into(), &"admin".into()),
            "{probe}"
        );
    }
    assert!(container["resources"]["limits"]["memory"].is_string());
    // Whatever the comment has put into the secret is what the pod takes from it.
    let manifest = shipped("kubernetes.yaml");
    for name in manifest.split("--from-file=").skip(1) {
        let name = name.split_whitespace().next().unwrap();
        assert!(manifest.contains(&format!("key: {name}")), "{name}");
    }
    // No secret stands in the manifest, and the admin listener has no service.
    assert!(
        documents()
            .iter()
            .all(|document| document["kind"] != "Secret")
    );
    let ports = of_kind("Service")["spec"]["ports"]
        .as_array()
        .unwrap()
        .clone();
    assert!(
        ports.iter().all(|port| port["targetPort"] == "http"),
        "{ports:?}"
    );
    assert_eq!(of_kind("PodDisruptionBudget")["spec"]["minAvailable"], 1);
    let policy = of_kind("NetworkPolicy");
    assert_eq!(
        policy["spec"]["policyTypes"],
        serde_json::json!(["Ingress", "Egress"])
    );
}

#[test]
fn the_image_has_no_shell_no_root_and_what_the_lock_file_names() {
    let dockerfile = shipped("Dockerfile");
    let instructions: Vec<_> = dockerfile
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let (_, last_stage) = dockerfile.rsplit_once("\nFROM ").unwrap();
    assert!(last_stage.starts_with("gcr.io/distroless/"), "{last_stage}");
    assert!(
        !last_stage.contains("\nRUN "),
        "there is no shell to run anything"
    );
    assert!(last_stage.contains("\nUSER 65532"));
    assert!(dockerfile.contains("cargo build --release --locked"));
    let toolchain = include_str!("../../../../rust-toolchain.toml");
    let version = instructions
        .iter()
        .find_map(|line| line.strip_prefix("FROM rust:"))
        .unwrap();
    let (version, _) = version.split_once('-').unwrap();
    assert!(
        toolchain.contains(&format!("\"{version}.")),
        "{version} is not that of {toolchain}"
    );
    let unit = shipped("ileap.service");
    let settings = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment="));
    let settings: Vec<_> = settings.collect();
    assert!(
        !settings.is_empty() && settings.iter().all(|setting| last_stage.contains(setting)),
        "what every server of the unit gets, every one of the image gets, too"
    );
    let secret = instructions
        .iter()
        .find(|line| line.contains("CLERK_") || line.contains("SECRET"));
    assert_eq!(secret, None);
}

/// nginx with the configuration that is shipped, in front of two servers.
struct Premises {
    directory: tempfile::TempDir,
    front: Front,
    servers: Vec<Child>,
}

impl Premises {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        write_users(&path.join("users.toml"), &[("acme", &hash(SECRET))]);
        let mut front = Front::new();
        let addresses = [free_address(), free_address()];
        let serve = |address: &String| serve(path, address, &front.https);
        let first = serve(&addresses[0]);
        let is_there = |address: &str| std::net::TcpStream::connect(address).is_ok();
        // One after the other: the first makes keys and database.
        eventually(|| is_there(&addresses[0]));
        let second = serve(&addresses[1]);
        eventually(|| is_there(&addresses[1]));
        front.start(&addresses);
        Self {
            servers: vec![first, second],
            directory,
            front,
        }
    }

    /// What curl sees: status, headers and body.
    fn curl(&self, arguments: &[&str]) -> String {
        let output = Command::new("curl")
            .args(["-sSi", "--noproxy", "*", "--cacert"])
            .arg(self.front.certificate())
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn log_in(&self, arguments: &[&str]) -> String {
        let (user, url) = (
            format!("acme:{SECRET}"),
            format!("https://{}/auth/token", self.front.https),
        );
        let mut all = vec!["-u", &user, "-d", "grant_type=client_credentials", &url];
        all.extend(arguments);
        self.curl(&all)
    }
}

impl Drop for Premises {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn serve(directory: &Path, address: &str, https: &str) -> Child {
    ileap(&["serve"])
        .env("ILEAP_PUBLIC_BASE_URL", format!("https://{https}"))
        .env("ILEAP_LISTENER__BIND", address)
        .env("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0")
        .env("ILEAP_LISTENER__BEHIND_PROXY", "true")
        .env("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.1")
        .env("ILEAP_VERIFIER__KIND", "static_users")
        .env(
            "ILEAP_VERIFIER__STATIC_USERS__FILE",
            directory.join("users.toml"),
        )
        .env("ILEAP_AUDIT__TARGET", "file")
        .env("ILEAP_TOKEN__ALGORITHM", "ES256")
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn behind_the_shipped_nginx_two_servers_answer_partners_and_know_where_they_come_from() {
    let mut premises = Premises::start();
    let liar = [
        "-H",
        "X-Forwarded-For: 192.0.2.66",
        "-H",
        "X-Request-Id: chosen",
        "-H",
        "Forwarded: for=192.0.2.66",
    ];
    for _ in 0..6 {
        let answer = premises.log_in(&liar);
        assert!(answer.starts_with("HTTP/2 200"), "{answer}");
        assert!(
            answer.contains("strict-transport-security: max-age="),
            "{answer}"
        );
        assert!(!answer.contains("nginx/"), "{answer}");
    }
    let trail = || fs::read_to_string(premises.directory.path().join("audit.jsonl")).unwrap();
    // No answer waits for the trail.
    eventually(|| trail().lines().count() >= 6);
    let trail = trail();
    let lines: Vec<Value> = trail
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 6, "both servers write to one trail: {trail}");
    for line in &lines {
        assert_eq!(
            line["client_address"], "127.0.0.1",
            "what a caller claims is not believed"
        );
        assert_ne!(line["request_id"], "chosen");
    }
    // Nor does a caller say what `/auth/verify` is asked about: of activities it would be a 403.
    let verify = format!("https://{}/auth/verify", premises.front.https);
    for names in ["X-Forwarded", "X-Original"] {
        let (method, target) = (
            format!("{names}-Method: GET"),
            format!("{names}-Uri: /2/ileap/tad"),
        );
        let answer = premises.curl(&["-H", &method, "-H", &target, &verify]);
        assert!(answer.starts_with("HTTP/2 401"), "{names}: {answer}");
    }
    // Without TLS nobody is let in, and nobody is sent on.
    let plain = premises.curl(&[&format!("http://{}/auth/token", premises.front.http)]);
    assert!(
        plain.starts_with("HTTP/1.1 403") && !plain.contains("Location"),
        "{plain}"
    );
    // With one server gone partners do not notice.
    premises.servers[0].kill().unwrap();
    premises.servers[0].wait().unwrap();
    for _ in 0..6 {
        let answer = premises.log_in(&[]);
        assert!(answer.starts_with("HTTP/2 200"), "{answer}");
    }
}
