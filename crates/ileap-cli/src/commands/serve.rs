//! `ileap serve`

mod open_files;
mod reloads;

use std::{io, net::TcpListener};

use ileap_server::{
    config::{Config, Loaded},
    server::{Parts, Server, StartError, leave},
    telemetry::Traces,
    token::KeyError,
};
use listenfd::ListenFd;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use self::reloads::Reloads;
use super::load_for_server;
use crate::{
    cli::ServeArguments,
    exit::{Exit, Failed},
};

/// Runs the server until it is told to stop.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failed> {
    keep_memory_to_ourselves().map_err(|error| Failed::new("turning core dumps off", error))?;
    let socket = handed_over()?;
    let stop = told_to_stop()?;
    let reloads = Reloads::listen(arguments.config.clone())?;
    let Loaded {
        mut config, values, ..
    } = load_for_server(&arguments.config)?;
    let lines = (config.log.level.as_str(), config.log.format);
    let traces = Traces::start(io::stderr, lines, config.traces.endpoint.as_ref());
    let (traces, level) = traces.map_err(|error| Failed::configuration(&error))?;
    make_room(&mut config);
    let parts = Parts::from_config(&config)
        .await
        .map_err(|error| failed(&error))?;
    let store = parts.store.clone();
    let server = match socket {
        Some(socket) => Server::bind_handed_over(socket, &config, parts).await,
        None => Server::bind(&config, parts).await,
    };
    let server = server.map_err(|error| failed(&error))?;
    // The configuration holds secrets that nobody needs from here on.
    drop(config);
    let reloads = tokio::spawn(reloads.follow(server.reloader(values), level));
    server.run(stop).await;
    leave(&*store).await;
    reloads.abort();
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

fn failed(error: &StartError) -> Failed {
    let exit = if error.is_configuration() {
        Exit::Config
    } else if matches!(
        error,
        StartError::Store(_) | StartError::Keys(KeyError::Store(_))
    ) {
        Exit::Unavailable
    } else {
        Exit::Failed
    };
    let remedy = match error {
        StartError::Tls { .. } => {
            "; write certificate and key, PEM, that belong together and that the server's user may read"
        }
        _ => "",
    };
    Failed::new("starting the server", format!("{error}{remedy}")).exiting(exit)
}

/// The socket that the service manager passes on (`sd_listen_fds(3)`), so that connections wait in its queue while
/// the server is restarted.
fn handed_over() -> Result<Option<TcpListener>, Failed> {
    let attempted = "taking over the socket of the service manager (LISTEN_FDS)";
    let mut sockets = ListenFd::from_env();
    if sockets.len() > 1 {
        return Err(Failed::new(
            attempted,
            "there are several; pass the public listener's alone",
        ));
    }
    let socket = sockets.take_tcp_listener(0);
    socket.map_err(|error| Failed::new(attempted, error))
}

/// No more connections than there are files for: then it is they who wait, and not the database or Clerk.
fn make_room(config: &mut Config) {
    let room = open_files::room_for_connections();
    if config.listener.max_connections > room {
        tracing::warn!(
            listener.max_connections = config.listener.max_connections,
            room,
            remedy =
                "raise the limit on open files (LimitNOFILE=), or lower listener.max_connections",
            "the limit on open files leaves room for fewer connections"
        );
        config.listener.max_connections = room;
    }
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
