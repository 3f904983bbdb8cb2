use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    sync::LazyLock,
    task::{Context, Waker},
};

use tempfile::TempDir;

use super::{secret_hash::SecretHash, *};
use crate::{
    identity::{ClientSecret, Role},
    verify::contract::{self, Premises, Trouble, attempt},
};

const SECRET: &str = "canary-Lantern-4711";
const OTHER_SECRET: &str = "canary-Beacon-0815";

/// Hashes of the two secrets: making them costs more than the rest of most tests.
static HASHES: LazyLock<[String; 2]> = LazyLock::new(|| [SECRET, OTHER_SECRET].map(hashed));

fn hashed(secret: &str) -> String {
    hash_secret(&ClientSecret::new(secret).unwrap()).unwrap()
}

fn credentials(client_id: &str, secret: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: ClientId::new(client_id).unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    }
}

fn user(client_id: &str, hash: &str) -> String {
    format!(
        "[[user]]\nclient_id = \"{client_id}\"\nsecret_hash = \"{hash}\"\nrole = \"operator\"\n"
    )
}

/// A file of users with a verifier over it, and who was invalidated.
struct Office {
    directory: TempDir,
    verifier: Arc<StaticUsersVerifier>,
    invalidated: Arc<Mutex<Vec<String>>>,
}

impl Office {
    fn open(content: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        write_private(&path, content);
        let invalidated = Arc::<Mutex<Vec<_>>>::default();
        let told = Arc::clone(&invalidated);
        let on_change: OnChange = Box::new(move |invalidation| {
            let Invalidation::Subject(subject) = invalidation else {
                panic!("{invalidation:?}");
            };
            told.lock().unwrap().push(subject.clone());
        });
        Self {
            verifier: Arc::new(StaticUsersVerifier::open(path, on_change).unwrap()),
            directory,
            invalidated,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("users.toml")
    }

    fn replace(&self, content: &str) {
        let new = self.directory.path().join("users.toml.new");
        write_private(&new, content);
        fs::rename(&new, self.path()).unwrap();
    }

    fn look_twice(&self) {
        self.verifier.look();
        self.verifier.look();
    }

    async fn ask(&self, client_id: &str, secret: &str) -> Result<Verdict, VerifyError> {
        let credentials = credentials(client_id, secret);
        self.verifier.verify(&attempt(&credentials)).await
    }

    async fn accepts(&self, client_id: &str, secret: &str) -> bool {
        matches!(
            self.ask(client_id, secret).await.unwrap(),
            Verdict::Accept(_)
        )
    }

    fn invalidated(&self) -> Vec<String> {
        let mut subjects = std::mem::take(&mut *self.invalidated.lock().unwrap());
        subjects.sort();
        subjects
    }
}

fn write_private(path: &Path, content: &str) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

/// A verifier that keeps its file's directory.
struct OfOneAccount;

#[async_trait::async_trait]
impl Premises for OfOneAccount {
    async fn with_account(&self, client_id: &str, secret: &str) -> Box<dyn CredentialVerifier> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        write_private(&path, &user(client_id, &hashed(secret)));
        Box::new(StaticUsersVerifier::open(path, Box::new(|_| {})).unwrap())
    }

    async fn with_locked_account(
        &self,
        _client_id: &str,
        _secret: &str,
    ) -> Option<Box<dyn CredentialVerifier>> {
        None
    }

