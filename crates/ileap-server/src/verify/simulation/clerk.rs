//! A Clerk that keeps count: what reached it, of whom, and what that means for the account.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use serde_json::{Value, json};

use super::world::{World, lock};
use crate::store::contract::dice::Dice;

/// The failure that locks an account.
const THRESHOLD: u32 = 10;
/// How many guesses may come before that.
const HALF: usize = 5;
/// A guess whose answer is lost is held against its account for an hour only. Some arrive a little late.
const NEARLY_AN_HOUR: Duration = Duration::from_mins(58);
/// Clerk's own limit on calls within ten seconds, of all instances together.
const CALLS: usize = 40;
const WINDOW: Duration = Duration::from_secs(10);

/// How Clerk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mood {
    Fair,
    /// 429, with as many seconds as it asks for.
    Throttling(Option<u64>),
    /// This status, before the call is carried out.
    Failing(u16),
    /// This status, after it was carried out.
    FailingLate(u16),
    /// 200 and nonsense.
    Babbling,
    /// The answer begins, and ends in the middle.
    Breaking,
    /// No answer.
    Silent,
    /// The answer takes up to eight seconds.
    Slow,
}

/// What Clerk says to a call.
#[derive(Debug)]
pub(super) enum Reply {
    Answer {
        status: u16,
        retry_after: Option<u64>,
        body: String,
    },
    Broken,
    Nothing,
}

/// The instance at Clerk, with its accounts.
pub(super) struct Clerk {
    accounts: Mutex<Vec<Account>>,
    calls: Mutex<VecDeque<Duration>>,
    mood: Mutex<(Mood, u64)>,
    /// Whether records of users say how many failures are left.
    shows_attempts: bool,
}

struct Account {
    email: String,
    /// Each with since when it is the right one.
    secrets: Vec<(String, Duration)>,
    /// Whether it is banned, each with since when.
    bans: Vec<(bool, Duration)>,
    /// Wrong passwords since the last right one.
    failures: u32,
    /// The same since the last before which the servers' store has forgotten them.
    failures_known: u32,
    /// When those of them came that have never been right.
    guesses: Vec<Duration>,
}

