//! The `ileap` command: parse, run, exit with a code that means something.

mod cli;
mod commands;
mod exit;
// The generated parts of the manual, held against the code here as there.
#[cfg(test)]
#[path = "../../ileap-server/src/manual.rs"]
mod manual;
mod output;
mod progress;
mod saved;
mod style;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::{
    cli::{Cli, Command},
    exit::{Exit, Failed},
};

fn main() -> ExitCode {
    exit::report_panics_as_bugs();
    if std::env::args_os().len() <= 1 {
        return match Cli::command().print_long_help() {
            Ok(()) => Exit::Ok.into(),
            Err(_) => Exit::Failed.into(),
        };
    }
    let cli = Cli::parse();
    let outcome = std::panic::catch_unwind(|| run(cli));
    match outcome {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failed)) => {
            output::complain(&failed);
            failed.exit.into()
        }
        Err(_) => Exit::Bug.into(),
    }
}

fn run(cli: Cli) -> Result<Exit, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failed::new("starting the runtime", error))?;
    runtime.block_on(dispatch(cli.command))
}

async fn dispatch(command: Command) -> Result<Exit, Failed> {
    match command {
        Command::Doctor(arguments) => return commands::doctor::run(arguments).await,
        Command::Conformance(arguments) => return commands::conformance::run(arguments).await,
        Command::Access(command) => commands::access::run(command).await,
        Command::ClerkEmulator(arguments) => commands::clerk_emulator::run(arguments).await,
        Command::Completions(arguments) => commands::completions::run(&arguments),
        Command::Config(command) => commands::config::run(command),
        Command::Demo(arguments) => commands::demo::run(arguments).await,
        Command::Events(command) => commands::events::run(command).await,
        Command::Footprints(arguments) => commands::footprints::run(arguments).await,
        Command::HashSecret(arguments) => commands::hash_secret::run(&arguments),
        Command::Import(arguments) => commands::import::run(arguments).await,
        Command::Keys(command) => commands::keys::run(command).await,
        Command::Login(arguments) => commands::login::log_in(arguments).await,
        Command::Logout(arguments) => commands::login::log_out(&arguments),
        Command::Partners(command) => commands::partners::run(command).await,
        Command::Remove(arguments) => commands::remove::run(arguments).await,
        Command::Serve(arguments) => commands::serve::run(arguments).await,
        Command::Tads(arguments) => commands::tads::run(arguments).await,
        Command::Token(command) => commands::token::run(command).await,
        Command::Validate(arguments) => commands::validate::run(arguments).await,
        Command::Whoami(arguments) => commands::login::whoami(&arguments),
    }?;
    Ok(Exit::Ok)
}
