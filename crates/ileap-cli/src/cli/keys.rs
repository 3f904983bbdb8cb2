//! The arguments of `ileap keys`.

use clap::{Args, Subcommand};

use super::ConfigArguments;

/// `ileap keys`
///
/// Running servers follow within 5 seconds.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys, with where each is in its life.
    List(KeysArguments),
    /// End a key at once: no token that it has signed counts any more, and another key signs.
    ///
    /// For a key that somebody else may have. Every partner has to log in again.
    Revoke(RevokeKeyArguments),
    /// Publish the next key now; it signs after `keys.publish_before`.
    Rotate(KeysArguments),
}

/// `ileap keys list` and `rotate`
#[derive(Args, Debug)]
pub(crate) struct KeysArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap keys revoke`
#[derive(Args, Debug)]
pub(crate) struct RevokeKeyArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The key, as `ileap keys list` names it.
    #[arg(allow_hyphen_values = true)]
    pub(crate) kid: String,
    /// Print one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
