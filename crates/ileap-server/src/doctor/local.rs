//! What can be looked at on this machine: configuration, database, keys, the file of static users.

use std::sync::Arc;

use super::judgement::{Blame, Check, Severity};
use crate::{
    config::{Config, ConfigError, StoreUrl},
    store::{
        StoreError,
        sql::{Condition, SqlStore, condition},
    },
    verify::{CredentialVerifier as _, ProbeSeverity, static_users::StaticUsersVerifier},
};

const CONFIGURATION: &str = "configuration";
const STATIC_USERS: &str = "static_users";
const STORE: &str = "store";
const WEBHOOKS: &str = "webhooks";

/// The database, as far as it can be asked.
pub(super) enum StoreState {
    /// It answers.
    Open(Arc<SqlStore>),
    /// It cannot be asked, for the reason that this says.
    Closed(&'static str),
    /// There is none yet, so it holds nothing.
    Missing,
}

/// A configuration that loads, with its warnings.
pub(super) fn configuration(warnings: &[String]) -> Vec<Check> {
    let mut checks = vec![Check::ok(CONFIGURATION, "the configuration loads")];
    let warnings = warnings.iter();
    checks.extend(warnings.map(|warning| Check::warning(CONFIGURATION, warning)));
    checks
}

/// One that does not: every violation.
pub(super) fn unusable_configuration(error: &ConfigError) -> Vec<Check> {
    let violations = error.violations.iter().map(|violation| {
        Check::problem(CONFIGURATION, Blame::Configuration, &violation.problem)
            .seen(&violation.place)
            .advise(&violation.remedy)
    });
    let warnings = error.warnings.iter();
    let warnings = warnings.map(|warning| Check::warning(CONFIGURATION, warning));
    violations.chain(warnings).collect()
}

/// Looks at the database and opens it where that changes nothing.
pub(super) async fn store(url: &StoreUrl) -> (StoreState, Check) {
    let condition = match condition(url.expose()).await {
        Ok(condition) => condition,
        Err(error) => {
            return (
                StoreState::Closed("it cannot be opened"),
                broken(url, &error),
            );
        }
    };
    let (closed, check) = match condition {
        Condition::Good => match SqlStore::open(url.expose()).await {
            Ok(store) => {
                let check = Check::ok(STORE, "the database answers, can be written, and is up to date");
                return (StoreState::Open(Arc::new(store)), check.seen(url.to_string()));
            }
            Err(error) => return (StoreState::Closed("it cannot be opened"), broken(url, &error)),
        },
        Condition::Older => (
            "an older version wrote it",
            Check::note(STORE, "an older version wrote the database: the next start brings it up to date")
                .advise("start the server; keep a copy of the database if you may go back to the older version"),
        ),
        Condition::Newer => (
            "a newer version wrote it",
            Check::problem(STORE, Blame::Other, "a newer version of ileap wrote the database")
                .advise("update this one"),
        ),
        Condition::Locked => (
            "another process holds its lock",
            Check::problem(STORE, Blame::Other, "another process has held the database's lock for 2 seconds")
                .advise("end what writes to it (a long import, a backup, a database shell)"),
        ),
        Condition::ReadOnly => (
            "it cannot be written",
            Check::problem(STORE, Blame::Other, "the database can be read but not written")
                .advise("let the server's user own the file and its directory, on a file system that is not full or read-only"),
        ),
        Condition::Standby => (
            "it cannot be written",
            Check::problem(STORE, Blame::Other, "the database server lets nothing be written: it is a standby, or read-only")
                .advise("name the primary in store.url, or end default_transaction_read_only"),
        ),
        Condition::Memory => (
            "it is in the server's memory",
            Check::note(STORE, "the database is in memory: everything in it goes when the server ends")
                .advise("set store.url to sqlite:FILE for anything but tests"),
        ),
        Condition::Missing { path } => {
            let check = missing(&path);
            let state = match check.severity {
                Severity::Problem => StoreState::Closed("its directory does not exist"),
                _ => StoreState::Missing,
            };
            return (state, check);
        }
    };
    let check = if check.evidence.is_empty() {
        check.seen(url.to_string())
    } else {
        check
    };
    (StoreState::Closed(closed), check)
}

fn missing(path: &std::path::Path) -> Check {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_none_or(std::path::Path::is_dir) {
        return Check::note(STORE, "there is no database yet: the first start makes it").seen(
            format!("{} does not exist, its directory does", path.display()),
        );
    }
    Check::problem(
        STORE,
        Blame::Configuration,
        "the database's directory does not exist",
    )
    .seen(format!("{} does not exist", path.display()))
    .advise("make the directory, or correct store.url")
}

fn broken(url: &StoreUrl, error: &StoreError) -> Check {
    if let StoreError::Unreached {
        place,
        finding,
        remedy,
        source,
    } = error
    {
        let finding = format!("the database cannot be used: {finding}");
        return Check::problem(STORE, Blame::Other, finding)
            .seen(format!("{place}: {source}"))
            .advise(remedy);
    }
    let advice = if url.is_postgres() {
        "check that the database server runs and can be reached from here, and that host, user, password, database \
         and sslmode in store.url are right"
    } else {
        "check that the file is a database of ileap's and that the server's user owns it; else restore a copy"
    };
    Check::problem(STORE, Blame::Other, "the database cannot be used")
        .seen(format!("{url}: {}", error.with_cause()))
        .advise(advice)
}

/// Reads the file of static users.
pub(super) async fn static_users(config: &Config) -> Vec<Check> {
    let path = config
        .verifier
        .static_users_file
        .clone()
        .unwrap_or_default();
    let evidence = path.display().to_string();
    let verifier = match StaticUsersVerifier::open(path, Box::new(|_| {})) {
        Ok(verifier) => verifier,
        Err(error) => {
            let violations = error.violations.iter();
            return violations
                .map(|violation| {
                    Check::problem(STATIC_USERS, Blame::Configuration, &violation.problem)
                        .seen(&violation.place)
                        .advise(&violation.remedy)
                })
                .collect();
        }
    };
    let findings = verifier.probe().await.into_iter().map(|found| {
        let check = match found.severity {
            ProbeSeverity::Info => Check::note(STATIC_USERS, found.finding),
            ProbeSeverity::Warning => Check::warning(STATIC_USERS, found.finding),
            ProbeSeverity::Error => {
                Check::problem(STATIC_USERS, Blame::Configuration, found.finding)
            }
        };
        check.seen(&evidence).advise(found.remedy)
    });
    let loads = Check::ok(STATIC_USERS, "the file of static users loads").seen(&evidence);
    std::iter::once(loads).chain(findings).collect()
}

/// Says what a webhook would add, where there is none.
pub(super) fn webhooks(config: &Config) -> Option<Check> {
    let clerk = &config.verifier.clerk;
    if clerk.webhook_signing_secret.is_some() {
        return None;
    }
    let minutes = config.verifier.known_good.fresh_for.as_secs().div_ceil(60);
    Some(
        Check::note(
            WEBHOOKS,
            format!("no webhook tells of changes in Clerk: a ban or a new password bites after up to {minutes} minutes"),
        )
        .seen("there is no webhook signing secret")
        .advise(
            "for bans that bite at once, add an endpoint for {public_base_url}/webhooks/clerk in the Clerk dashboard \
             (Configure, Webhooks) and set CLERK_WEBHOOK_SIGNING_SECRET",
        ),
    )
}
