//! What a call that failed for good means for the login it belongs to.

use super::{
    call::CallError,
    error::{self, AnswerClass},
};
use crate::verify::{
    ProbeFinding, ProbeSeverity, RETRY_AFTER, RejectReason, VerifyError, unavailable,
};

/// The error that a call ends with when nothing more is tried.
pub(crate) fn failed(error: &CallError) -> VerifyError {
    let refused = match error {
        CallError::Held(error) => return error.clone(),
        CallError::Malformed => return unavailable("malformed"),
        CallError::Outbound(error) => return unavailable(error.as_str()),
        CallError::Refused(refused) => refused,
    };
    let code = refused.code();
    let (retry_after, cause) = match refused.class() {
        AnswerClass::Throttled { retry_after } => return VerifyError::Throttled { retry_after },
        AnswerClass::Misconfigured { remedy } => {
            return VerifyError::Misconfigured { code, remedy };
        }
        AnswerClass::DevBrowser => {
            let remedy = error::DEV_BROWSER;
            return VerifyError::Misconfigured { code, remedy };
        }
        AnswerClass::TwoSteps => {
            let remedy = error::REQUEST;
            return VerifyError::Misconfigured { code, remedy };
        }
        AnswerClass::Busy { retry_after } => (retry_after, code),
        // Refusals end a login earlier; of other calls they say nothing about credentials.
        AnswerClass::FreshClient | AnswerClass::Reject(_) => (RETRY_AFTER, code),
    };
    VerifyError::Unavailable { retry_after, cause }
}

/// What a call says about the credentials, where it says that.
pub(crate) fn refusal(error: &CallError) -> Option<RejectReason> {
    match error {
        CallError::Refused(refused) => match refused.class() {
            AnswerClass::Reject(reason) => Some(reason),
            _ => None,
        },
        CallError::Held(_) | CallError::Malformed | CallError::Outbound(_) => None,
    }
}

/// What a probe finds that fails: `api` is what was asked, `check` what to look at when nothing answers there.
pub(crate) fn unanswered(api: &str, check: &str, error: &VerifyError) -> ProbeFinding {
    let (severity, finding, remedy) = match error {
        VerifyError::Misconfigured { code, remedy } => (
            ProbeSeverity::Error,
            format!("Clerk's {api} refuses calls ({code})"),
            (*remedy).to_owned(),
        ),
        VerifyError::OverBudget { retry_after, .. } | VerifyError::Throttled { retry_after } => (
            ProbeSeverity::Warning,
            format!("Clerk's {api} throttles calls"),
            format!("try again in {} seconds", retry_after.as_secs()),
        ),
        VerifyError::Unavailable { cause, .. } => (
            ProbeSeverity::Error,
            format!("Clerk's {api} gives no answer ({cause})"),
            format!("check {check}, and that this machine may connect to it"),
        ),
    };
    ProbeFinding {
        severity,
        finding,
        remedy,
    }
}
