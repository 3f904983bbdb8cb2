//! SIGHUP: the configuration is read again.

use ileap_server::{
    config::{Config, ConfigError, Loaded, Sources},
    server::Reloader,
    telemetry::LogLevel,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{cli::ConfigArguments, exit::Failed};

/// The signals, and what to read when they come.
pub(super) struct Reloads {
    arguments: ConfigArguments,
    hangups: Signal,
}

impl Reloads {
    /// Listening begins here: by default the signal ends the process.
    pub(super) fn listen(arguments: ConfigArguments) -> Result<Self, Failed> {
        let hangups = signal(SignalKind::hangup());
        let hangups = hangups.map_err(|error| Failed::new("listening for signals", error))?;
        Ok(Self { arguments, hangups })
    }

    /// Reads file and environment at each signal. Several that come at once are one.
    pub(super) async fn follow(mut self, mut reloader: Reloader, level: LogLevel) {
        while self.hangups.recv().await.is_some() {
            let sources = Sources::from_process(self.arguments.config.clone());
            // Judging a file of users takes its time.
            let loaded = tokio::task::spawn_blocking(|| Config::load(sources)).await;
            let Ok(loaded) = loaded else { continue };
            let wanted = wanted_level(&loaded);
            if reloader.reload(loaded).is_some()
                && let Some(wanted) = wanted
            {
                level.set(&wanted);
            }
        }
    }
}

fn wanted_level(loaded: &Result<Loaded, ConfigError>) -> Option<String> {
    let loaded = loaded.as_ref().ok()?;
    Some(loaded.config.log.level.clone())
}
