//! Instances of the server on one PostgreSQL, behind nginx with the configuration that is shipped.

mod load;

use std::{
    fs,
    net::TcpListener,
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

pub(crate) use self::load::{Load, PARTNERS, key_of};
use crate::{
    admin,
    commands::{Running, ileap, run},
    front::Front,
    postgres::Postgres,
    static_users::{eventually, free_address, hash, write_users},
};

pub(crate) const CLIENT: &str = "acme";
pub(crate) const SECRET: &str = "quartz+Lantern 4711 and more";

pub(crate) struct Cluster {
    pub(crate) front: Front,
    pub(crate) instances: Vec<Instance>,
    postgres: Postgres,
    directory: TempDir,
    settings: Vec<(&'static str, String)>,
}

/// One server, or the place of one.
pub(crate) struct Instance {
    pub(crate) base: String,
    pub(crate) admin: String,
    address: String,
    process: Option<Running>,
}

impl Cluster {
    /// So many instances that are ready, with nginx in front.
    pub(crate) fn start(instances: usize, settings: &[(&'static str, &str)]) -> Self {
        let mut cluster = Self::new(instances, settings);
        for instance in 0..instances {
            cluster.begin(instance);
        }
        for instance in 0..instances {
            cluster.is_up(instance);
        }
        cluster.open_front();
        cluster
    }

    /// An empty database, and places for so many instances.
    pub(crate) fn new(instances: usize, settings: &[(&'static str, &str)]) -> Self {
        let (directory, front) = (tempfile::tempdir().unwrap(), Front::new());
        let postgres = Postgres::start();
        let within = |name: &str| directory.path().join(name).display().to_string();
        let users = directory.path().join("users.toml");
        write_users(&users, &[(CLIENT, &hash(SECRET))]);
        let key = directory.path().join("keys.secret");
        fs::write(&key, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let mut all = vec![
            ("ILEAP_PUBLIC_BASE_URL", format!("https://{}", front.https)),
            ("ILEAP_LISTENER__BEHIND_PROXY", "true".to_owned()),
            ("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("ILEAP_VERIFIER__KIND", "static_users".to_owned()),
            ("ILEAP_VERIFIER__STATIC_USERS__FILE", within("users.toml")),
            ("ILEAP_KEYS__LOCATION", "store".to_owned()),
            ("ILEAP_KEYS__DIRECTORY", within("keys")),
            ("ILEAP_KEYS__ENCRYPTION_KEY_FILE", within("keys.secret")),
            ("ILEAP_KEYS__PUBLISH_BEFORE", "10s".to_owned()),
            ("ILEAP_STORE__URL", postgres.url()),
            ("ILEAP_TOKEN__ALGORITHM", "ES256".to_owned()),
        ];
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let place = |_| {
            let address = free_address();
            Instance {
                base: format!("http://{address}"),
                admin: free_address(),
                address,
                process: None,
            }
        };
        Self {
            instances: (0..instances).map(place).collect(),
            front,
            postgres,
            directory,
            settings: all,
        }
    }

    pub(crate) fn open_front(&mut self) {
        let servers = self
            .instances
            .iter()
            .map(|instance| instance.address.clone());
        self.front.start(&servers.collect::<Vec<_>>());
    }

    /// A command with the configuration of every instance.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ileap(arguments);
        command
            .envs(self.settings.clone())
            .current_dir(self.directory.path());
        command
    }

    /// What a command that succeeds prints.
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = run(&mut self.command(arguments));
        assert_eq!(code, 0, "{stderr}");
        stdout
    }

    /// Starts an instance, ready or not.
    pub(crate) fn begin(&mut self, place: usize) {
        let command = self.command(&["serve"]);
        self.spawn(place, command);
    }

    /// The same on a socket that outlives it, as of a service manager.
    pub(crate) fn begin_on(&mut self, place: usize, socket: &TcpListener) {
        let script = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve 3<&0 </dev/null"#;
        let ileap = self.command(&[]);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .arg(ileap.get_program())
            .env_clear()
            .envs(self.settings.clone())
            .current_dir(self.directory.path())
            .stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
        self.spawn(place, command);
    }

    /// Where the instance will listen, held for it.
    pub(crate) fn socket(&self, place: usize) -> TcpListener {
        TcpListener::bind(&self.instances[place].address).unwrap()
    }

    fn spawn(&mut self, place: usize, mut command: Command) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log(place));
        let instance = &mut self.instances[place];
        command
            .env("ILEAP_LISTENER__BIND", &instance.address)
            .env("ILEAP_LISTENER__ADMIN_BIND", &instance.admin)
            .stdout(Stdio::piped())
            .stderr(log.unwrap());
        instance.process = Some(Running(command.spawn().unwrap()));
    }

    fn log(&self, place: usize) -> PathBuf {
        self.directory.path().join(format!("{place}.log"))
    }

    /// Waits until an instance says that it is ready.
    pub(crate) fn is_up(&mut self, place: usize) {
        let log = self.log(place);
        let instance = &mut self.instances[place];
        eventually(|| {
            let process = instance.process.as_mut().unwrap();
            let ended = process.0.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "{ended:?}: {}",
                fs::read_to_string(&log).unwrap()
            );
            admin::is_ready(&instance.admin)
        });
    }

    /// With SIGKILL.
    pub(crate) fn kill(&mut self, place: usize) {
        self.instances[place].process = None;
    }

    /// With SIGTERM; its exit code.
    pub(crate) fn terminate(&mut self, place: usize) -> i32 {
        self.instances[place].process.take().unwrap().terminate().0
    }

    /// Waits until an instance that cannot start has ended: its exit code, and what it logged.
    pub(crate) fn ends(&mut self, place: usize) -> (Option<i32>, String) {
        let mut process = self.instances[place].process.take().unwrap();
        let status = process.0.wait().unwrap();
        let log = self.log(place);
        (status.code(), fs::read_to_string(log).unwrap())
    }

    /// A connection to the database.
    pub(crate) async fn database(&self) -> PgConnection {
        PgConnection::connect(&self.postgres.url()).await.unwrap()
    }

    /// Where partners go.
    pub(crate) fn public(&self) -> String {
        format!("https://{}", self.front.https)
    }

    /// Where each instance can be asked by itself.
    pub(crate) fn bases(&self) -> Vec<String> {
        self.instances
            .iter()
            .map(|instance| instance.base.clone())
            .collect()
    }

    /// Someone who calls from this address.
    pub(crate) fn caller(&self, address: &str) -> Caller {
        caller(&self.front.certificate(), address)
    }
}

/// Someone who calls from this address, and trusts this certificate alone.
#[expect(
    clippy::disallowed_methods,
    reason = "a partner's client, not the server's"
)]
pub(crate) fn caller(certificate: &Path, address: &str) -> Caller {
    let certificate = fs::read(certificate).unwrap();
    let certificate = reqwest::Certificate::from_pem(&certificate).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([certificate])
        .local_address(Some(address.parse().unwrap()))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(50))
        .build();
    Caller {
        http: http.unwrap(),
    }
}

