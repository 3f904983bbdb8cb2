//! What both APIs' answers have in common.

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    config::Config,
    doctor::{
        connection::{Answered, Unreached},
        judgement::{Blame, Check, Severity},
    },
    outbound::OutboundError,
    verify::{VerifyError, budget::strangers_share, unavailable},
};

/// How many failures may reach Clerk.
pub(super) fn budget(name: &'static str, allowed: u32) -> Check {
    Check::note(
        name,
        format!(
            "of the failures of one account {allowed} may reach Clerk, {} of them from addresses it has not logged in \
             from: short of its lockout",
            strangers_share(allowed)
        ),
    )
}

/// The body of an answer, or what stood in the way of one.
pub(super) fn reached<'a, T>(
    name: &'static str,
    knocked: &Result<Answered, Unreached>,
    asked: &str,
    answer: &'a Result<T, VerifyError>,
) -> Result<&'a T, Check> {
    let answered = knocked.map_err(|unreached| {
        let blame = match unreached {
            Unreached::Roots => Blame::Configuration,
            _ => Blame::Upstream,
        };
        let finding = format!("Clerk cannot be reached: {}", unreached.finding());
        let check = Check::problem(name, blame, finding);
        check.seen(asked).advise(unreached.remedy())
    })?;
    answer.as_ref().map_err(|error| {
        let status = answered.status;
        refused(name, error).seen(format!(
            "{asked}: {}; without credentials HTTP {status}",
            word(error)
        ))
    })
}

fn refused(name: &'static str, error: &VerifyError) -> Check {
    match error {
        VerifyError::Misconfigured { code, remedy } => {
            let finding = format!("Clerk refuses our calls ({code})");
            Check::problem(name, Blame::Configuration, finding).advise(*remedy)
        }
        VerifyError::OverBudget { retry_after, .. } | VerifyError::Throttled { retry_after } => {
            Check::problem(name, Blame::Upstream, "Clerk throttles our calls").advise(format!(
                "wait {} seconds; see what else uses this key or address",
                retry_after.as_secs()
            ))
        }
        VerifyError::Unavailable { cause, .. } if cause == "maintenance_mode" => {
            Check::problem(name, Blame::Upstream, "Clerk is in maintenance")
                .advise("wait until it is over (https://status.clerk.com)")
        }
        VerifyError::Unavailable { cause, .. } => {
            let finding = format!("Clerk gives no usable answer ({cause})");
            Check::problem(name, Blame::Upstream, finding).advise(
                "see https://status.clerk.com, and what stands between this machine and Clerk",
            )
        }
    }
}

/// The answer in a word.
fn word(error: &VerifyError) -> String {
    match error {
        VerifyError::Misconfigured { code, .. } => code.clone(),
        VerifyError::OverBudget { .. } | VerifyError::Throttled { .. } => "throttled".to_owned(),
        VerifyError::Unavailable { cause, .. } => cause.clone(),
    }
}

/// An API that no login goes over stands in nobody's way.
pub(super) fn limited(check: Check, is_used: bool, at_most: Severity) -> Check {
    if is_used {
        return check;
    }
    let evidence = format!("{} (logins do not go over this API)", check.evidence);
    check.at_most(at_most).seen(evidence)
}

pub(super) async fn within<T>(
    config: &Config,
    asked: impl Future<Output = Result<T, VerifyError>>,
) -> Result<T, VerifyError> {
    let deadline = Instant::now() + config.verifier.clerk.timeout;
    let answer = timeout_at(deadline, asked).await;
    answer.map_err(|_| unavailable(OutboundError::Timeout.as_str()))?
}

/// `path` below an origin or prefix.
pub(super) fn below(url: &Url, path: &str) -> Url {
    let text = format!("{}{path}", url.as_str().trim_end_matches('/'));
    text.parse().unwrap_or_else(|_| url.clone())
}
