use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// An RSA key of 1024 bits, which no one uses.
const WEAK_RSA: &str = "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBANGJE8MfUUHZU7h0tj1WVw/kqRsN1fd+QlWDP8SM+XxZUugw5KMSpZe86H/EwxkYTg3/J6k8wCRWCni+HSJMmNHJiMkkCVFa4Al8e4WiJZE6UHUEu/JwYrTOcCbO+PdNrWzLPLM4OyGlI39E7Y/uWMYtTGfxRXXEtB7zw4NhirrPAgMBAAECgYEApunZMkAKTLhAttlSKr5SkDiIdSKqZYLQeKoa7AmY2/OT1Z7NIxJBkwRK+SzWdXElDIVLJMdeEBPyN4jKUH5P5Kwryyjzkdh99YaMS6wsDYB7qnkLbkSnALuEmxY/C/rpOfuqCgbqA80CrRHcSj5Q+NdKRxLt/duWezQj/Z1+8sECQQD3QHvBZIZAUF8I/s/p8SX7vVGWFhbb11S2VosQZOM6zYQzSnkRsobyyTZfGdSWE89NUWeEB5E/Uueiih9bWG3/AkEA2PL45Ers1y+c7yX2kqxutq3WyOAi1vaK8xIm4F+tSJpZzf5/Yql3DUsfTWe2s/YyPLuB5ZT6RpJ255+D7gxTMQJAbaZjO7jg8NSz0MFwY0dWmPW0oOLa8FPmdZabxYF4ZDOQVU7JsleCEVm6iyJhbM0MOjXHun3ApFyX7TVkApaM8QJAPSDpJFpANbnCvFe0DEvtvidpV5xf9LXvHOJGdf4/cy+akkJdXk1lsCc0oLjScA60xQwIY8oAYxYtzsHRiKeMYQJAWG5CPNEmMAtgEzDfKg3uXdRF7dJp1khuD30SuZetP/jiY8k1F96ExUJ3mHktf0NqYtfk0GT9DPaCE8ABvnCNXQ==";
/// A sound key on a curve we do not use.
const P384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDD6c5bhZcXqfCqOB8A23xlGZbwOUczagFI/rPxlEXNY15vHYHeRFUykGtOjWnADNJehZANiAAQPfb7wuHdxNDCA3ezaMnSI8W0RpkKhxEiy5/ir8O64GlpuG8MV5UqoFlqd+gnjKRCFAE57rdWOzIlS6UDBJbFa7/NCj3CesMWf2y1E2fxfAV4r26rLey+piW/BbdLHo6A=";
/// The key of RFC 8410 §10.3.
const RFC_8410_ED25519: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";