/// A partner's machine.
#[derive(Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
}

impl Caller {
    /// Status, headers' view of caching, and body.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = answer.status().as_u16();
        let caching = answer.headers().get("cache-control");
        let caching = caching
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        #[expect(clippy::disallowed_methods, reason = "our own answers are small")]
        let body = answer.text().await.map_err(|error| format!("{error:?}"))?;
        Ok(Answer {
            status,
            caching,
            body,
        })
    }

    pub(crate) fn login(&self, base: &str, client: &str, secret: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{base}/auth/token"));
        let form = [("grant_type", "client_credentials")];
        request.basic_auth(client, Some(secret)).form(&form)
    }

    pub(crate) fn get(&self, url: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.http.get(url);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) fn event(&self, base: &str, token: &str, id: &str) -> reqwest::RequestBuilder {
        let event = serde_json::json!({
            "specversion": "1.0", "id": id, "source": "https://partner.example",
            "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
            "data": { "pf": { "productIds": ["urn:pact:null"] } },
        });
        let request = self
            .http
            .post(format!("{base}/2/events"))
            .bearer_auth(token);
        let request = request.header("content-type", "application/cloudevents+json");
        request.body(event.to_string())
    }

    /// A question about a token, at `/auth/introspect` or `/auth/revoke`.
    pub(crate) async fn ask(&self, url: &str, token: &str) -> Answer {
        let request = self.http.post(url).basic_auth(CLIENT, Some(SECRET));
        let answer = self.send(request.form(&[("token", token)])).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    /// The token that a login brings.
    pub(crate) async fn token(&self, base: &str) -> String {
        let answer = self.send(self.login(base, CLIENT, SECRET)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// What a token counts for: with data, at `/auth/verify`, and when asked about.
    pub(crate) async fn judgements(&self, base: &str, token: &str) -> [bool; 3] {
        let mut statuses = Vec::new();
        for path in ["/2/footprints", "/auth/verify"] {
            let request = self.get(&format!("{base}{path}"), Some(token));
            let status = self.send(request).await.unwrap().status;
            assert!([200, 401].contains(&status), "{path}: {status}");
            statuses.push(status == 200);
        }
        let told = self.ask(&format!("{base}/auth/introspect"), token).await;
        [statuses[0], statuses[1], told.json()["active"] == true]
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) caching: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
