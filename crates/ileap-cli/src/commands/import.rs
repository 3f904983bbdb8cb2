//! `ileap import`

use std::{path::Path, time::Duration};

use ileap_server::import;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{load, open_store};
use crate::{cli::ImportArguments, exit::Failed, output};

/// What `--json` prints per file.
#[derive(Serialize)]
struct Imported<'a> {
    file: &'a Path,
    added: usize,
    updated: usize,
    unchanged: usize,
    warnings: usize,
}

/// Imports each file whole or not at all; one that fails does not keep the others out.
pub(crate) async fn run(arguments: ImportArguments) -> Result<(), Failed> {
    let store = open_store(&load(&arguments.config)?).await?;
    let progress = progress(arguments.files.len());
    let mut failed = 0;
    for path in &arguments.files {
        progress.set_message(path.display().to_string());
        let imported = import::file(&store, path).await;
        progress.inc(1);
        // The bar leaves the terminal while lines are printed.
        let printed = progress.suspend(|| match imported {
            Ok(report) => print(path, &report, arguments.json),
            Err(error) => {
                failed += 1;
                output::complain(&Failed::new(format!("importing {}", path.display()), error));
                Ok(())
            }
        });
        printed?;
    }
    progress.finish_and_clear();
    if failed > 0 {
        let total = arguments.files.len();
        let happened = format!("{failed} of {total} failed; nothing of those was written");
        return Err(Failed::new("importing files", happened));
    }
    Ok(())
}

fn print(path: &Path, report: &import::ImportReport, json: bool) -> Result<(), Failed> {
    for warning in &report.warnings {
        output::note(&output::sanitised(&format!(
            "{}: {warning}",
            path.display()
        )));
    }
    let import::ImportReport { summary, warnings } = report;
    if json {
        return output::json(&Imported {
            file: path,
            added: summary.added,
            updated: summary.updated,
            unchanged: summary.unchanged,
            warnings: warnings.len(),
        });
    }
    output::line(format_args!(
        "{}: {} added, {} updated, {} unchanged",
        path.display(),
        summary.added,
        summary.updated,
        summary.unchanged
    ))
}

/// A bar on stderr, which shows itself on a terminal only.
fn progress(files: usize) -> ProgressBar {
    let bar = ProgressBar::new(files.try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {bar:30} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
