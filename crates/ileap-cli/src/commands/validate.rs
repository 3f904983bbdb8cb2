//! `ileap validate`

use std::path::Path;

use ileap_server::import::{ImportFailure, Judgement, Validation};

use super::file::{self, Judged, Unjudged, shown};
use crate::{cli::ValidateArguments, exit::Failed, output};

/// Judges each file, also after one that is broken.
pub(crate) async fn run(arguments: ValidateArguments) -> Result<(), Failed> {
    let mut validation = Validation::default();
    let mut failed = 0;
    for path in &arguments.files {
        let judgement = judge(&mut validation, path, &arguments).await;
        let is_good = matches!(&judgement, Ok(judgement) if judgement.errors.total == 0);
        failed += usize::from(!is_good);
        match (judgement, arguments.json) {
            (Ok(judgement), true) => output::json(&Judged::new(path, &judgement))?,
            (Ok(judgement), false) => print(path, &judgement)?,
            (Err(error), json) => {
                let attempted = format!("validating {}", shown(path));
                output::complain(&Failed::new(attempted, &error));
                if json {
                    output::json(&Unjudged {
                        file: path,
                        error: &error.to_string(),
                    })?;
                }
            }
        }
    }
    if failed > 0 {
        let total = arguments.files.len();
        let happened = format!("{failed} of {total} would not be imported");
        return Err(Failed::new("validating files", happened));
    }
    Ok(())
}

async fn judge(
    validation: &mut Validation,
    path: &Path,
    arguments: &ValidateArguments,
) -> Result<Judgement, ImportFailure> {
    let (input, bar) = file::open(path, arguments.format).await?;
    let judgement = validation.file(&input).await;
    bar.finish_and_clear();
    judgement
}

fn print(path: &Path, judgement: &Judgement) -> Result<(), Failed> {
    let Judgement {
        objects,
        errors,
        warnings,
    } = judgement;
    let text = format!(
        "{}: {objects} objects, {} errors, {} warnings{errors}{warnings}",
        shown(path),
        errors.total,
        warnings.total
    );
    output::line(output::sanitised(&text))
}
