//! Runs the cases, one after the other.

use std::fmt;

use tokio::time::Instant;

use crate::{
    case::{Case, PactVersion, Severity, Verdict},
    options::Options,
    outcome::{Judgement, Stop, StopKind},
    report::{CaseReport, Report},
    run::Run,
};

/// The run cannot even begin.
#[derive(Debug)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// Runs what the options select. `finished` learns of each case as it ends; once `stopped` resolves, no further one
/// begins, and the report says that it is partial.
pub async fn run(
    options: &Options,
    mut finished: impl FnMut(&CaseReport),
    stopped: impl Future<Output = ()>,
) -> Result<Report, Unavailable> {
    let run = Run::new(options).map_err(Unavailable)?;
    let profiles = options.effective_profiles();
    let mut report = Report {
        host: run.base().to_owned(),
        profiles: profiles.clone(),
        started_at: options.started_at.to_string(),
        is_selection: !options.cases.is_empty(),
        is_partial: false,
        cases: Vec::new(),
    };
    let mut stopped = std::pin::pin!(stopped);
    for case in options.selected() {
        let begun = Instant::now();
        let judged = async {
            if case.is_intrusive && !options.is_intrusive {
                return Err(Stop::skip("it runs with --intrusive only"));
            }
            if case.is_of_events()
                && run.version() < PactVersion::V22
                && run.is_without_events().await?
            {
                let reason =
                    "the host does not implement events, which are optional before PACT 2.2";
                return Err(Stop::skip(reason));
            }
            (case.judge)(&run, case).await
        };
        let judgement = tokio::select! {
            biased;
            () = &mut stopped => {
                report.is_partial = true;
                break;
            }
            judgement = judged => judgement,
        };
        let is_named = case
            .profiles
            .iter()
            .any(|profile| options.profiles.contains(profile));
        let mut entry = entry(case, case.severity(&profiles), is_named, judgement);
        entry.seconds = begun.elapsed().as_secs_f64();
        finished(&entry);
        report.cases.push(entry);
    }
    Ok(report)
}

/// A failure counts where a specification demands the case, or the user its profile.
fn entry(
    case: &'static Case,
    severity: Severity,
    is_named: bool,
    judgement: Judgement,
) -> CaseReport {
    let is_binding = severity == Severity::Required || is_named;
    let (verdict, stop) = match judgement {
        Ok(remark) => (Verdict::Pass, Stop::skip(remark)),
        Err(stop) => {
            let verdict = match stop.kind {
                StopKind::Fail if is_binding => Verdict::Fail,
                StopKind::Fail | StopKind::Warn => Verdict::Warn,
                StopKind::Inconclusive => Verdict::Inconclusive,
                StopKind::Skip => Verdict::Skip,
            };
            (verdict, stop)
        }
    };
    CaseReport {
        address: case.address,
        requirement: case.requirement,
        source: case.source,
        severity,
        is_binding,
        verdict,
        reason: stop.reason,
        problems: stop.problems,
        exchange: stop.exchange.map(|exchange| *exchange),
        seconds: 0.0,
    }
}
