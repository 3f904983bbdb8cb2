//! Files on their way through a judge: how they are opened, watched and spoken of.

use std::{io, path::Path, sync::Arc, time::Duration};

use ileap_server::import::{Format, Input, Judgement, Remark};
use ileap_types::rules::{RuleId, Severity};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::say_that_it_waits;
use crate::cli::FileFormat;

/// How often a file is read.
const TIMES_READ: u64 = 2;

/// What `--json` prints about a file that was judged.
#[derive(Serialize)]
pub(super) struct Judged<'a> {
    file: &'a Path,
    objects: u64,
    errors: u64,
    warnings: u64,
    /// The first hundred errors and the first hundred warnings.
    findings: Vec<Found<'a>>,
}

/// What `--json` prints about a file that cannot be read or written.
#[derive(Serialize)]
pub(super) struct Unjudged<'a> {
    pub(super) file: &'a Path,
    pub(super) error: &'a str,
}

#[derive(Serialize)]
struct Found<'a> {
    place: String,
    pointer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    rule: Option<RuleId>,
    severity: Severity,
    message: &'a str,
}

impl<'a> Judged<'a> {
    pub(super) fn new(file: &'a Path, judgement: &'a Judgement) -> Self {
        let Judgement {
            objects,
            errors,
            warnings,
        } = judgement;
        let remarks = errors.listed.iter().chain(&warnings.listed);
        Self {
            file,
            objects: *objects,
            errors: errors.total,
            warnings: warnings.total,
            findings: remarks.map(Found::new).collect(),
        }
    }
}

impl<'a> Found<'a> {
    fn new(remark: &'a Remark) -> Self {
        Self {
            place: remark.place.to_string(),
            pointer: &remark.pointer,
            column: remark.column(),
            rule: remark.rule,
            severity: remark.severity,
            message: &remark.message,
        }
    }
}

/// Opens a file, with a bar on stderr that shows itself on a terminal only.
pub(super) async fn open(
    path: &Path,
    format: Option<FileFormat>,
) -> io::Result<(Input, ProgressBar)> {
    let format = format.map(|format| match format {
        FileFormat::Csv => Format::Csv,
        FileFormat::Json => Format::Json,
        FileFormat::Ndjson => Format::Ndjson,
    });
    let input = Input::open(path, format).await?;
    let bar = ProgressBar::new(input.size() * TIMES_READ).with_message(shown(path));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {percent:>3} % {bar:30} {eta} {msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    let reported = bar.clone();
    let waiting = bar.clone();
    let input = input.reporting(
        Arc::new(move |bytes| reported.inc(bytes)),
        Arc::new(move || waiting.suspend(say_that_it_waits)),
    );
    Ok((input, bar))
}

/// The name of a file for people.
pub(super) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    }
}
