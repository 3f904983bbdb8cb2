//! One file per command.

pub(crate) mod access;
pub(crate) mod clerk_emulator;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod conformance;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod footprints;
pub(crate) mod hash_secret;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod partners;
pub(crate) mod remove;
pub(crate) mod serve;
pub(crate) mod tads;
pub(crate) mod token;
pub(crate) mod validate;

mod file;
mod host;
mod lists;
mod numbers;
mod on_record;
mod pull;
mod secret;

use std::sync::Arc;

use ileap_server::{
    config::{Config, ConfigError, Loaded, Sources},
    store::{
        Store, StoreError, patience,
        sql::{Condition, SqlStore, condition, missing},
    },
};

use crate::{
    cli::ConfigArguments,
    exit::{Exit, Failed},
    output,
};

/// The configuration a server runs with; warnings go to stderr, violations end the command.
fn load_for_server(arguments: &ConfigArguments) -> Result<Loaded, Failed> {
    let loaded = Config::load(sources(arguments)).map_err(Failed::configuration)?;
    note(&loaded.warnings);
    Ok(loaded)
}

/// The same for a command beside a server, which is not to say each time what is odd about the server.
fn load(arguments: &ConfigArguments) -> Result<Config, Failed> {
    noted(Config::load(sources(arguments)))
}

/// The same for a command that works on store and keys alone; what it says of a verifier may be too little for others.
fn load_for_store(arguments: &ConfigArguments) -> Result<Config, Failed> {
    noted(Config::load_for_store(sources(arguments)))
}

fn sources(arguments: &ConfigArguments) -> Sources {
    Sources::from_process(arguments.config.clone())
}

fn noted(loaded: Result<Loaded, ConfigError>) -> Result<Config, Failed> {
    let loaded = loaded.map_err(Failed::configuration)?;
    note(&loaded.passed_over);
    Ok(loaded.config)
}

fn note(warnings: &[String]) {
    for warning in warnings {
        output::note(&format!("warning: {}", output::sanitised(warning)));
    }
}

/// The store that the configuration names.
async fn open_store(config: &Config) -> Result<SqlStore, Failed> {
    let url = config.store.url.expose();
    let is_new = missing(url);
    let store = SqlStore::open(url).await;
    let store = store.map_err(|error| {
        let attempted = match error {
            // It says itself which one.
            StoreError::Unreached { .. } => "opening the store".to_owned(),
            _ => opening(config),
        };
        refused_by_store(attempted, &error)
    })?;
    if let Some(path) = is_new {
        output::note(&output::sanitised(&format!(
            "note: {} was not there; it is a new database",
            path.display()
        )));
    }
    Ok(store)
}

fn opening(config: &Config) -> String {
    format!("opening {}", config.store.url)
}

/// The same for what running servers are to hear of: in a database that is new there are none.
async fn open_kept_store(config: &Config) -> Result<SqlStore, Failed> {
    let missing = match condition(config.store.url.expose()).await {
        Ok(Condition::Memory) => {
            Some("it would be made in memory, for this command alone".to_owned())
        }
        Ok(Condition::Missing { path }) => Some(format!("{} is not there", path.display())),
        _ => None,
    };
    if let Some(missing) = missing {
        let happened = format!(
            "{missing}; name your server's configuration (--config or ILEAP_CONFIG) or its database \
             (ILEAP_STORE__URL)"
        );
        return Err(Failed::new(opening(config), happened).exiting(Exit::Config));
    }
    open_store(config).await
}

/// The store, where signing keys are or have been in it.
async fn key_store(config: &Config) -> Result<Option<Arc<dyn Store>>, Failed> {
    match config.keys.cipher {
        Some(_) => Ok(Some(Arc::new(open_store(config).await?))),
        None => Ok(None),
    }
}

/// The same for whoever makes no keys.
async fn kept_key_store(config: &Config) -> Result<Option<Arc<dyn Store>>, Failed> {
    match config.keys.cipher {
        Some(_) => Ok(Some(Arc::new(open_kept_store(config).await?))),
        None => Ok(None),
    }
}

/// Why the store did not do as it was told.
fn refused_by_store(attempted: impl Into<String>, error: &StoreError) -> Failed {
    if error.is_locked() {
        let remedy = "another process has held the database for a minute; nothing has changed, try again when its \
                      import has ended";
        return Failed::new(attempted, remedy).exiting(Exit::Unavailable);
    }
    let exit = match error {
        StoreError::Unavailable { .. } | StoreError::Unreached { .. } => Exit::Unavailable,
        StoreError::Unacceptable { .. } | StoreError::UnknownPosition => Exit::Failed,
    };
    Failed::new(attempted, error.with_cause()).exiting(exit)
}

/// Says what a change to the store waits for.
fn say_that_it_waits() {
    output::note("another process writes to the database; waiting for it");
}

/// Makes a change to the store, also while another process imports into it.
async fn patiently<T>(change: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for number in 1..patience::TRIES {
        match change().await {
            Err(error) if error.is_locked() && number == 1 => say_that_it_waits(),
            Err(error) if error.is_locked() => {}
            changed => return changed,
        }
    }
    change().await
}
