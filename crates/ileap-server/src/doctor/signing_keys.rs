//! The signing keys, looked at without making or changing any.

use std::sync::Arc;

use super::{
    judgement::{Blame, Check},
    local::StoreState,
};
use crate::{
    clock::Clock,
    config::{Config, KeyPlace},
    server::{key_location, key_policy},
    store::Store,
    token::{KeyError, KeyList, KeyState, list_keys},
};

const SIGNING_KEYS: &str = "signing_keys";

/// Reads the signing keys, and judges whether the next one comes in time.
pub(super) async fn check(config: &Config, store: &StoreState, clock: &dyn Clock) -> Check {
    let store = match store {
        StoreState::Open(store) => Some(store.clone() as Arc<dyn Store>),
        StoreState::Closed(_) | StoreState::Missing => None,
    };
    let Some(location) = key_location(config, store) else {
        return Check::note(
            SIGNING_KEYS,
            "the signing keys are in the database, which cannot be asked",
        );
    };
    match list_keys(&*location, &key_policy(config), clock.now()).await {
        Ok(keys) => match keys.trouble.first() {
            Some(error) => unusable(error),
            None => judge(config, &keys),
        },
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &KeyError) -> Check {
    Check::problem(
        SIGNING_KEYS,
        Blame::Configuration,
        "the signing keys cannot be used",
    )
    .seen(error.with_cause())
    .advise(remedy(error))
}

fn judge(config: &Config, keys: &KeyList) -> Check {
    let place = match config.keys.location {
        KeyPlace::Directory => config.keys.directory.display().to_string(),
        KeyPlace::Store => "in the database".to_owned(),
    };
    let mut active = keys.keys.iter();
    let active = active.find(|(_, standing)| standing.state == KeyState::Active);
    let Some((active, _)) = active else {
        return Check::note(
            SIGNING_KEYS,
            "there is no signing key yet: the next start makes one",
        )
        .seen(place);
    };
    let evidence = format!(
        "{place}: {}, kid {}, signs since {}",
        active.algorithm, active.kid, active.signs_from
    );
    if keys.is_overdue {
        return Check::warning(SIGNING_KEYS, "the next signing key should have been published by now")
            .seen(evidence)
            .advise(
                "start the server if none runs; else its log says what keeps it from making a key, such as a directory \
                 that it may not write to",
            );
    }
    Check::ok(
        SIGNING_KEYS,
        "the signing keys can be used, by their owner alone",
    )
    .seen(evidence)
}

fn remedy(error: &KeyError) -> &'static str {
    match error {
        KeyError::Duplicate { .. } => "remove one of the two files",
        KeyError::Exposed { .. } => {
            "take the permissions away with the chmod that the evidence names"
        }
        KeyError::Foreign { .. } => {
            "give the file to the service with the chown that the evidence names"
        }
        KeyError::Sealed { .. } => {
            "let keys.encryption_key_file hold what it holds on the other instances, or what was kept of it elsewhere, \
             byte for byte; where it is lost everywhere, see \"Another secret\" in docs/operations.md"
        }
        KeyError::Unusable { .. } => {
            "replace the file, or remove it: the next start makes a key when none is left"
        }
        KeyError::Store(_) => "do what is said of the store",
        KeyError::Contended
        | KeyError::Generation { .. }
        | KeyError::Io { .. }
        | KeyError::Missing
        | KeyError::NoneYet
        | KeyError::TooMany { .. }
        | KeyError::Unknown { .. } => "let the server's user own the directory and the files in it",
    }
}
