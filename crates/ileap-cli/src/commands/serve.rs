//! `ileap serve`

use std::io;

use ileap_server::{
    server::{Parts, Server, StartError},
    telemetry::Traces,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::load;
use crate::{
    cli::ServeArguments,
    exit::{Exit, Failed},
};

/// Runs the server until it is told to stop.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failed> {
    keep_memory_to_ourselves().map_err(|error| Failed::new("turning core dumps off", error))?;
    let config = load(&arguments.config)?;
    let lines = (config.log.level.as_str(), config.log.format);
    let traces = Traces::start(io::stderr, lines, config.traces.endpoint.as_ref());
    let traces = traces.map_err(|error| Failed::configuration(&error))?;
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
    traces.end().await;
    Ok(())
}

/// The memory of this process holds secrets: when it crashes, none of it is written down, and only root may look into
/// it while it runs.
fn keep_memory_to_ourselves() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
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

#[cfg(test)]
mod tests {
    use rustix::process::getrlimit;

    use super::*;

    #[test]
    fn memory_is_neither_dumped_nor_looked_into() {
        keep_memory_to_ourselves().unwrap();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
