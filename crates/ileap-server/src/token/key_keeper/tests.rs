//! A server's keys over months and accidents, with a clock that the test moves.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::{
    clock::{ManualClock, SystemClock},
    identity::{ClientId, Principal, Scopes},
    store::StoreError,
    token::{
        Algorithm, CutoffMark, DEFAULT_LEEWAY, DirectoryKeys, IssueError, IssuerOptions, Reuse,
        SigningKeys, TokenIssuer, TokenValidator, UnverifiedToken, ValidatorOptions,
        key_location::RevokedKey, revoke_key, rotate_keys, signing_key::SigningKey,
    },
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const HOUR_BUT_A_SECOND: Duration = Duration::from_secs(3_599);
const DAY_BUT_A_SECOND: Duration = Duration::from_secs(86_399);
const POLICY: KeyPolicy = KeyPolicy {
    algorithm: Algorithm::Es256,
    publish_before: DAY,
    rotate_every: Duration::from_hours(90 * 24),
};

/// A directory that can be away, as a database can, and full.
#[derive(Debug)]
struct Location {
    directory: DirectoryKeys,
    /// How many changes were tried.
    changes: AtomicUsize,
    is_full: AtomicBool,
    is_away: AtomicBool,
}

#[async_trait::async_trait]
impl KeyLocation for Location {
    async fn read(&self) -> Result<Reading, KeyError> {
        self.check()?;
        self.directory.read().await
    }

    async fn apply(&self, expected: &[KeyRecord], edit: Edit) -> Result<bool, KeyError> {
        self.check()?;
        self.changes.fetch_add(1, Ordering::SeqCst);
        if self.is_full.load(Ordering::SeqCst) {
            return Err(KeyError::Io {
                attempted: "writing",
                path: "keys".into(),
                source: std::io::ErrorKind::StorageFull.into(),
            });
        }
        self.directory.apply(expected, edit).await
    }

    async fn private_key(&self, kid: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.directory.private_key(kid).await
    }
}

impl Location {
    fn check(&self) -> Result<(), KeyError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(KeyError::Store(StoreError::Unavailable {
                attempted: "reading the signing keys",
                source: "away".into(),
            }));
        }
        Ok(())
    }
}

/// A server, as far as its tokens go.
struct Server {
    clock: Arc<ManualClock>,
    directory: Arc<TempDir>,
    location: Arc<Location>,
    metrics: Arc<Metrics>,
    keys: Arc<SigningKeys>,
    keeper: KeyKeeper,
    issuer: TokenIssuer,
    validator: TokenValidator,
}

impl Server {
    /// The first one on keys of its own.
    async fn new() -> Self {
        Self::starting_at(Timestamp::from_second(1_800_000_000).unwrap()).await
    }

    async fn starting_at(start: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::starting_at(start));
        Self::start(Arc::new(tempfile::tempdir().unwrap()), clock, POLICY).await
    }

    /// Another one on the same keys, by the same clock.
    async fn beside(&self, policy: KeyPolicy) -> Self {
        Self::start(self.directory.clone(), self.clock.clone(), policy).await
    }

    async fn start(directory: Arc<TempDir>, clock: Arc<ManualClock>, policy: KeyPolicy) -> Self {
        let location = Arc::new(Location {
            directory: DirectoryKeys::new(&directory.path().join("keys"), policy.publish_before),
            changes: AtomicUsize::new(0),
            is_away: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
        });
        let metrics = Arc::new(Metrics::new());
        let keys = SigningKeys::open(KeeperParts {
            clock: clock.clone(),
            elsewhere: None,
            location: location.clone(),
            metrics: metrics.clone(),
            policy,
        });
        let keys = Arc::new(keys.await.unwrap());
        let keeper = keys.keeper().take().unwrap();
        let (issuer, audience) = ("https://ileap.example".to_owned(), "data".to_owned());
        let issuing = IssuerOptions {
            issuer: issuer.clone(),
            audience: audience.clone(),
            lifetime: HOUR,
            typ: "at+jwt".to_owned(),
            reuse: Reuse::WhileHalfLeft,
        };
        let validating = ValidatorOptions {
            issuer,
            audience,
            typ: "at+jwt".to_owned(),
            leeway: DEFAULT_LEEWAY,
        };
        Self {
            keeper,
            issuer: TokenIssuer::new(issuing, keys.clone(), clock.clone()),
            validator: TokenValidator::new(validating, keys.clone(), clock.clone()),
            clock,
            directory,
            location,
            metrics,
            keys,
        }
    }

    /// As `ileap keys rotate` beside it does.
    async fn rotate(&self) {
        let rotated = rotate_keys(&*self.location, &POLICY, self.clock.now()).await;
        rotated.unwrap();
    }

    /// As `ileap keys revoke` does, on a machine whose clock is ahead.
    async fn revoke(&self, kid: &str, ahead: Duration) {
        let now = self.clock.now() + ahead;
        let revoked = revoke_key(&*self.location, &POLICY, kid, now).await;
        revoked.unwrap();
    }

    async fn turn(&mut self) {
        self.keeper.turn(&self.keys.set).await;
    }

    /// Lets time pass, with a look at the keys every `step`.
    async fn live(&mut self, time: Duration, step: Duration) {
        let mut passed = Duration::ZERO;
        while passed < time {
            self.clock.advance(step);
            passed += step;
            self.turn().await;
        }
    }

    fn signs(&self) -> String {
        self.keys.now().signing_kid().unwrap().to_owned()
    }

    fn kids(&self) -> Vec<String> {
        self.keys.now().kids().map(str::to_owned).collect()
    }

    async fn token(&self) -> String {
        let issued = self.issuer.issue(&principal(), CutoffMark::default()).await;
        issued.unwrap().access_token.expose().to_owned()
    }

    fn accepts(&self, token: &str) -> bool {
        self.validator.validate(UnverifiedToken::new(token)).is_ok()
    }

    fn has_metric(&self, line: &str) -> bool {
        self.metrics
            .render()
            .lines()
            .any(|rendered| rendered == line)
    }
}

