//! Servers that share their signing keys, in a directory or in the store: rotation, revocation, and what verifiers
//! see of it.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use clerk_emulator::ClerkEmulator;
use ileap_server::{
    clock::{Clock as _, ManualClock},
    token::{Rotated, revoke_key, rotate_keys},
};
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Options, TestServer, header, json};

const BASE: &str = "https://ileap.example";
const DAY: Duration = Duration::from_hours(24);

/// Two servers on the same keys, and the time.
struct Scene {
    clock: Arc<ManualClock>,
    one: TestServer,
    other: TestServer,
    directory: TempDir,
}

impl Scene {
    async fn over_both() -> [Self; 2] {
        [Self::set("directory").await, Self::set("store").await]
    }

    async fn set(location: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Where an outside library judges tokens it goes by the machine's clock.
        let clock = Arc::new(ManualClock::starting_at(
            Timestamp::from_second(1_700_000_000).unwrap(),
        ));
        let options = options(&directory, &clock).set("ILEAP_KEYS__LOCATION", location);
        let one = TestServer::start_with(options).await;
        Self {
            other: one.beside().await,
            clock,
            one,
            directory,
        }
    }

    fn both(&self) -> [&TestServer; 2] {
        [&self.one, &self.other]
    }

    /// Waits until both servers publish `count` keys, `signer` first.
    async fn settles(&self, count: usize, signer: Option<&str>) {
        for server in self.both() {
            eventually(async || {
                let set = key_set(server).await;
                let kids = kids(&set);
                kids.len() == count && signer.is_none_or(|signer| kids[0] == signer)
            })
            .await;
        }
    }

    async fn rotate(&self) -> String {
        let (location, policy) = self.one.keys();
        match rotate_keys(&*location, &policy, self.clock.now()).await {
            Ok(Rotated::Begun(record)) => record.kid,
            other => panic!("{other:?}"),
        }
    }
}

fn options(directory: &TempDir, clock: &Arc<ManualClock>) -> Options {
    let secret = directory.path().join("keys.secret");
    fs::write(&secret, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let keys = directory.path().join("keys");
    Options {
        clock: clock.clone(),
        kept_keys: true,
        ..Options::default()
    }
    .over_backend()
    .set("ILEAP_PUBLIC_BASE_URL", BASE)
    .set("ILEAP_TOKEN__ALGORITHM", "ES256")
    .set("ILEAP_KEYS__LOCATION", "directory")
    .set("ILEAP_KEYS__DIRECTORY", keys.display().to_string())
    .set(
        "ILEAP_KEYS__ENCRYPTION_KEY_FILE",
        secret.display().to_string(),
    )
}

async fn key_set(server: &TestServer) -> Value {
    json(server.get("/jwks").send().await.unwrap()).await
}

fn kids(set: &Value) -> Vec<&str> {
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap()).collect()
}

async fn accepts(server: &TestServer, token: &str) -> bool {
    let answer = server.with_token(token).get("/2/footprints?limit=1").await;
    answer.status() == 200
}

/// Whether an outside library finds the token's key in the set, and its signature right.
fn verifies(set: &Value, token: &str) -> bool {
    let set: JwkSet = serde_json::from_value(set.clone()).unwrap();
    let header = decode_header(token).unwrap();
    let Some(key) = set.find(header.kid.as_deref().unwrap()) else {
        return false;
    };
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(key).unwrap();
    decode::<Value>(token, &key, &validation).is_ok()
}

async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn two_servers_publish_and_switch_together_and_tokens_from_before_live_on_at_both() {
    for scene in Scene::over_both().await {
        let before = key_set(&scene.one).await;
        assert_eq!(before, key_set(&scene.other).await);
        let first = kids(&before)[0].to_owned();
        let etag = header(&scene.one.get("/jwks").send().await.unwrap(), "etag");
        let next = scene.rotate().await;
        scene.settles(2, Some(&first)).await;
        let published = scene.one.get("/jwks").send().await.unwrap();
        assert_ne!(header(&published, "etag"), etag);
        let kept_by_a_verifier = json(published).await;
        scene.clock.advance(Duration::from_secs(86_370));
        let old = scene.one.as_client("hello").await.token;
        scene.clock.advance(Duration::from_secs(30));
        scene.settles(2, Some(&next)).await;
        // From the server that has issued none before, so that it has none to give again.
        let new = scene.other.as_client("hello").await.token;
        assert_ne!(decode_header(&old).unwrap(), decode_header(&new).unwrap());
        for token in [&old, &new] {
            assert!(verifies(&kept_by_a_verifier, token));
            for server in scene.both() {
                assert!(verifies(&key_set(server).await, token));
                assert!(accepts(server, token).await);
            }
        }
        scene.clock.advance(Duration::from_hours(25));
        scene.settles(1, Some(&next)).await;
    }
}

