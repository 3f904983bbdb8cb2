//! The signing keys a configuration asks for.

use std::sync::Arc;

use crate::{
    clock::{Clock, SystemClock},
    config::{Config, KeyPlace},
    store::Store,
    telemetry::Metrics,
    token::{
        DirectoryKeys, KeeperParts, KeyError, KeyLocation, KeyPolicy, SigningKeys, StoredKeys,
    },
};

/// When keys are made, and for how long they wait.
pub fn key_policy(config: &Config) -> KeyPolicy {
    KeyPolicy {
        algorithm: config.token.algorithm,
        publish_before: config.keys.publish_before,
        rotate_every: config.keys.rotate_every,
    }
}

/// Where keys are kept. `None` when that is the store and there is none at hand.
pub fn key_location(
    config: &Config,
    store: Option<Arc<dyn Store>>,
) -> Option<Arc<dyn KeyLocation>> {
    place(config, config.keys.location, store)
}

/// The keys of a server. They are those that are kept, else those of the other place, where they may have been before,
/// else the first one is made. Without a store only the directory counts.
pub async fn signing_keys(
    config: &Config,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Result<SigningKeys, KeyError> {
    SigningKeys::open(parts(config, store, clock, metrics)?).await
}

/// The same keys for a command beside the server, which makes and moves none.
pub async fn kept_signing_keys(
    config: &Config,
    store: Option<Arc<dyn Store>>,
) -> Result<SigningKeys, KeyError> {
    let (clock, metrics) = (Arc::new(SystemClock), Arc::new(Metrics::new()));
    SigningKeys::look(parts(config, store, clock, metrics)?).await
}

fn parts(
    config: &Config,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Result<KeeperParts, KeyError> {
    let other = match config.keys.location {
        KeyPlace::Directory => KeyPlace::Store,
        KeyPlace::Store => KeyPlace::Directory,
    };
    let location = key_location(config, store.clone());
    Ok(KeeperParts {
        clock,
        elsewhere: place(config, other, store),
        location: location.ok_or(KeyError::Missing)?,
        metrics,
        policy: key_policy(config),
    })
}

fn place(
    config: &Config,
    place: KeyPlace,
    store: Option<Arc<dyn Store>>,
) -> Option<Arc<dyn KeyLocation>> {
    let keys = &config.keys;
    match place {
        KeyPlace::Directory => Some(Arc::new(DirectoryKeys::new(
            &keys.directory,
            keys.publish_before,
        ))),
        KeyPlace::Store => Some(Arc::new(StoredKeys::new(store?, keys.cipher.clone()?))),
    }
}
