//! Configuration: read in one place from file and environment, judged as a whole, turned into parts.
//!
//! The registry in `keys` is the one list of what can be set; the default file, the JSON Schema, the
//! reference and the reading itself all come from it.

mod base_url;
mod changes;
mod document;
mod environment;
mod file;
mod key;
mod keys;
pub mod publishable_key;
mod read;
mod read_clerk;
mod read_data;
mod read_telemetry;
mod reader;
mod rules;
mod secret_file;
mod sections;
mod sources;
mod store_url;
mod values;
mod violation;

pub use base_url::PublicBaseUrl;
pub use changes::{Changes, Values};
pub use document::{default_file, json_schema, reference_markdown};
pub use sections::{
    Access, Audit, Budget, Clerk, Config, Data, Events, KeyPlace, Keys, KnownGood, Listener, Log,
    Profile, StoreSection, TlsFiles, Token, Traces, Upstream, Verifier, VerifierKind,
};
pub use sources::Sources;
pub use store_url::StoreUrl;
pub use values::{ClerkSecretKey, UpstreamToken, WebhookSigningSecret};
pub use violation::{ConfigError, Violation};

/// A configuration that can be run, and what should be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What every key stands at, to be compared with another configuration.
    pub values: Values,
    /// What is odd about it, yet no obstacle.
    pub warnings: Vec<String>,
    /// Those of the warnings that every command has to say: a variable was passed over, which may have been meant for it.
    pub passed_over: Vec<String>,
}

impl Config {
    /// Reads, merges and judges. All violations come together; nothing has been bound or opened yet.
    pub fn load(sources: Sources) -> Result<Loaded, ConfigError> {
        Self::judged(reader::Reader::open(sources)?)
    }

    /// The same for commands that work on the store alone: nothing has to say how credentials are checked.
    /// Whatever is said must be right all the same, for a misspelt key may be the store's.
    pub fn load_for_store(sources: Sources) -> Result<Loaded, ConfigError> {
        Self::judged(reader::Reader::open(sources)?.for_store())
    }

    fn judged(mut reader: reader::Reader) -> Result<Loaded, ConfigError> {
        let config = read::config(&mut reader);
        rules::judge(&mut reader);
        reader.finish(config)
    }
}

#[cfg(test)]
mod tests;
