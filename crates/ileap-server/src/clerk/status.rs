//! From the status of a sign-in to what it means here: one table.

use std::fmt;

use super::{
    call::{Answer, CallError, ClientToken},
    wire,
};
use crate::verify::RejectReason;

/// What a well-formed answer to a sign-in call says.
#[derive(Debug)]
pub(crate) enum SignInStatus {
    /// The attempt outlived itself at Clerk's; another may not.
    Abandoned,
    /// A session exists.
    Complete(CompletedSignIn),
    /// Clerk saw no identifier, though one was sent.
    IdentifierWanted,
    /// Now the password.
    PasswordWanted {
        /// The attempt that it belongs to.
        sign_in_id: Option<String>,
    },
    /// No session, and nothing we could do about it.
    Refused(RejectReason),
}

/// A session and what is needed to end it.
pub(crate) struct CompletedSignIn {
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    pub(crate) session: wire::Session,
    pub(crate) client_token: Option<ClientToken>,
}

impl fmt::Debug for CompletedSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletedSignIn")
            .field("user_id", &self.user_id)
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}

/// Reads a sign-in's status (Clerk Frontend API, `SignIn.status`). Without one, the answer is none.
pub(crate) fn read(answer: Answer<wire::SignInEnvelope>) -> Result<SignInStatus, CallError> {
    let client = answer.body.client.unwrap_or_default();
    let sign_in = answer.body.response.unwrap_or(answer.body.flat);
    let status = sign_in.status.as_deref().ok_or(CallError::Malformed)?;
    let reason = match status {
        "complete" => {
            return completed(&sign_in, client, answer.client_token).map(SignInStatus::Complete);
        }
        "abandoned" => return Ok(SignInStatus::Abandoned),
        "needs_identifier" => return Ok(SignInStatus::IdentifierWanted),
        "needs_first_factor" if takes_password(&sign_in) => {
            let sign_in_id = wire::word(sign_in.id.as_deref());
            return Ok(SignInStatus::PasswordWanted { sign_in_id });
        }
        "needs_first_factor" => RejectReason::NoPassword,
        "needs_client_trust" => RejectReason::DeviceTrust,
        "needs_second_factor" if is_device_trust(&sign_in) => RejectReason::DeviceTrust,
        "needs_second_factor" => RejectReason::MfaRequired,
        "needs_new_password" => RejectReason::NewPasswordRequired,
        "needs_protect_check" => RejectReason::ProtectCheck,
        _ => RejectReason::UnknownStatus,
    };
    Ok(SignInStatus::Refused(reason))
}

/// A session counts only when it is the one that this sign-in made, and says whose it is.
fn completed(
    sign_in: &wire::SignIn,
    client: wire::Client,
    client_token: Option<ClientToken>,
) -> Result<CompletedSignIn, CallError> {
    let session_id =
        wire::word(sign_in.created_session_id.as_deref()).ok_or(CallError::Malformed)?;
    let session = client
        .sessions
        .into_iter()
        .find(|session| session.id.as_deref() == Some(&session_id))
        .ok_or(CallError::Malformed)?;
    let user = session.user.as_ref().ok_or(CallError::Malformed)?;
    let user_id = wire::word(user.id.as_deref()).ok_or(CallError::Malformed)?;
    Ok(CompletedSignIn {
        user_id,
        session_id,
        session,
        client_token,
    })
}

fn takes_password(sign_in: &wire::SignIn) -> bool {
    let is_password = |factor: &wire::Factor| factor.strategy.as_deref() == Some("password");
    sign_in.supported_first_factors.iter().any(is_password)
}

/// Instances that have not opted in to `needs_client_trust` report Device Trust as a second factor of a
/// new client. It works with codes that are sent; only an account's own second factor offers an app or
/// a list of codes.
fn is_device_trust(sign_in: &wire::SignIn) -> bool {
    let is_own =
        |factor: &wire::Factor| matches!(factor.strategy.as_deref(), Some("totp" | "backup_code"));
    sign_in.client_trust_state.as_deref() == Some("new")
        && !sign_in.supported_second_factors.iter().any(is_own)
}

#[cfg(test)]
mod tests;
