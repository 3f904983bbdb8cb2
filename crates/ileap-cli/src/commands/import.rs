//! `ileap import`

use std::path::Path;

use ileap_server::{
    import::{self, ImportFailure, ImportReport},
    store::Store,
};
use serde::Serialize;

use super::{
    file::{self, Judged, Unjudged, shown},
    load_for_store, open_store, refused_by_store,
};
use crate::{cli::ImportArguments, exit::Failed, output};

/// What `--json` prints about a file that was imported.
#[derive(Serialize)]
struct Imported<'a> {
    file: &'a Path,
    added: usize,
    updated: usize,
    unchanged: usize,
    warnings: u64,
}

/// Imports each file whole or not at all; one that fails does not keep the others out.
pub(crate) async fn run(arguments: ImportArguments) -> Result<(), Failed> {
    if arguments.csv_header {
        return output::line(import::csv_header());
    }
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let mut failed = 0;
    for path in &arguments.files {
        match import(&store, path, &arguments).await {
            Ok(report) => print(path, &report, arguments.json)?,
            Err(error) => {
                failed += 1;
                complain(path, &error, arguments.json)?;
            }
        }
    }
    if failed > 0 {
        let total = arguments.files.len();
        let happened = format!("{failed} of {total} failed; nothing of those was written");
        return Err(Failed::new("importing files", happened));
    }
    Ok(())
}

async fn import(
    store: &dyn Store,
    path: &Path,
    arguments: &ImportArguments,
) -> Result<ImportReport, ImportFailure> {
    let (input, bar) = file::open(path, arguments.format).await?;
    let imported = import::file(store, &input).await;
    bar.finish_and_clear();
    imported
}

fn print(path: &Path, report: &ImportReport, json: bool) -> Result<(), Failed> {
    let ImportReport { summary, warnings } = report;
    if warnings.total > 0 {
        let text = format!("{}: warnings:{warnings}", shown(path));
        output::note(&output::sanitised(&text));
    }
    if json {
        return output::json(&Imported {
            file: path,
            added: summary.added,
            updated: summary.updated,
            unchanged: summary.unchanged,
            warnings: warnings.total,
        });
    }
    output::line(format_args!(
        "{}: {} added, {} updated, {} unchanged",
        shown(path),
        summary.added,
        summary.updated,
        summary.unchanged
    ))
}

fn complain(path: &Path, error: &ImportFailure, json: bool) -> Result<(), Failed> {
    let attempted = format!("importing {}", shown(path));
    let failed = match error {
        ImportFailure::Store(error) => refused_by_store(attempted, error),
        error => Failed::new(attempted, error),
    };
    output::complain(&failed);
    match error {
        _ if !json => Ok(()),
        ImportFailure::Broken(judgement) => output::json(&Judged::new(path, judgement)),
        _ => output::json(&Unjudged {
            file: path,
            error: failed.happened(),
        }),
    }
}
