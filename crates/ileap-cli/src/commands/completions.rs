//! `ileap completions`

use clap::CommandFactory as _;

use crate::{
    cli::{Cli, CompletionsArguments},
    exit::Failed,
    output,
};

/// Prints the script for one shell.
pub(crate) fn run(arguments: &CompletionsArguments) -> Result<(), Failed> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "ileap", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}
