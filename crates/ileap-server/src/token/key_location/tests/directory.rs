//! Keys in files, whoever wrote them, and what is left of them when somebody is killed.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use super::{super::file, *};
use crate::{
    clock::{Clock as _, SystemClock},
    token::{KeySet, key_changes::begin, signing_key::SigningKey},
};

/// An RSA key of 1024 bits, which no one uses.
const WEAK_RSA: &str = "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBANGJE8MfUUHZU7h0tj1WVw/kqRsN1fd+QlWDP8SM+XxZUugw5KMSpZe86H/EwxkYTg3/J6k8wCRWCni+HSJMmNHJiMkkCVFa4Al8e4WiJZE6UHUEu/JwYrTOcCbO+PdNrWzLPLM4OyGlI39E7Y/uWMYtTGfxRXXEtB7zw4NhirrPAgMBAAECgYEApunZMkAKTLhAttlSKr5SkDiIdSKqZYLQeKoa7AmY2/OT1Z7NIxJBkwRK+SzWdXElDIVLJMdeEBPyN4jKUH5P5Kwryyjzkdh99YaMS6wsDYB7qnkLbkSnALuEmxY/C/rpOfuqCgbqA80CrRHcSj5Q+NdKRxLt/duWezQj/Z1+8sECQQD3QHvBZIZAUF8I/s/p8SX7vVGWFhbb11S2VosQZOM6zYQzSnkRsobyyTZfGdSWE89NUWeEB5E/Uueiih9bWG3/AkEA2PL45Ers1y+c7yX2kqxutq3WyOAi1vaK8xIm4F+tSJpZzf5/Yql3DUsfTWe2s/YyPLuB5ZT6RpJ255+D7gxTMQJAbaZjO7jg8NSz0MFwY0dWmPW0oOLa8FPmdZabxYF4ZDOQVU7JsleCEVm6iyJhbM0MOjXHun3ApFyX7TVkApaM8QJAPSDpJFpANbnCvFe0DEvtvidpV5xf9LXvHOJGdf4/cy+akkJdXk1lsCc0oLjScA60xQwIY8oAYxYtzsHRiKeMYQJAWG5CPNEmMAtgEzDfKg3uXdRF7dJp1khuD30SuZetP/jiY8k1F96ExUJ3mHktf0NqYtfk0GT9DPaCE8ABvnCNXQ==";
/// A sound key on a curve we do not use.
const P384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDD6c5bhZcXqfCqOB8A23xlGZbwOUczagFI/rPxlEXNY15vHYHeRFUykGtOjWnADNJehZANiAAQPfb7wuHdxNDCA3ezaMnSI8W0RpkKhxEiy5/ir8O64GlpuG8MV5UqoFlqd+gnjKRCFAE57rdWOzIlS6UDBJbFa7/NCj3CesMWf2y1E2fxfAV4r26rLey+piW/BbdLHo6A=";
/// The key of RFC 8410 §10.3.
const RFC_8410_ED25519: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";

struct Place {
    _root: TempDir,
    keys: PathBuf,
    location: DirectoryKeys,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let keys = root.path().join("state/keys");
        Self {
            location: DirectoryKeys::new(&keys, POLICY.publish_before),
            _root: root,
            keys,
        }
    }

    fn with_file(name: &str, text: &str) -> Self {
        let place = Self::new();
        file::open_directory(&place.keys).unwrap();
        place.put(name, text);
        place
    }

    fn put(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.keys.join(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// A key as earlier versions wrote it: nothing is recorded of it, and its file has this time.
    fn put_unrecorded(&self, name: &str, second: i64) -> String {
        let pkcs8 = SigningKey::generate_pkcs8(Algorithm::Es256).unwrap();
        self.put(name, &pem(&STANDARD.encode(&pkcs8)));
        let modified = SystemTime::from(at(second));
        let file = File::open(self.keys.join(name)).unwrap();
        file.set_modified(modified).unwrap();
        SigningKey::from_pkcs8(&pkcs8).unwrap().kid().to_owned()
    }

    async fn begin(&self, algorithm: Algorithm) -> Reading {
        let policy = KeyPolicy {
            algorithm,
            ..POLICY
        };
        begin(&self.location, None, &policy, at(0)).await.unwrap()
    }

    async fn error(&self) -> String {
        let begun = begin(&self.location, None, &POLICY, at(0)).await;
        begun.unwrap_err().to_string()
    }

    async fn states(&self, second: i64) -> Vec<(String, &'static str)> {
        let listed = list_keys(&self.location, &POLICY, at(second))
            .await
            .unwrap();
        let states = listed.keys.iter();
        states
            .map(|(record, standing)| (record.kid.clone(), standing.state.as_str()))
            .collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.keys).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }
}

