//! `ileap config`

use ileap_server::config;

use super::load_for_server;
use crate::{cli::ConfigCommand, exit::Failed, output};

/// Checks, prints or describes the configuration.
pub(crate) fn run(command: ConfigCommand) -> Result<(), Failed> {
    match command {
        ConfigCommand::Check(arguments) => {
            load_for_server(&arguments)?;
            output::line("the configuration is good")
        }
        ConfigCommand::Print => output::line(config::default_file().trim_end()),
        ConfigCommand::Schema => {
            let schema = serde_json::to_string_pretty(&config::json_schema());
            output::line(schema.map_err(|error| Failed::new("writing the schema", error))?)
        }
    }
}
