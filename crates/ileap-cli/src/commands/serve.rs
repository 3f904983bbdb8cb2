//! `ileap serve`

use std::io;

use ileap_server::{
    server::{Parts, Server, StartError},
    telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

use super::load;
use crate::{
    cli::ServeArguments,
    exit::{Exit, Failed},
};

/// Runs the server until it is told to stop.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failed> {
    let config = load(&arguments.config)?;
    telemetry::log_to(io::stderr, &config.log.level, config.log.format);
    let stop = told_to_stop()?;
    let failed = |error: StartError| {
        let exit = if error.is_configuration() {
            Exit::Config
        } else {
            Exit::Failed
        };
        Failed::new("starting the server", error).exiting(exit)
    };
    let parts = Parts::from_config(&config).await.map_err(failed)?;
    let server = Server::bind(&config, parts).await.map_err(failed)?;
    // The configuration holds secrets that nobody needs from here on.
    drop(config);
    server.run(stop).await;
    Ok(())
}

/// Resolves at Ctrl-C or SIGTERM. Listening begins here, so that no signal is missed.
pub(crate) fn told_to_stop() -> Result<impl Future<Output = ()> + Send, Failed> {
    let failed = |error| Failed::new("listening for signals", error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