    async fn in_trouble(&self, _trouble: Trouble) -> Option<Box<dyn CredentialVerifier>> {
        None
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_verifiers() {
    contract::run(&OfOneAccount).await;
}

#[tokio::test]
async fn an_accepted_user_acts_for_its_organization_in_its_role() {
    let content = user("acme", &HASHES[0]) + "organization = \"org_acme\"\n";
    let office = Office::open(&content);
    let Ok(Verdict::Accept(client)) = office.ask("acme", SECRET).await else {
        panic!("not accepted");
    };
    assert_eq!(client.subject, "static|acme");
    assert_eq!(client.roles, BTreeSet::from([Role::Operator]));
    let organization = client.organization.unwrap();
    assert_eq!(
        (organization.id.as_str(), organization.slug),
        ("org_acme", None)
    );
}

#[tokio::test]
async fn known_and_unknown_clients_have_accounts_of_the_same_form_and_nothing_locks() {
    let office = Office::open(&user("acme", &HASHES[0]));
    for client_id in ["acme", "nobody"] {
        let credentials = credentials(client_id, SECRET);
        let account = office.verifier.account(&attempt(&credentials)).await;
        let expected = Account {
            key: AccountKey::of_subject(&format!("static|{client_id}")),
            allowed_failures: None,
            failures_left: None,
        };
        assert_eq!(account, Ok(expected));
    }
}

#[tokio::test]
async fn an_unknown_client_is_told_apart_in_the_log_only_after_as_much_work_as_a_known_one() {
    let office = Office::open(&user("acme", &HASHES[0]));
    let costs = SecretHash::parse(&HASHES[0]).unwrap().costs();
    assert_eq!(office.verifier.current().decoy().costs(), costs);
    assert_eq!(
        office.ask("nobody", SECRET).await,
        Ok(Verdict::Reject(RejectReason::UnknownClient))
    );
    // Without a place for hashing there is no answer about unknown clients either.
    let mut busy = Arc::try_unwrap(office.verifier).unwrap();
    busy.hashing = Hashing::closed();
    for client_id in ["acme", "nobody"] {
        let credentials = credentials(client_id, SECRET);
        let answer = busy.verify(&attempt(&credentials)).await;
        let Err(VerifyError::Unavailable { retry_after, cause }) = answer else {
            panic!("{client_id}: {answer:?}");
        };
        assert_eq!(cause, "hashing_busy");
        assert!((1..=2).contains(&retry_after.as_secs()));
    }
}

#[tokio::test]
async fn a_changed_file_counts_and_whoever_changed_or_went_is_invalidated() {
    let office = Office::open(&(user("acme", &HASHES[0]) + &user("gone", &HASHES[0])));
    office.look_twice();
    assert_eq!(office.invalidated(), Vec::<String>::new());
    office.replace(&(user("acme", &HASHES[1]) + &user("new", &HASHES[0])));
    office.look_twice();
    assert_eq!(office.invalidated(), ["static|acme", "static|gone"]);
    assert!(!office.accepts("acme", SECRET).await);
    assert!(office.accepts("acme", OTHER_SECRET).await);
    assert!(office.accepts("new", SECRET).await);
    assert_eq!(
        office.ask("gone", SECRET).await,
        Ok(Verdict::Reject(RejectReason::UnknownClient))
    );
}

#[tokio::test]
async fn a_file_written_in_place_counts_once_it_stays_as_it_is() {
    let office = Office::open(&user("acme", &HASHES[0]));
    let (first, second) = (user("acme", &HASHES[1]), user("other", &HASHES[1]));
    write_private(&office.path(), "");
    office.verifier.look();
    write_private(&office.path(), &first);
    office.verifier.look();
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(office.path())
        .unwrap();
    file.write_all(second.as_bytes()).unwrap();
    office.verifier.look();
    assert!(office.accepts("acme", SECRET).await, "nothing counts yet");
    office.verifier.look();
    assert!(office.accepts("other", OTHER_SECRET).await);
    assert_eq!(office.verifier.trouble(), None);
}

#[tokio::test]
async fn a_bad_file_leaves_the_users_as_they_were_and_says_so_until_it_is_good_again() {
    let good = user("acme", &HASHES[0]);
    let office = Office::open(&good);
    let half = good.get(..good.len() - 30).unwrap().to_owned();
    for bad in [
        String::new(),
        half,
        "not TOML".to_owned(),
        user("acme", SECRET),
    ] {
        office.replace(&bad);
        office.look_twice();
        assert!(office.accepts("acme", SECRET).await);
        let findings = office.verifier.probe().await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].finding.contains("users.toml:"), "{findings:?}");
    }
    fs::remove_file(office.path()).unwrap();
    office.look_twice();
    assert!(office.accepts("acme", SECRET).await);
    assert!(
        office
            .verifier
            .trouble()
            .unwrap()
            .contains("cannot be read")
    );
    office.replace(&good);
    office.look_twice();
    assert_eq!(office.verifier.trouble(), None);
    assert!(office.verifier.probe().await.is_empty());
    assert_eq!(office.invalidated(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_is_opened_to_others_is_in_trouble_until_it_is_closed_again() {
    let office = Office::open(&user("acme", &HASHES[0]));
    for (mode, trouble) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(office.path(), fs::Permissions::from_mode(mode)).unwrap();
        office.look_twice();
        assert_eq!(office.verifier.trouble().is_some(), trouble, "{mode:o}");
    }
}

#[tokio::test]
async fn whoever_is_removed_while_the_secret_is_hashed_is_not_let_in() {
    let office = Office::open(&(user("acme", &HASHES[0]) + &user("other", &HASHES[0])));
    let credentials = credentials("acme", SECRET);
    let attempt = attempt(&credentials);
    let mut asking = office.verifier.verify(&attempt);
    // Begins the work, and no more.
    assert!(
        asking
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    office.replace(&user("other", &HASHES[0]));
    office.look_twice();
    assert_eq!(asking.await, Ok(Verdict::Reject(RejectReason::WrongSecret)));
}

#[tokio::test]
async fn requests_are_answered_all_the_time_while_the_file_changes() {
    let office = Office::open(&user("acme", &HASHES[0]));
    let changing = async {
        for round in 0..20 {
            office.replace(&(user("acme", &HASHES[0]) + &user(&round.to_string(), &HASHES[1])));
            office.look_twice();
            tokio::task::yield_now().await;
        }
    };
    let asking = async {
        for _ in 0..20 {
            assert!(office.accepts("acme", SECRET).await);
        }
    };
    tokio::join!(changing, asking);
}

#[tokio::test]
async fn following_the_file_takes_over_a_change_and_does_not_keep_the_verifier() {
    let office = Office::open(&user("acme", &HASHES[0]));
    office.verifier.follow();
    office.replace(&user("acme", &HASHES[1]));
    eventually(|| office.invalidated() == ["static|acme"]).await;
    let weak = Arc::downgrade(&office.verifier);
    drop(office);
    eventually(|| weak.strong_count() == 0).await;
}

async fn eventually(is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), so)
        .await
        .unwrap();
}

#[tokio::test]
async fn different_costs_are_pointed_out_by_the_probe() {
    let costly = HASHES[1].replace("t=2", "t=3");
    let content = user("a", &HASHES[0]) + &user("b", &HASHES[1]) + &user("c", &costly);
    let findings = Office::open(&content).verifier.probe().await;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, ProbeSeverity::Info);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_and_no_hash_is_ever_shown_or_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let good = user("acme", &HASHES[0]);
    let office = Office::open(&good);
    let mut shown = Vec::new();
    for content in [
        good.clone(),
        user("acme", &HASHES[1]),
        user("acme", SECRET),
        good.replace("secret_hash", &format!("\"{}\"", HASHES[0])),
        good.replace("acme\"", &HASHES[0]),
        good.replace("operator", &HASHES[0]),
        user("acme", &HASHES[0].replace("m=19456", "m=1")),
    ] {
        office.replace(&content);
        office.look_twice();
        let answer = office.ask("acme", SECRET).await;
        let verifier = &office.verifier;
        let findings = verifier.probe().await;
        let users = verifier.current();
        let credentials = credentials("acme", SECRET);
        shown.push(format!(
            "{answer:?} {findings:?} {verifier:?} {users:?} {credentials:?}"
        ));
        if let Err(error) = StaticUsersVerifier::open(office.path(), Box::new(|_| {})) {
            shown.push(format!("{error} {error:?}"));
        }
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("users.changed_or_removed=1"), "{logged}");
    assert!(logged.contains("the users read before stay"), "{logged}");
    let salt_and_hash = HASHES.each_ref().map(|hash| hash.get(31..).unwrap());
    for text in [&shown.concat(), &logged] {
        assert!(!text.contains("canary"), "{text}");
        for hash in salt_and_hash {
            assert!(!text.contains(hash), "{text}");
        }
    }
}