#[tokio::test]
async fn a_server_rotates_by_itself_when_the_time_has_come() {
    let scene = Scene::set("store").await;
    let first = kids(&key_set(&scene.one).await)[0].to_owned();
    scene.clock.advance(DAY * 89);
    scene.settles(2, Some(&first)).await;
    scene.clock.advance(DAY);
    for server in scene.both() {
        eventually(async || kids(&key_set(server).await)[0] != first).await;
    }
    scene.settles(2, None).await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_running_servers_that_have_just_accepted_it() {
    for scene in Scene::over_both().await {
        let first = kids(&key_set(&scene.one).await)[0].to_owned();
        let token = scene.one.as_client("hello").await.token;
        for server in scene.both() {
            assert!(accepts(server, &token).await);
        }
        let (location, policy) = scene.other.keys();
        revoke_key(&*location, &policy, &first, scene.clock.now())
            .await
            .unwrap();
        for server in scene.both() {
            eventually(async || !accepts(server, &token).await).await;
            let set = key_set(server).await;
            assert_eq!(kids(&set).len(), 1);
            assert_ne!(kids(&set)[0], first);
            let after = server.as_client("hello").await.token;
            assert_ne!(after, token);
            assert!(accepts(server, &after).await && verifies(&set, &after));
        }
    }
}

#[tokio::test]
async fn another_algorithm_is_published_before_it_signs_and_the_metadata_names_both() {
    let scene = Scene::set("directory").await;
    let Scene {
        clock,
        one,
        other,
        directory,
    } = scene;
    let clerk: Arc<ClerkEmulator> = one.clerk.clone();
    let old = one.as_client("hello").await.token;
    one.ended().await;
    other.ended().await;
    let options = options(&directory, &clock).set("ILEAP_TOKEN__ALGORITHM", "EdDSA");
    let server = TestServer::start_beside(options, clerk).await;
    let metadata = async || {
        let path = "/.well-known/openid-configuration";
        let document = json(server.get(path).send().await.unwrap()).await;
        document["id_token_signing_alg_values_supported"].clone()
    };
    eventually(async || metadata().await == serde_json::json!(["ES256", "EdDSA"])).await;
    assert!(accepts(&server, &old).await);
    let still = server.as_client("hello").await.token;
    assert_eq!(decode_header(&old).unwrap(), decode_header(&still).unwrap());
    clock.advance(DAY);
    eventually(async || metadata().await == serde_json::json!(["EdDSA", "ES256"])).await;
}

#[tokio::test]
async fn no_private_member_is_ever_published() {
    for scene in Scene::over_both().await {
        scene.rotate().await;
        scene.settles(2, None).await;
        for key in key_set(&scene.one).await["keys"].as_array().unwrap() {
            for member in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
                assert!(key.get(member).is_none(), "{member}");
            }
        }
        let metrics = reqwest::get(format!("{}/metrics", scene.one.admin)).await;
        let metrics = crate::harness::text(metrics.unwrap()).await;
        for line in [
            r#"ileap_signing_keys{state="published"} 1"#,
            r#"ileap_signing_keys{state="active"} 1"#,
            "ileap_signing_key_trouble 0",
        ] {
            assert!(metrics.contains(line), "{line} in {metrics}");
        }
    }
}

#[tokio::test]
async fn a_login_that_no_key_can_be_found_for_is_told_to_come_back_and_counted_as_that() {
    let scene = Scene::set("directory").await;
    let token = scene.one.as_client("hello").await.token;
    let keys = scene.directory.path().join("keys");
    for file in fs::read_dir(&keys).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            fs::create_dir(path.with_extension("revoked")).unwrap();
            fs::remove_file(path).unwrap();
        }
    }
    // Nor can another come.
    fs::write(keys.join("next.pem"), "-----BEGIN PRIVATE KEY-----\nMII").unwrap();
    eventually(async || !accepts(&scene.one, &token).await).await;
    let refused = scene.one.token_request("hello", "pathfinder").send().await;
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "retry-after"), "5");
    let metrics = reqwest::get(format!("{}/metrics", scene.one.admin)).await;
    let metrics = crate::harness::text(metrics.unwrap()).await;
    let line = r#"ileap_http_failures_total{endpoint="token",cause="signer_missing"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}