impl Clerk {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            accounts: Mutex::default(),
            calls: Mutex::default(),
            mood: Mutex::new((Mood::Fair, 0)),
            shows_attempts: dice.below(3) > 0,
        }
    }

    /// A new account; its subject is the answer.
    pub(super) fn register(&self, email: &str, secret: &str) {
        lock(&self.accounts).push(Account {
            email: email.to_owned(),
            secrets: vec![(secret.to_owned(), Duration::ZERO)],
            bans: vec![(false, Duration::ZERO)],
            failures: 0,
            failures_known: 0,
            guesses: Vec::new(),
        });
    }

    pub(super) fn change_secret(&self, number: usize, secret: &str, now: Duration) {
        lock(&self.accounts)[number]
            .secrets
            .push((secret.to_owned(), now));
    }

    pub(super) fn set_banned(&self, number: usize, is_banned: bool, now: Duration) {
        lock(&self.accounts)[number].bans.push((is_banned, now));
    }

    pub(super) fn subject(number: usize) -> String {
        format!("clerk|user_{number}")
    }

    /// Of so many calls in a hundred, the mood is felt.
    pub(super) fn set_mood(&self, mood: Mood, percent: u64) {
        *lock(&self.mood) = (mood, percent);
    }

    /// The account's present secret.
    pub(super) fn secret(&self, number: usize) -> String {
        lock(&self.accounts)[number]
            .secrets
            .last()
            .unwrap()
            .0
            .clone()
    }

    /// The servers' store forgets the failures before a login of this subject.
    pub(super) fn note_success(&self, subject: &str) {
        let mut accounts = lock(&self.accounts);
        let mut numbered = accounts.iter_mut().enumerate();
        if let Some((_, account)) = numbered.find(|(number, _)| Self::subject(*number) == subject) {
            account.failures_known = account.failures;
        }
    }

    /// Whether as many failures have reached Clerk as may, as far as the servers can know.
    pub(super) fn is_spent(&self, number: usize) -> bool {
        lock(&self.accounts)[number].failures_known >= u32::try_from(HALF).unwrap()
    }

    /// A secret that the account had before.
    pub(super) fn former_secret(&self, number: usize) -> Option<String> {
        let accounts = lock(&self.accounts);
        let secrets = &accounts[number].secrets;
        (secrets.len() > 1).then(|| secrets[0].0.clone())
    }

    /// Whether the account `subject` is named `client_id`, and at some time since `since` one of these secrets
    /// was right and at some time it was not banned.
    pub(super) fn could_log_in(
        &self,
        (subject, client_id): (&str, &str),
        secrets: &[&str],
        since: Duration,
    ) -> bool {
        let accounts = lock(&self.accounts);
        let mut numbered = accounts.iter().enumerate();
        let Some((_, account)) = numbered.find(|(number, _)| Self::subject(*number) == subject)
        else {
            return false;
        };
        account.is_named(client_id)
            && held_since(&account.secrets, since).any(|secret| secrets.contains(&secret.as_str()))
            && held_since(&account.bans, since).any(|is_banned| !is_banned)
    }

    /// Carries a call out and answers it, or not.
    pub(super) async fn answer(&self, world: &World, call: &Call) -> Reply {
        let (mood, percent) = *lock(&self.mood);
        let mood = if world.chance(percent) {
            mood
        } else {
            Mood::Fair
        };
        if let Some(reply) = self.throttle(world.now()) {
            return reply;
        }
        match mood {
            Mood::Fair => self.carry_out(world, call),
            Mood::Throttling(retry_after) => throttled(retry_after),
            Mood::Failing(status) => fault(status),
            Mood::FailingLate(status) => {
                self.carry_out(world, call);
                fault(status)
            }
            Mood::Babbling => {
                self.carry_out(world, call);
                answer(
                    200,
                    "<!doctype html><title>Just a moment</title>".to_owned(),
                )
            }
            Mood::Breaking => {
                self.carry_out(world, call);
                Reply::Broken
            }
            Mood::Silent => {
                if world.chance(50) {
                    self.carry_out(world, call);
                }
                Reply::Nothing
            }
            Mood::Slow => {
                tokio::time::sleep(world.up_to(4000)).await;
                let reply = self.carry_out(world, call);
                tokio::time::sleep(world.up_to(4000)).await;
                reply
            }
        }
    }

    fn throttle(&self, now: Duration) -> Option<Reply> {
        let mut calls = lock(&self.calls);
        while calls
            .front()
            .is_some_and(|first| now.saturating_sub(*first) >= WINDOW)
        {
            calls.pop_front();
        }
        let first = calls.front().copied();
        if calls.len() >= CALLS {
            let wait = first.map(|first| (WINDOW + first).saturating_sub(now).as_secs() + 1);
            return Some(throttled(wait));
        }
        calls.push_back(now);
        None
    }

    fn carry_out(&self, world: &World, call: &Call) -> Reply {
        let mut accounts = lock(&self.accounts);
        match call {
            Call::Lookup(email) => {
                let found = accounts.iter().position(|account| account.is_named(email));
                let found = found.map(|number| self.record(number, &accounts[number]));
                answer(200, Value::from_iter(found).to_string())
            }
            Call::Users => {
                let records = accounts.iter().enumerate();
                let records = records.map(|(number, account)| self.record(number, account));
                answer(200, records.collect::<Value>().to_string())
            }
            Call::User(id) => match number(id, &accounts) {
                Some(number) => {
                    let record = self.record(number, &accounts[number]);
                    answer(200, record.to_string())
                }
                None => refused(404, "resource_not_found"),
            },
            Call::Password(id, password) => match number(id, &accounts) {
                Some(number) => judge(world, &mut accounts[number], password),
                None => refused(404, "resource_not_found"),
            },
            Call::Memberships => answer(
                200,
                json!({"data": [{"role": "org:ileap_operator", "organization": {"id": "org_1", "slug": "acme"}}]})
                    .to_string(),
            ),
            Call::Organizations => answer(200, json!({"data": [], "total_count": 1}).to_string()),
        }
    }

    fn record(&self, number: usize, account: &Account) -> Value {
        let remaining = THRESHOLD.saturating_sub(account.failures);
        json!({
            "id": format!("user_{number}"),
            "email_addresses": [{"email_address": account.email, "verification": {"status": "verified"}}],
            "banned": account.bans.last().unwrap().0,
            "locked": account.failures >= THRESHOLD,
            "verification_attempts_remaining": self.shows_attempts.then_some(remaining),
            "two_factor_enabled": false,
        })
    }
}

