//! What a call that failed for good means for the login it belongs to.

use super::{
    call::CallError,
    error::{self, AnswerClass},
};
use crate::verify::{RETRY_AFTER, VerifyError, unavailable};

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
