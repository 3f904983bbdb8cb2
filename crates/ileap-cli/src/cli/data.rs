//! Commands that bring data in and take it back.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConfigArguments;

/// `ileap import`
#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Files of footprints or transport activity data (.json, .ndjson; .csv for activity data); `-` is stdin.
    #[arg(required_unless_present = "csv_header", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How the files are written, whatever their names say; stdin is JSON otherwise.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FileFormat>,
    /// Print the first line of a CSV file with every column, and do nothing else.
    #[arg(long, exclusive = true)]
    pub(crate) csv_header: bool,
    /// Print one line of JSON per file.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How objects are written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FileFormat {
    /// A row of a table per transport activity.
    Csv,
    /// An object, an array of objects, or arrays in an object.
    Json,
    /// An object per line.
    Ndjson,
}

/// `ileap remove`
#[derive(Args, Debug)]
#[command(after_help = "If one id cannot be withdrawn, none is.")]
pub(crate) struct RemoveArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Ids of footprints, or `activityId`s of transport activity data.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Print one line of JSON per id.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ileap validate`
#[derive(Args, Debug)]
#[command(
    after_help = "Files are judged as if they were imported in this order into an empty store: a shipment's TOCs and \
                  HOCs (R24) are looked for in its file and in the files before it, and nowhere else.\n\n\
                  Exit codes: 0 every file would be imported (warnings allowed); 1 one would not."
)]
pub(crate) struct ValidateArguments {
    /// Files of footprints or transport activity data (.json, .ndjson; .csv for activity data); `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How the files are written, whatever their names say; stdin is JSON otherwise.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FileFormat>,
    /// Print one line of JSON per file.
    #[arg(long)]
    pub(crate) json: bool,
}