struct Place {
    _root: TempDir,
    keys: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let keys = root.path().join("state/keys");
        Self { _root: root, keys }
    }

    fn with_file(name: &str, text: &str) -> Self {
        let place = Self::new();
        key_file::open_directory(&place.keys).unwrap();
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

    fn load(&self, algorithm: Algorithm) -> SigningKeys {
        SigningKeys::load_or_create(&self.keys, algorithm).unwrap()
    }

    fn error(&self) -> String {
        SigningKeys::load_or_create(&self.keys, Algorithm::EdDsa)
            .unwrap_err()
            .to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.keys).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
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

fn published(keys: &SigningKeys) -> Vec<Value> {
    let set: Value = serde_json::from_slice(keys.jwks()).unwrap();
    set["keys"].as_array().unwrap().clone()
}

#[test]
fn the_first_start_makes_a_key_that_only_the_owner_can_read() {
    for algorithm in Algorithm::ALL {
        let place = Place::new();
        let keys = place.load(algorithm);
        assert_eq!(keys.algorithm(), algorithm);
        assert_eq!(mode(&place.keys), 0o700);
        let file = place.only_file();
        assert_eq!(mode(&file), 0o600);
        let name = format!("{}.{algorithm}.pem", keys.current_kid());
        assert_eq!(file.file_name().unwrap(), name.as_str());
    }
}

#[test]
fn the_next_start_finds_the_same_key() {
    for algorithm in Algorithm::ALL {
        let place = Place::new();
        let first = place.load(algorithm);
        let second = place.load(algorithm);
        assert_eq!(first.current_kid(), second.current_kid());
        assert_eq!(first.jwks(), second.jwks());
        place.only_file();
    }
}

#[test]
fn starts_at_the_same_moment_agree_on_one_key() {
    let place = Place::new();
    let kids: Vec<_> = thread::scope(|scope| {
        let start = || place.load(Algorithm::Es256).current_kid().to_owned();
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    place.only_file();
}

#[test]
fn another_algorithm_gets_its_own_key_and_the_old_one_still_verifies() {
    let place = Place::new();
    let old = place.load(Algorithm::Rs256);
    let new = place.load(Algorithm::EdDsa);
    assert_eq!(new.algorithm(), Algorithm::EdDsa);
    assert_ne!(new.current_kid(), old.current_kid());
    let signature = old.current().sign(b"message").unwrap();
    let kept = new.find(old.current_kid()).unwrap();
    assert!(kept.has_signed(b"message", &signature));
    let kids: Vec<_> = published(&new)
        .iter()
        .map(|key| key["kid"].clone())
        .collect();
    assert_eq!(kids, [new.current_kid(), old.current_kid()]);
    assert_eq!(
        place.load(Algorithm::Rs256).current_kid(),
        old.current_kid()
    );
}

#[test]
fn the_newest_key_of_the_wanted_kind_signs() {
    let place = Place::new();
    let first = place.load(Algorithm::Es256);
    let file = place.only_file();
    let aside = place.keys.join("aside");
    fs::rename(&file, &aside).unwrap();
    let second = place.load(Algorithm::Es256);
    fs::rename(&aside, &file).unwrap();
    for (age_of_first, newest) in [(60, &second), (0, &first)] {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000 - age_of_first);
        File::open(&file).unwrap().set_modified(modified).unwrap();
        let other = place
            .keys
            .join(format!("{}.ES256.pem", second.current_kid()));
        let between = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000 - 30);
        File::open(other).unwrap().set_modified(between).unwrap();
        let keys = place.load(Algorithm::Es256);
        assert_eq!(keys.current_kid(), newest.current_kid());
        assert_eq!(published(&keys).len(), 2);
    }
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_remedy() {
    for open in [0o640, 0o604, 0o610, 0o666] {
        let place = Place::with_file("a.pem", &pem(RFC_8410_ED25519));
        let file = place.only_file();
        fs::set_permissions(&file, Permissions::from_mode(open)).unwrap();
        let error = place.error();
        assert!(
            error.contains(&format!("chmod 600 {}", file.display())),
            "{error}"
        );
        assert!(error.contains(&format!("{open:o}")), "{error}");
    }
}

#[test]
fn a_directory_that_others_may_put_keys_into_is_refused_with_the_remedy() {
    let place = Place::with_file("a.pem", &pem(RFC_8410_ED25519));
    for mode in [0o770, 0o722] {
        fs::set_permissions(&place.keys, Permissions::from_mode(mode)).unwrap();
        let error = place.error();
        let remedy = format!("chmod go-w {}", place.keys.display());
        assert!(error.contains(&remedy), "{error}");
    }
    fs::set_permissions(&place.keys, Permissions::from_mode(0o755)).unwrap();
    // A mounted volume will do.
    assert_eq!(place.load(Algorithm::EdDsa).algorithm(), Algorithm::EdDsa);
}

#[test]
fn keys_that_are_too_weak_or_of_another_kind_are_refused_by_name() {
    for (base64, word) in [
        (WEAK_RSA, "2048"),
        (P384, "neither RSA nor P-256 nor Ed25519"),
    ] {
        let place = Place::with_file("odd.pem", &pem(base64));
        let error = place.error();
        assert!(error.contains("odd.pem") && error.contains(word), "{error}");
    }
}

#[test]
fn a_key_cut_off_anywhere_is_refused_by_name() {
    let place = Place::new();
    place.load(Algorithm::Es256);
    let whole = fs::read_to_string(place.only_file()).unwrap();
    let end = whole.trim_end().len();
    for length in 0..end {
        let place = Place::with_file("half.pem", &whole[..length]);
        let error = place.error();
        assert!(error.contains("half.pem"), "{length}: {error}");
        assert!(!error.contains("MIG"), "{error}");
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

#[test]
fn the_same_key_twice_is_refused_with_both_names() {
    let place = Place::with_file("a.pem", &pem(RFC_8410_ED25519));
    place.put("b.pem", &pem(RFC_8410_ED25519));
    let error = place.error();
    assert!(
        error.contains("a.pem") && error.contains("b.pem"),
        "{error}"
    );
}

#[test]
fn a_key_made_with_other_tools_is_used_under_any_file_name() {
    let place = Place::with_file("mine.pem", &pem(RFC_8410_ED25519));
    let keys = place.load(Algorithm::EdDsa);
    assert_eq!(
        published(&keys)[0]["x"],
        "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"
    );
}

#[test]
fn hidden_files_and_files_of_another_ending_are_left_alone() {
    let place = Place::with_file(".unfinished.ES256.pem.new", "-----BEGIN PRIV");
    place.put(".hidden.pem", "nothing");
    place.put("README", "nothing");
    let keys = place.load(Algorithm::EdDsa);
    assert_eq!(published(&keys).len(), 1);
}

#[test]
fn a_key_that_cannot_be_put_in_place_leaves_nothing_behind() {
    let place = Place::new();
    let handle = key_file::open_directory(&place.keys).unwrap();
    let pkcs8 = SigningKey::generate_pkcs8(Algorithm::EdDsa).unwrap();
    let kid = SigningKey::from_pkcs8(&pkcs8).unwrap().kid().to_owned();
    let in_the_way = place.keys.join(format!("{kid}.EdDSA.pem"));
    fs::create_dir(&in_the_way).unwrap();
    let error = key_file::write(&place.keys, &handle, &pkcs8).unwrap_err();
    assert!(error.to_string().contains(&kid), "{error}");
    assert_eq!(place.only_file(), in_the_way);
}

#[test]
fn the_key_set_holds_public_members_only() {
    let place = Place::new();
    let mut kinds = Vec::new();
    for algorithm in Algorithm::ALL {
        for key in published(&place.load(algorithm)) {
            let members: Vec<_> = key
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let expected: &[&str] = match key["kty"].as_str().unwrap() {
                "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
                "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                _ => &["alg", "crv", "kid", "kty", "use", "x"],
            };
            assert_eq!(members, expected);
            kinds.push(key["alg"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        kinds,
        ["RS256", "ES256", "RS256", "EdDSA", "ES256", "RS256"]
    );
}

#[test]
fn keys_do_not_print() {
    let keys = SigningKeys::ephemeral(Algorithm::EdDsa).unwrap();
    let expected = format!(
        "SigningKeys {{ current: SigningKey {{ kid: \"{}\", algorithm: EdDsa, .. }}, others: [], .. }}",
        keys.current_kid()
    );
    assert_eq!(format!("{keys:?}"), expected);
}

#[test]
fn two_ephemeral_keys_are_different_keys() {
    for algorithm in Algorithm::ALL {
        let first = SigningKeys::ephemeral(algorithm).unwrap();
        let second = SigningKeys::ephemeral(algorithm).unwrap();
        assert_ne!(first.current_kid(), second.current_kid());
        let signature = first.current().sign(b"message").unwrap();
        assert!(first.current().has_signed(b"message", &signature));
        assert!(!second.current().has_signed(b"message", &signature));
    }
}

#[test]
fn looking_for_keys_makes_none() {
    let place = Place::new();
    let look = || SigningKeys::load_existing(&place.keys, Algorithm::Es256);
    assert!(look().unwrap().is_none());
    assert!(!place.keys.exists());
    let made = place.load(Algorithm::EdDsa);
    assert!(look().unwrap().is_none());
    let found = SigningKeys::load_existing(&place.keys, Algorithm::EdDsa).unwrap();
    assert_eq!(found.unwrap().current_kid(), made.current_kid());
    fs::set_permissions(&place.keys, Permissions::from_mode(0o777)).unwrap();
    assert!(look().is_err());
}
