//! One login with an identifier and a password, from the first call to a session or a refusal.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::time::Instant;

use super::{
    call::CallError,
    dev_browser::DevBrowsers,
    environment::Environment,
    error::{self, AnswerClass},
    failure::failed,
    frontend::{DevBrowser, FrontendApi},
    retry::{FAULT_PAUSE, Retries, Retry},
    status::{self, CompletedSignIn, SignInStatus},
};
use crate::{
    identity::ClientSecret,
    outbound::OutboundError,
    verify::{RejectReason, VerifyError, unavailable},
};

/// Signs in, with what has been learned about the instance so far.
#[derive(Debug)]
pub(crate) struct SignInFlow {
    api: FrontendApi,
    dev_browsers: Arc<DevBrowsers>,
    /// Set once the instance has refused a password in the first step.
    takes_two_steps: AtomicBool,
}

/// How a login ended.
#[derive(Debug)]
pub(crate) enum SignInEnd {
    /// The password is right and a session exists.
    Complete(CompletedSignIn),
    /// No session.
    Refused(RejectReason),
}

impl SignInFlow {
    pub(crate) fn new(api: FrontendApi, dev_browsers: Arc<DevBrowsers>) -> Self {
        Self {
            api,
            dev_browsers,
            takes_two_steps: AtomicBool::new(false),
        }
    }

    /// Whether Clerk gave no answer lately.
    pub(crate) fn is_troubled(&self) -> bool {
        self.api.is_troubled()
    }

    /// Signs in. The caller cuts it off at `deadline`; it is known here so that no pause outlasts it.
    pub(crate) async fn sign_in(
        &self,
        identifier: &str,
        password: &ClientSecret,
        deadline: Instant,
    ) -> Result<SignInEnd, VerifyError> {
        let mut retries = Retries::new(deadline);
        loop {
            let dev_browser = self.dev_browsers.current().await;
            let attempt = self.attempt(identifier, password, dev_browser.as_deref());
            let error = match attempt.await {
                Ok(SignInStatus::Complete(complete)) => return Ok(SignInEnd::Complete(complete)),
                Ok(SignInStatus::Refused(reason)) => return Ok(SignInEnd::Refused(reason)),
                Ok(SignInStatus::PasswordWanted { .. }) => {
                    // It was sent: whatever Clerk wants now is not known here.
                    return Ok(SignInEnd::Refused(RejectReason::UnknownStatus));
                }
                Ok(SignInStatus::IdentifierWanted) => return Err(not_understood()),
                Ok(SignInStatus::Abandoned) if retries.take(Retry::Abandoned) => continue,
                Ok(SignInStatus::Abandoned) => return Err(unavailable("abandoned")),
                Err(error) => error,
            };
            let refusal = self
                .recover(error, dev_browser.as_ref(), &mut retries)
                .await?;
            if let Some(reason) = refusal {
                return Ok(SignInEnd::Refused(reason));
            }
        }
    }

    async fn attempt(
        &self,
        identifier: &str,
        password: &ClientSecret,
        dev_browser: Option<&DevBrowser>,
    ) -> Result<SignInStatus, CallError> {
        let api = &self.api;
        if !self.takes_two_steps.load(Ordering::Relaxed) {
            let answer = api.create_sign_in(identifier, password, dev_browser).await;
            return status::read(answer?);
        }
        let mut first = api
            .create_sign_in_identifier_only(identifier, dev_browser)
            .await?;
        let client_token = first.client_token.take();
        let sign_in_id = match status::read(first)? {
            SignInStatus::PasswordWanted { sign_in_id } => sign_in_id,
            // No secret has been shown yet: a session now is no proof of one.
            SignInStatus::Complete(_) => {
                return Ok(SignInStatus::Refused(RejectReason::UnknownStatus));
            }
            other => return Ok(other),
        };
        let sign_in_id = sign_in_id.ok_or(CallError::Malformed)?;
        let second = api
            .attempt_first_factor(&sign_in_id, password, client_token.as_ref(), dev_browser)
            .await;
        status::read(second?)
    }

    /// Prepares another attempt (`None`), or says how the login ends.
    async fn recover(
        &self,
        error: CallError,
        dev_browser: Option<&Arc<DevBrowser>>,
        retries: &mut Retries,
    ) -> Result<Option<RejectReason>, VerifyError> {
        let refused = match &error {
            CallError::Refused(refused) => refused,
            // Only a call that never left is repeated: any other may have counted as a failure at Clerk's.
            CallError::Outbound(OutboundError::Connect) if retries.take(Retry::Connect) => {
                tokio::time::sleep(FAULT_PAUSE).await;
                return Ok(None);
            }
            CallError::Held(_) | CallError::Malformed | CallError::Outbound(_) => {
                return Err(failed(&error));
            }
        };
        match refused.class() {
            AnswerClass::Reject(reason) => return Ok(Some(reason)),
            AnswerClass::Throttled { retry_after } if retries.take_after(retry_after) => {
                tokio::time::sleep(retry_after).await;
            }
            AnswerClass::FreshClient if retries.take(Retry::FreshClient) => {}
            AnswerClass::TwoSteps if retries.take(Retry::TwoSteps) => {
                self.takes_two_steps.store(true, Ordering::Relaxed);
            }
            AnswerClass::DevBrowser if retries.take(Retry::DevBrowser) => {
                let renewed = self.dev_browsers.renew(&self.api, dev_browser).await;
                renewed.map_err(|error| failed(&error))?;
            }
            _ => return Err(failed(&error)),
        }
        Ok(None)
    }

    /// The instance's settings.
    pub(crate) async fn environment(&self) -> Result<Environment, VerifyError> {
        let dev_browser = self.dev_browsers.current().await;
        let error = match self.api.environment(dev_browser.as_deref()).await {
            Ok(environment) => return Ok(environment),
            Err(error) => error,
        };
        let wants_dev_browser = matches!(
            &error,
            CallError::Refused(refused) if refused.class() == AnswerClass::DevBrowser
        );
        if !wants_dev_browser {
            return Err(failed(&error));
        }
        let renewed = self
            .dev_browsers
            .renew(&self.api, dev_browser.as_ref())
            .await;
        renewed.map_err(|error| failed(&error))?;
        let dev_browser = self.dev_browsers.current().await;
        let again = self.api.environment(dev_browser.as_deref()).await;
        again.map_err(|error| failed(&error))
    }
}

fn not_understood() -> VerifyError {
    VerifyError::Misconfigured {
        code: "needs_identifier".to_owned(),
        remedy: error::REQUEST,
    }
}