fn pem(base64: &str) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn published(reading: &Reading) -> Vec<Value> {
    let keys = reading.keys.iter().map(|kept| kept.key.clone());
    let set = KeySet::new(keys.collect());
    let set: Value = serde_json::from_slice(set.jwks()).unwrap();
    set["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_first_start_makes_a_key_that_only_the_owner_can_read() {
    for algorithm in Algorithm::ALL {
        let place = Place::new();
        let reading = place.begin(algorithm).await;
        let record = &reading.keys[0].record;
        assert_eq!(record.algorithm, algorithm);
        assert_eq!(mode(&place.keys), 0o700);
        let file = place.only_file();
        assert_eq!(mode(&file), 0o600);
        let name = format!("{}.{algorithm}.pem", record.kid);
        assert_eq!(file.file_name().unwrap(), name.as_str());
    }
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused_with_the_remedy() {
    for open in [0o640, 0o604, 0o610, 0o666] {
        let place = Place::with_file("a.pem", &pem(RFC_8410_ED25519));
        let file = place.only_file();
        fs::set_permissions(&file, Permissions::from_mode(open)).unwrap();
        let error = place.error().await;
        assert!(
            error.contains(&format!("chmod 600 {}", file.display())),
            "{error}"
        );
        assert!(error.contains(&format!("{open:o}")), "{error}");
    }
}

#[tokio::test]
async fn a_directory_that_others_may_put_keys_into_is_refused_with_the_remedy() {
    let place = Place::with_file("a.pem", &pem(RFC_8410_ED25519));
    for mode in [0o770, 0o722] {
        fs::set_permissions(&place.keys, Permissions::from_mode(mode)).unwrap();
        let error = place.error().await;
        let remedy = format!("chmod go-w {}", place.keys.display());
        assert!(error.contains(&remedy), "{error}");
    }
    fs::set_permissions(&place.keys, Permissions::from_mode(0o755)).unwrap();
    // A mounted volume will do.
    assert_eq!(place.begin(Algorithm::EdDsa).await.keys.len(), 1);
}

#[tokio::test]
async fn keys_that_are_too_weak_or_of_another_kind_are_refused_by_name() {
    for (base64, word) in [
        (WEAK_RSA, "2048"),
        (P384, "neither RSA nor P-256 nor Ed25519"),
    ] {
        let place = Place::with_file("odd.pem", &pem(base64));
        let error = place.error().await;
        assert!(error.contains("odd.pem") && error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_key_cut_off_anywhere_is_refused_by_name() {
    let place = Place::new();
    place.begin(Algorithm::Es256).await;
    let whole = fs::read_to_string(place.only_file()).unwrap();
    let end = whole.trim_end().len();
    for length in 0..end {
        let place = Place::with_file("half.pem", &whole[..length]);
        let error = place.error().await;
        assert!(error.contains("half.pem"), "{length}: {error}");
        assert!(!error.contains("MIGHAgEA"), "{error}");
    }
}

#[test]
fn a_damaged_key_is_refused() {
    let pair = SigningKey::generate_pkcs8(Algorithm::Es256).unwrap();
    let mut damaged = pair.to_vec();
    // The public point is the end of the structure; it no longer fits the private number.
    *damaged.last_mut().unwrap() ^= 1;
    assert!(SigningKey::from_pkcs8(&pair).is_ok());
    assert!(SigningKey::from_pkcs8(&damaged).is_err());
    assert!(SigningKey::from_pkcs8(b"").is_err());
}

#[tokio::test]
async fn the_same_key_twice_is_refused_with_both_names() {
    let place = Place::with_file("a.pem", &pem(RFC_8410_ED25519));
    place.put("b.pem", &pem(RFC_8410_ED25519));
    let error = place.error().await;
    assert!(
        error.contains("a.pem") && error.contains("b.pem"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_made_with_other_tools_is_used_under_any_file_name() {
    let place = Place::with_file("mine.pem", &pem(RFC_8410_ED25519));
    let reading = place.begin(Algorithm::EdDsa).await;
    assert_eq!(
        published(&reading)[0]["x"],
        "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"
    );
}

#[tokio::test]
async fn times_above_a_key_that_cannot_be_read_are_refused() {
    for above in [
        "Published: now\nSigns-From: 2026-01-01T00:00:00Z\n",
        "Published: 2026-01-01T00:00:00Z\n",
    ] {
        let place = Place::with_file("odd.pem", &format!("{above}{}", pem(RFC_8410_ED25519)));
        let error = place.error().await;
        assert!(
            error.contains("odd.pem") && error.contains("Signs-From"),
            "{error}"
        );
    }
    // What other tools write there is none of our business.
    let place = Place::with_file(
        "mine.pem",
        &format!("subject=ileap\n{}", pem(RFC_8410_ED25519)),
    );
    assert_eq!(place.begin(Algorithm::EdDsa).await.keys.len(), 1);
}

#[tokio::test]
async fn hidden_files_and_files_of_another_ending_are_left_alone() {
    let place = Place::with_file(".hidden.pem", "nothing");
    place.put("README", "nothing");
    place.put("notes.revoked", "nothing");
    let reading = place.begin(Algorithm::EdDsa).await;
    assert_eq!(published(&reading).len(), 1);
    assert_eq!(place.files().len(), 4);
}

#[tokio::test]
async fn a_key_that_cannot_be_put_in_place_leaves_nothing_behind() {
    let place = Place::new();
    let handle = file::open_directory(&place.keys).unwrap();
    let new = NewKey::generate(Algorithm::EdDsa, at(0), at(0)).unwrap();
    let kid = &new.record.kid;
    let in_the_way = place.keys.join(format!("{kid}.EdDSA.pem"));
    fs::create_dir(&in_the_way).unwrap();
    let written = file::write_key(&place.keys, &handle, &new.record, &new.pkcs8);
    let error = written.unwrap_err();
    assert!(error.to_string().contains(kid), "{error}");
    assert_eq!(place.only_file(), in_the_way);
}

#[tokio::test]
async fn the_key_set_holds_public_members_only() {
    for algorithm in Algorithm::ALL {
        let place = Place::new();
        place.begin(algorithm).await;
        let policy = KeyPolicy {
            algorithm,
            ..POLICY
        };
        rotate_keys(&place.location, &policy, at(0)).await.unwrap();
        let keys = published(&place.location.read().await.unwrap());
        assert_eq!(keys.len(), 2);
        for key in keys {
            let members = key.as_object().unwrap().keys();
            let members: Vec<_> = members.map(String::as_str).collect();
            let expected: &[&str] = match key["kty"].as_str().unwrap() {
                "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
                "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                _ => &["alg", "crv", "kid", "kty", "use", "x"],
            };
            assert_eq!(members, expected);
        }
    }
}

#[tokio::test]
async fn looking_for_keys_makes_none() {
    let place = Place::new();
    assert!(place.states(0).await.is_empty());
    assert!(!place.keys.exists());
}

#[tokio::test]
async fn a_key_of_an_earlier_version_signs_on_and_is_rotated_by_the_age_of_its_file() {
    let place = Place::with_file("README", "");
    let kid = place.put_unrecorded("old.pem", -80 * 86_400);
    place.begin(Algorithm::Es256).await;
    assert_eq!(place.states(0).await, [(kid.clone(), "active")]);
    let due = |now| list_keys(&place.location, &POLICY, at(now));
    assert!(!due(9 * 86_400 + 599).await.unwrap().is_overdue);
    assert!(due(9 * 86_400 + 601).await.unwrap().is_overdue);
    rotate_keys(&place.location, &POLICY, at(9 * 86_400))
        .await
        .unwrap();
    assert_eq!(place.states(9 * 86_400).await[0], (kid, "active"));
}

#[tokio::test]
async fn a_file_put_beside_others_waits_before_it_signs() {
    let place = Place::with_file("README", "");
    // Both are older than the time that a key waits; the system says when they were put there.
    let put = SystemClock.now().as_second() - NOW;
    let first = place.put_unrecorded("first.pem", put - 300_000);
    let second = place.put_unrecorded("second.pem", put - 200_000);
    assert_eq!(
        place.states(put + 86_399).await,
        [(first.clone(), "active"), (second.clone(), "published")]
    );
    assert_eq!(
        place.states(put + 2 * 86_400).await,
        [(first, "retiring"), (second, "active")]
    );
}

#[tokio::test]
async fn a_file_that_breaks_while_it_is_used_stays_as_it_was() {
    let place = Place::new();
    let kid = place.begin(Algorithm::Es256).await.keys[0]
        .record
        .kid
        .clone();
    let path = place.only_file();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    place.put("new.pem", "-----BEGIN PRIV");
    let reading = place.location.read().await.unwrap();
    assert_eq!(reading.records()[0].kid, kid);
    assert_eq!((reading.keys.len(), reading.trouble.len()), (1, 2));
    fs::write(&path, whole).unwrap();
    fs::remove_file(place.keys.join("new.pem")).unwrap();
    assert!(place.location.read().await.unwrap().trouble.is_empty());
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_no_key_and_one_that_cannot_be_followed_is_the_key_it_was() {
    let place = Place::new();
    place.begin(Algorithm::Es256).await;
    let records = place.location.read().await.unwrap().records();
    std::os::unix::fs::symlink("nothing", place.keys.join("nowhere.ES256.pem")).unwrap();
    let reading = place.location.read().await.unwrap();
    assert_eq!(
        (reading.records(), reading.trouble.len()),
        (records.clone(), 0)
    );
    fs::remove_file(place.keys.join("nowhere.ES256.pem")).unwrap();
    let path = place.only_file();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let reading = place.location.read().await.unwrap();
    assert_eq!((reading.records(), reading.trouble.len()), (records, 1));
}

#[tokio::test]
async fn a_directory_that_cannot_be_looked_into_is_no_directory_without_keys() {
    let place = Place::new();
    let state = place.keys.parent().unwrap();
    fs::write(state, "a file").unwrap();
    let error = place.location.read().await.unwrap_err();
    assert!(matches!(error, KeyError::Io { .. }), "{error}");
}

#[tokio::test]
async fn a_revocation_that_does_not_say_when_is_as_old_as_its_file() {
    let place = Place::with_file("gone.ES256.revoked", "");
    let file = File::open(place.only_file()).unwrap();
    file.set_modified(SystemTime::from(at(-5))).unwrap();
    let reading = place.location.read().await.unwrap();
    assert_eq!(reading.revoked[0].at, at(-5));
}

#[tokio::test]
async fn whoever_is_killed_while_writing_a_key_leaves_the_old_ones_and_nothing_in_the_way() {
    let place = Place::new();
    let kid = place.begin(Algorithm::Es256).await.keys[0]
        .record
        .kid
        .clone();
    place.put(
        ".next.ES256.pem.new",
        "Published: 2026-01-01T00:00:00Z\nSigns-From: 2026",
    );
    assert_eq!(place.states(0).await, [(kid, "active")]);
    rotate_keys(&place.location, &POLICY, at(0)).await.unwrap();
    let files = place.files();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(place.states(0).await.len(), 2);
}

#[tokio::test]
async fn whoever_is_killed_while_revoking_leaves_somebody_who_signs_and_can_be_asked_again() {
    // After each step of a revocation: the successor is written, the tombstone is written, the key is removed.
    for steps in 1..=3 {
        let place = Place::new();
        let first = place.begin(Algorithm::Es256).await.keys[0]
            .record
            .kid
            .clone();
        let path = place.only_file();
        let text = fs::read_to_string(&path).unwrap();
        revoke_key(&place.location, &POLICY, &first, at(10))
            .await
            .unwrap();
        let tombstone = path.with_extension("revoked");
        if steps < 3 {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        }
        if steps < 2 {
            fs::remove_file(&tombstone).unwrap();
        }
        let states = place.states(10).await;
        assert_eq!(states.last().unwrap().1, "active");
        assert_eq!(states.len(), if steps < 2 { 2 } else { 1 });
        revoke_key(&place.location, &POLICY, &first, at(20))
            .await
            .unwrap();
        assert!(!path.exists() && tombstone.exists());
        let after = place.states(20).await;
        assert_eq!(after, [states.last().unwrap().clone()]);
    }
}

#[tokio::test]
async fn a_successor_that_is_to_sign_at_once_keeps_its_key() {
    let place = Place::new();
    let first = place.begin(Algorithm::Es256).await.keys[0]
        .record
        .kid
        .clone();
    rotate_keys(&place.location, &POLICY, at(0)).await.unwrap();
    let next = place.states(0).await[1].0.clone();
    let before = place.location.private_key(&next).await.unwrap();
    revoke_key(&place.location, &POLICY, &first, at(10))
        .await
        .unwrap();
    assert_eq!(place.states(10).await, [(next.clone(), "active")]);
    assert_eq!(place.location.private_key(&next).await.unwrap(), before);
    for file in place.files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_broken_file_is_in_nobodys_way_when_a_key_must_end() {
    let place = Place::new();
    let first = place.begin(Algorithm::Es256).await.keys[0]
        .record
        .kid
        .clone();
    place.put("half.pem", "-----BEGIN PRIV");
    revoke_key(&place.location, &POLICY, &first, at(10))
        .await
        .unwrap();
    let reading = place.location.read().await.unwrap();
    assert_eq!((reading.keys.len(), reading.trouble.len()), (1, 1));
    assert_ne!(reading.keys[0].record.kid, first);
    assert_eq!(reading.revoked[0].kid, first);
}

#[tokio::test]
async fn a_key_whose_file_is_of_no_use_any_more_is_named_by_it_and_can_be_ended() {
    for exposed in [true, false] {
        let place = Place::new();
        let first = place.begin(Algorithm::Es256).await.keys[0]
            .record
            .kid
            .clone();
        let path = place.only_file();
        if exposed {
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        } else {
            let half = fs::read_to_string(&path).unwrap();
            fs::write(&path, &half[..half.len() / 2]).unwrap();
        }
        // Somebody who has not read it before.
        let command = DirectoryKeys::new(&place.keys, POLICY.publish_before);
        let listed = list_keys(&command, &POLICY, at(5)).await.unwrap();
        assert_eq!((listed.keys.len(), listed.trouble.len()), (0, 1));
        assert_eq!(listed.unusable[0].kid, first);
        revoke_key(&command, &POLICY, &first, at(10)).await.unwrap();
        assert!(!path.exists() && path.with_extension("revoked").exists());
        let begun = begin(&command, None, &POLICY, at(20)).await.unwrap();
        assert_eq!(begun.keys.len(), 1);
    }
}

/// Root, who runs commands beside a service, could read what the service cannot, and copy it to where it can.
#[tokio::test]
async fn a_key_of_somebody_elses_is_not_read_for_the_owner_of_the_directory() {
    let place = Place::new();
    place.begin(Algorithm::Es256).await;
    let path = place.only_file();
    if !rustix::process::geteuid().is_root() {
        // Nobody else could read it to begin with.
        return;
    }
    // Somebody who has not read it before.
    let begun = async || {
        let command = DirectoryKeys::new(&place.keys, POLICY.publish_before);
        begin(&command, None, &POLICY, at(0)).await
    };
    chown(&place.keys, Some(54_321), Some(54_321)).unwrap();
    let error = begun().await.unwrap_err().to_string();
    let remedy = format!(
        "chown --reference={} {}",
        place.keys.display(),
        path.display()
    );
    assert!(error.contains(&remedy), "{error}");
    let elsewhere = place.keys.with_file_name("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let error = begun().await.unwrap_err().to_string();
    assert!(error.contains(&remedy), "{error}");
    chown(&elsewhere, Some(54_321), Some(54_321)).unwrap();
    assert_eq!(begun().await.unwrap().keys.len(), 1);
}
