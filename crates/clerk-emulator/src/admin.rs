//! The controls, for tests in Rust.

use std::{sync::Arc, time::Duration};

use crate::{
    calls::{Calls, RecordedRequest},
    endpoint::Endpoint,
    faults::Fault,
    keys::SigningKey,
    state::Shared,
    webhooks::{SpoiledWebhook, Target, WebhookAddressError, WebhookDelivery},
};

mod users;

/// Changes a running emulator and reads what happened to it. Clones control the same one.
#[derive(Clone)]
pub struct EmulatorAdmin {
    pub(crate) shared: Arc<Shared>,
}

/// Why a control did nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AdminError {
    /// No account has this e-mail address or username.
    #[error("changing an account: no user has this e-mail address or username")]
    UnknownUser,
    /// The account does not belong to this organization.
    #[error("changing a membership: the user is no member of this organization")]
    UnknownMembership,
    /// Another account has the e-mail address, the username or the telephone number.
    #[error("creating an account: the {key} is taken")]
    Taken {
        /// `email`, `username` or `phone_number`.
        key: &'static str,
    },
    /// The emulator runs on the machine's time.
    #[error("advancing the clock: the emulator was not started with a manual clock")]
    RealClock,
    /// Webhooks may not go there.
    #[error(transparent)]
    WebhookAddress(#[from] WebhookAddressError),
    /// No new key could be made.
    #[error("rotating the signing key: key generation failed")]
    KeyGeneration,
}

impl EmulatorAdmin {
    /// Makes the next call of a route fail. Several wait in line.
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.world().faults.push_next(endpoint, fault);
    }

    /// Makes every call of a route fail, after those that wait in line.
    pub fn fail_always(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.world().faults.set_always(endpoint, fault);
    }

    /// Nothing fails on demand any more.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// From now on, changes are told to this address, on loopback; `None` ends it.
    pub fn set_webhook_url(&self, url: Option<&str>) -> Result<(), WebhookAddressError> {
        let target = url.map(Target::parse).transpose()?;
        self.shared.webhooks.set_target(target, &self.shared);
        Ok(())
    }

    /// What became of the webhooks, the oldest first; the last thousand.
    pub fn webhooks_sent(&self) -> Vec<WebhookDelivery> {
        self.shared.webhooks.sent()
    }

    /// Sends a webhook again, with the id it had; says whether there was one of this id.
    pub fn resend_webhook(&self, id: &str) -> bool {
        self.shared.webhooks.resend(id)
    }

    /// Sends a webhook that a receiver should refuse or pass over.
    pub fn send_webhook(&self, spoiled: SpoiledWebhook) {
        self.shared.webhooks.send(spoiled, &self.shared);
    }

    /// Waits until everything that has happened so far has been told.
    pub async fn webhooks_told(&self) {
        while !self.shared.webhooks.is_idle(&self.shared) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How often each route was called.
    pub fn calls(&self) -> Calls {
        self.shared.world().calls.clone()
    }

    /// The last requests, the oldest first: at most 1000.
    pub fn request_log(&self) -> Vec<RecordedRequest> {
        self.shared.world().log.to_vec()
    }

    /// The sessions that live, of everybody.
    pub fn sessions_active(&self) -> usize {
        let now = self.shared.clock().now_ms();
        self.shared.world().live_sessions(None, now)
    }

    /// Makes a new signing key. The old one is gone at once; the key's id stays, because it is the
    /// instance's.
    pub fn rotate_keys(&self) -> Result<(), AdminError> {
        let key = SigningKey::generate().map_err(|_| AdminError::KeyGeneration)?;
        self.shared.world().key = key;
        Ok(())
    }

    /// Puts the instance into maintenance.
    pub fn begin_maintenance(&self) {
        self.shared.world().maintenance = true;
    }

    /// Ends the maintenance.
    pub fn end_maintenance(&self) {
        self.shared.world().maintenance = false;
    }

    /// Moves a manual clock forward.
    pub fn advance_clock(&self, by: Duration) -> Result<(), AdminError> {
        if self.shared.clock().advance(by) {
            return Ok(());
        }
        Err(AdminError::RealClock)
    }
}

impl std::fmt::Debug for EmulatorAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmulatorAdmin({})", self.shared.origin)
    }
}