fn principal() -> Principal {
    Principal {
        subject: "clerk|user_1".to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: None,
        roles: BTreeSet::new(),
        scopes: Scopes::all(),
    }
}

#[tokio::test]
async fn over_a_year_every_key_signs_for_its_time_and_only_when_verifiers_know_it() {
    let mut server = Server::new().await;
    let max_age = POLICY.max_age();
    let mut signers = BTreeSet::from([server.signs()]);
    for _ in 0..366 {
        server.live(max_age * 287, max_age * 41).await;
        let kept_by_a_verifier = server.kids();
        server.live(max_age, max_age).await;
        assert!(kept_by_a_verifier.contains(&server.signs()));
        assert!(server.kids().len() <= 3, "{:?}", server.kids());
        let token = server.token().await;
        assert!(server.accepts(&token));
        signers.insert(server.signs());
    }
    assert_eq!(signers.len(), 5, "{signers:?}");
    // Of those that are gone nothing is left.
    let keys = server.directory.path().join("keys");
    let files = fs::read_dir(keys).unwrap().count();
    assert!(files <= 2, "{files}");
    assert!(server.has_metric(r#"ileap_signing_keys{state="active"} 1"#));
}

#[tokio::test]
async fn a_token_signed_just_before_a_switch_lives_as_long_as_any() {
    let mut server = Server::new().await;
    let first = server.signs();
    server.rotate().await;
    server.turn().await;
    server.live(DAY_BUT_A_SECOND, DAY_BUT_A_SECOND).await;
    let token = server.token().await;
    assert_eq!(server.signs(), first);
    server
        .live(Duration::from_secs(1), Duration::from_secs(1))
        .await;
    assert_ne!(server.signs(), first);
    for _ in 0..60 {
        assert!(server.accepts(&token) && server.kids().contains(&first));
        server
            .live(Duration::from_millis(59_980), Duration::from_millis(59_980))
            .await;
    }
    server.live(DAY, DAY).await;
    server.live(HOUR, HOUR).await;
    assert!(!server.kids().contains(&first));
}

#[tokio::test]
async fn a_key_that_is_gone_stays_for_an_hour_whoever_finds_it_gone() {
    let mut server = Server::new().await;
    let first = server.signs();
    server.rotate().await;
    server.turn().await;
    server.live(DAY, DAY).await;
    let kept = async |server: &Server| {
        let records = server.location.read().await.unwrap().records();
        records.iter().any(|record| record.kid == first)
    };
    while server.kids().contains(&first) {
        server.live(HOUR, HOUR).await;
    }
    let second = Duration::from_secs(1);
    server.live(HOUR_BUT_A_SECOND, HOUR_BUT_A_SECOND).await;
    assert!(kept(&server).await);
    // Whoever begins now has not seen it go.
    let mut other = server.beside(POLICY).await;
    other.live(HOUR_BUT_A_SECOND, HOUR_BUT_A_SECOND).await;
    assert!(kept(&other).await);
    other.live(second, second).await;
    assert!(!kept(&other).await);
}

#[tokio::test]
async fn two_servers_publish_one_next_key_and_switch_together() {
    let mut one = Server::new().await;
    let mut other = one.beside(POLICY).await;
    assert_eq!(one.signs(), other.signs());
    for _ in 0..400 {
        one.clock.advance(DAY / 4);
        tokio::join!(one.turn(), other.turn());
        // Who was slower finds what the other made when it looks again.
        tokio::join!(one.turn(), other.turn());
        assert_eq!(one.kids(), other.kids());
        assert!(one.kids().len() <= 3);
        let token = one.token().await;
        assert!(other.accepts(&token));
    }
}

#[tokio::test]
async fn a_revoked_key_ends_its_tokens_remembered_and_reused_ones_too() {
    let mut server = Server::new().await;
    let token = server.token().await;
    assert!(server.accepts(&token));
    assert_eq!(server.token().await, token);
    let first = server.signs();
    server.revoke(&first, Duration::ZERO).await;
    server.turn().await;
    assert!(!server.accepts(&token));
    assert!(!server.kids().contains(&first));
    let after = server.token().await;
    assert_ne!(after, token);
    assert!(server.accepts(&after));
    server.live(DAY, HOUR).await;
    assert!(!server.kids().contains(&first));
}

#[tokio::test]
async fn a_revocation_bites_though_the_servers_clock_is_late() {
    let mut server = Server::new().await;
    let first = server.signs();
    server.rotate().await;
    server.live(HOUR, HOUR).await;
    server.revoke(&first, Duration::from_secs(30)).await;
    server.turn().await;
    assert_eq!(server.kids().len(), 1);
    assert_ne!(server.signs(), first);
}

#[tokio::test]
async fn while_the_store_is_away_the_known_keys_go_on_and_change_in_time() {
    let mut server = Server::new().await;
    let first = server.signs();
    server.rotate().await;
    server.turn().await;
    let token = server.token().await;
    server.location.is_away.store(true, Ordering::SeqCst);
    server.turn().await;
    assert_eq!(server.signs(), first);
    assert!(server.accepts(&token));
    assert!(server.has_metric("ileap_signing_key_trouble 1"));
    server.live(DAY, HOUR).await;
    assert_ne!(server.signs(), first);
    assert!(server.kids().contains(&first));
    server.location.is_away.store(false, Ordering::SeqCst);
    server.turn().await;
    assert!(server.has_metric("ileap_signing_key_trouble 0"));
}

#[tokio::test]
async fn half_a_key_and_an_emptied_directory_leave_the_keys_in_use() {
    let mut server = Server::new().await;
    let keys = server.directory.path().join("keys");
    let first = server.signs();
    fs::write(keys.join("half.pem"), "-----BEGIN PRIVATE KEY-----\nMII").unwrap();
    server.turn().await;
    assert_eq!(server.kids(), std::slice::from_ref(&first));
    assert!(server.has_metric("ileap_signing_key_trouble 1"));
    fs::remove_dir_all(&keys).unwrap();
    server.live(DAY * 100, DAY).await;
    assert_eq!(server.kids(), std::slice::from_ref(&first));
    assert!(server.has_metric("ileap_signing_key_trouble 1"));
    // Nothing was put there meanwhile that a restart would begin with.
    assert!(!keys.exists());
}

#[tokio::test]
async fn a_key_that_cannot_be_written_is_tried_again_after_a_pause() {
    let mut server = Server::new().await;
    let first = server.signs();
    let begun = server.location.changes.load(Ordering::SeqCst);
    server.location.is_full.store(true, Ordering::SeqCst);
    server.clock.advance(DAY * 89);
    for _ in 0..59 {
        server.turn().await;
        server.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(server.location.changes.load(Ordering::SeqCst), begun + 1);
    assert_eq!(server.kids(), [first]);
    assert!(server.has_metric("ileap_signing_key_trouble 1"));
    server.clock.advance(Duration::from_secs(1));
    server.turn().await;
    assert_eq!(server.location.changes.load(Ordering::SeqCst), begun + 2);
    server.location.is_full.store(false, Ordering::SeqCst);
    server.live(REST + REST / 4, REST / 4).await;
    assert_eq!(server.kids().len(), 2);
    assert!(server.has_metric("ileap_signing_key_trouble 0"));
}

#[tokio::test]
async fn another_algorithm_comes_through_the_set_like_any_other_key() {
    let old = Server::new().await;
    let token = old.token().await;
    let policy = KeyPolicy {
        algorithm: Algorithm::EdDsa,
        ..POLICY
    };
    let mut server = old.beside(policy).await;
    drop(old);
    server.turn().await;
    server.turn().await;
    let algorithms = server.keys.now().algorithms();
    assert_eq!(algorithms, [Algorithm::Es256, Algorithm::EdDsa]);
    assert_eq!(
        server.token().await.split('.').next(),
        token.split('.').next()
    );
    server.live(DAY, HOUR).await;
    let algorithms = server.keys.now().algorithms();
    assert_eq!(algorithms, [Algorithm::EdDsa, Algorithm::Es256]);
    let after = server.token().await;
    assert!(server.accepts(&after));
    server.live(DAY * 2, HOUR).await;
    assert_eq!(server.keys.now().algorithms(), [Algorithm::EdDsa]);
}

#[tokio::test]
async fn clocks_that_jump_lose_no_key_whose_tokens_may_live() {
    let mut server = Server::new().await;
    let first = server.signs();
    server.rotate().await;
    server.live(DAY, HOUR).await;
    assert_ne!(server.signs(), first);
    let second = server.signs();
    let year: i64 = 365 * 24 * 3_600_000;
    for jump in [year, -year, -2 * year, 2 * year, 3_600_000, -3_600_000] {
        server.clock.step_wall(jump);
        for _ in 0..5 {
            server.clock.advance(Duration::from_secs(1));
            server.turn().await;
        }
        assert_eq!(server.signs(), second, "{jump}");
        assert!(server.kids().contains(&first), "{jump}");
    }
    let token = server.token().await;
    assert!(server.accepts(&token));
}

#[tokio::test]
async fn when_every_key_is_revoked_by_hand_a_new_one_signs() {
    let mut server = Server::new().await;
    let first = server.signs();
    let revoked = RevokedKey {
        kid: first.clone(),
        algorithm: Algorithm::Es256,
        at: server.clock.now(),
    };
    let records = server.location.read().await.unwrap().records();
    let edit = Edit {
        revoke: Some(revoked),
        ..Edit::default()
    };
    assert!(server.location.apply(&records, edit).await.unwrap());
    server.turn().await;
    server.turn().await;
    assert_eq!(server.kids().len(), 1);
    assert_ne!(server.signs(), first);
}

/// The one key of a server ends, and what is to sign in its place cannot be used.
#[tokio::test]
async fn a_revoked_key_counts_no_longer_though_nobody_can_sign_in_its_place() {
    let mut server = Server::new().await;
    let keys = server.directory.path().join("keys");
    let token = server.token().await;
    assert!(server.accepts(&token));
    let name = format!("{}.ES256", server.signs());
    fs::remove_file(keys.join(format!("{name}.pem"))).unwrap();
    // The name says it; what is in the file may be out of reach.
    fs::create_dir(keys.join(format!("{name}.revoked"))).unwrap();
    fs::write(
        keys.join("successor.pem"),
        "-----BEGIN PRIVATE KEY-----\nMII",
    )
    .unwrap();
    server.turn().await;
    assert!(!server.accepts(&token));
    assert_eq!(server.kids(), Vec::<String>::new());
    let caller = principal();
    let refused = server.issuer.issue(&caller, CutoffMark::default());
    assert_eq!(refused.await.unwrap_err(), IssueError::Keyless);
    assert!(server.has_metric("ileap_signing_key_trouble 1"));
    fs::remove_file(keys.join("successor.pem")).unwrap();
    server
        .live(Duration::from_secs(2), Duration::from_secs(1))
        .await;
    assert!(server.has_metric("ileap_signing_key_trouble 0"));
    assert!(server.accepts(&server.token().await));
    assert!(!server.accepts(&token));
}

#[tokio::test]
async fn a_file_put_beside_others_waits_from_when_it_came_however_old_it_is() {
    // A file's time of change is the system's, so the clock begins in its neighbourhood.
    let now = SystemClock.now();
    let mut server = Server::starting_at(now - DAY * 60).await;
    let first = server.signs();
    server.clock.advance(DAY * 60);
    server.turn().await;
    let path = server.directory.path().join("keys/mine.pem");
    let pkcs8 = SigningKey::generate_pkcs8(Algorithm::Es256).unwrap();
    let body = STANDARD.encode(&pkcs8);
    fs::write(
        &path,
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let two_days_ago = std::time::SystemTime::from(now - DAY * 2);
    let file = fs::File::open(&path).unwrap();
    file.set_modified(two_days_ago).unwrap();
    server.turn().await;
    assert_eq!((server.signs(), server.kids().len()), (first.clone(), 2));
    // So does whoever starts only now.
    let again = server.beside(POLICY).await;
    assert_eq!(again.signs(), first);
    server.live(DAY, HOUR).await;
    server.live(HOUR, HOUR).await;
    assert_ne!(server.signs(), first);
}