impl Account {
    /// Names are compared without regard to case.
    fn is_named(&self, name: &str) -> bool {
        self.email == name.to_lowercase()
    }
}

/// A call, as far as Clerk cares.
#[derive(Debug)]
pub(super) enum Call {
    Lookup(String),
    Memberships,
    Organizations,
    Password(String, String),
    User(String),
    Users,
}

impl Call {
    pub(super) fn read(request: &reqwest::Request) -> Self {
        let url = request.url();
        let path: Vec<_> = url.path_segments().unwrap().collect();
        let query = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        match path.as_slice() {
            ["v1", "users"] => query("email_address").map_or(Self::Users, Self::Lookup),
            ["v1", "users", id] => Self::User((*id).to_owned()),
            ["v1", "users", id, "verify_password"] => {
                // Invented ids are other ones in each run.
                let is_ours = id.len() < "user_1000".len();
                let id = if is_ours { *id } else { "user_invented" };
                let body = request.body().unwrap().as_bytes().unwrap();
                let body: Value = serde_json::from_slice(body).unwrap();
                Self::Password(id.to_owned(), body["password"].as_str().unwrap().to_owned())
            }
            ["v1", "users", _, "organization_memberships"] => Self::Memberships,
            ["v1", "organizations"] => Self::Organizations,
            other => panic!("an unknown call: {other:?}"),
        }
    }

    /// Whether our own limit on calls counts it.
    pub(super) fn is_limited(&self) -> bool {
        !matches!(self, Self::Organizations | Self::Users)
    }
}

/// Judges a password, and whether it may have come this far.
fn judge(world: &World, account: &mut Account, password: &str) -> Reply {
    let (right, _) = account.secrets.last().unwrap();
    if right == password {
        account.failures = 0;
        account.guesses.clear();
        return answer(200, json!({"verified": true}).to_string());
    }
    account.failures += 1;
    account.failures_known += 1;
    if !account.secrets.iter().any(|(secret, _)| secret == password) {
        account.guesses.push(world.now());
    }
    let mut lately = account
        .guesses
        .iter()
        .filter(|at| world.now().saturating_sub(**at) < NEARLY_AN_HOUR)
        .copied()
        .peekable();
    let since = lately.peek().copied().unwrap_or_default();
    let lately = lately.count();
    let allowed = HALF + world.losses_since(since);
    let Account {
        email, failures, ..
    } = account;
    world.tell(format_args!(
        "Clerk counts {lately} guesses lately and {failures} failures of {email}"
    ));
    if lately > allowed {
        world.accuse(format_args!("{lately} guesses at {email} reached Clerk"));
    }
    if *failures >= THRESHOLD {
        world.accuse(format_args!("{email} is locked after {failures} failures"));
    }
    refused(422, "incorrect_password")
}

/// The values that held at some time since `since`.
fn held_since<T>(values: &[(T, Duration)], since: Duration) -> impl Iterator<Item = &T> {
    let ends = values.iter().skip(1).map(|(_, from)| Some(*from));
    let spans = values.iter().zip(ends.chain([None]));
    spans.filter_map(move |((value, _), end)| end.is_none_or(|end| end >= since).then_some(value))
}

fn number(id: &str, accounts: &[Account]) -> Option<usize> {
    let number = id.strip_prefix("user_")?.parse().ok()?;
    (number < accounts.len()).then_some(number)
}

fn answer(status: u16, body: String) -> Reply {
    Reply::Answer {
        status,
        retry_after: None,
        body,
    }
}

fn refused(status: u16, code: &str) -> Reply {
    answer(
        status,
        json!({"errors": [{"message": "m", "code": code}]}).to_string(),
    )
}

fn fault(status: u16) -> Reply {
    match status {
        500 => refused(500, "internal_clerk_error"),
        503 => refused(503, "maintenance_mode"),
        gateway => answer(gateway, "<html>Bad gateway</html>".to_owned()),
    }
}

fn throttled(retry_after: Option<u64>) -> Reply {
    Reply::Answer {
        status: 429,
        retry_after,
        body: json!({"errors": [{"message": "m", "code": "too_many_requests"}]}).to_string(),
    }
}
