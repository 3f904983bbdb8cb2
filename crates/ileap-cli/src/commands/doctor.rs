//! `ileap doctor`

use std::fmt::Write as _;

use ileap_server::{
    audit::{Decision, Event},
    config::{Config, Sources},
    doctor::{Blame, Check, ClientReport, Diagnosis, Doctor, ForgetError, Forgotten, Severity},
    verify::VerifyError,
};
use serde::Serialize;

use super::on_record::OnRecord;
use crate::{
    cli::DoctorArguments,
    exit::{Exit, Failed},
    output::{self, sanitised},
};

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    verdict: &'static str,
    checks: &'a [Check],
    client: Option<&'a ClientReport>,
}

/// Looks at the deployment, or clears what is remembered of one client.
pub(crate) async fn run(arguments: DoctorArguments) -> Result<Exit, Failed> {
    let loaded = match Config::load(Sources::from_process(arguments.config.config.clone())) {
        Ok(loaded) => loaded,
        Err(error) => return conclude(&Diagnosis::of_unusable(&error), arguments.json),
    };
    let doctor = Doctor::new(&loaded.config);
    if let (Some(client_id), true) = (&arguments.client, arguments.forget) {
        let on_record = OnRecord::open(&loaded.config)?;
        let forgotten = doctor.forget(client_id).await;
        let forgotten = forgotten.map_err(|error| {
            let exit = match error {
                ForgetError::Clerk(VerifyError::Misconfigured { .. }) => Exit::Config,
                ForgetError::Clerk(_) | ForgetError::Closed(_) | ForgetError::Store(_) => {
                    Exit::Unavailable
                }
            };
            Failed::new(format!("forgetting {}", client_id.as_str()), error).exiting(exit)
        })?;
        on_record.record(&Decision {
            client_id: Some(client_id.as_str()),
            change: Some("counted failures and what is remembered cleared"),
            ..Decision::new(Event::Counts, "done")
        })?;
        return say_forgotten(&forgotten, arguments.json).map(|()| Exit::Ok);
    }
    let diagnosis = doctor
        .examine(&loaded.warnings, arguments.client.as_ref())
        .await;
    conclude(&diagnosis, arguments.json)
}

fn conclude(diagnosis: &Diagnosis, as_json: bool) -> Result<Exit, Failed> {
    if as_json {
        output::json(&Printed {
            verdict: diagnosis.severity().as_str(),
            checks: &diagnosis.checks,
            client: diagnosis.client.as_ref(),
        })?;
    } else {
        output::line(text(diagnosis).trim_end())?;
    }
    Ok(match diagnosis.blame() {
        None => Exit::Ok,
        Some(Blame::Configuration) => Exit::Config,
        Some(Blame::Other) => Exit::Failed,
        Some(Blame::Upstream) => Exit::Unavailable,
    })
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for check in &diagnosis.checks {
        describe(&mut text, check);
    }
    if let Some(client) = &diagnosis.client {
        let account = sanitised(&client.account);
        let _ = writeln!(text, "\n{} ({account})", sanitised(&client.client_id));
        for check in &client.checks {
            describe(&mut text, check);
        }
        for refusal in &client.refusals {
            let (origin, reason) = (sanitised(&refusal.origin), sanitised(&refusal.reason));
            let _ = writeln!(text, "    refused {} from {origin}: {reason}", refusal.at);
        }
    }
    let _ = writeln!(text, "\n{}", conclusion(diagnosis));
    text
}

fn describe(text: &mut String, check: &Check) {
    let symbol = match check.severity {
        Severity::Ok => '\u{2713}',
        Severity::Note => '\u{b7}',
        Severity::Warning => '!',
        Severity::Problem => '\u{2717}',
    };
    let verdict = check.severity.as_str();
    let finding = sanitised(&check.finding);
    let _ = writeln!(text, "{symbol} {verdict:<8}{}: {finding}", check.name);
    if !check.evidence.is_empty() {
        let _ = writeln!(text, "    seen: {}", sanitised(&check.evidence));
    }
    if let Some(remedy) = &check.remedy {
        let _ = writeln!(text, "    do:   {}", sanitised(remedy));
    }
}

fn conclusion(diagnosis: &Diagnosis) -> &'static str {
    let can_log_in = diagnosis.client.as_ref().map(|client| client.can_log_in);
    match (diagnosis.blame(), can_log_in) {
        (None, None) => "Partners can log in.",
        (None, Some(Some(true))) => "This partner can log in with the right secret.",
        (None, Some(_)) => "Nothing found keeps this partner from logging in.",
        (Some(_), None) => "Something is wrong: see the problems above.",
        (Some(_), Some(_)) => "This partner cannot log in: see the problems above.",
    }
}

fn say_forgotten(forgotten: &Forgotten, as_json: bool) -> Result<(), Failed> {
    #[derive(Serialize)]
    struct Said<'a> {
        forgotten: &'a Forgotten,
    }
    if as_json {
        return output::json(&Said { forgotten });
    }
    if forgotten.accounts.is_empty() {
        return output::line("nothing to forget: there is no database yet");
    }
    let failures = forgotten.failures;
    let accounts = sanitised(&forgotten.accounts.join(" and "));
    output::line(format_args!(
        "cleared {failures} counted failures and all that is remembered of {accounts}; running servers follow within \
         seconds"
    ))
}
