//! The controls, for tests in Rust.

use std::{sync::Arc, time::Duration};

use crate::{
    account::Lock,
    calls::{Calls, RecordedRequest},
    endpoint::Endpoint,
    faults::Fault,
    keys::SigningKey,
    state::Shared,
    users::{Password, Scenario},
};

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
    /// The emulator runs on the machine's time.
    #[error("advancing the clock: the emulator was not started with a manual clock")]
    RealClock,
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

    /// The sessions that live, of one account.
    pub fn sessions_active_of(&self, identifier: &str) -> Result<usize, AdminError> {
        let now = self.shared.clock().now_ms();
        let world = self.shared.world();
        let account = world.accounts.find(identifier);
        let account = account.ok_or(AdminError::UnknownUser)?;
        Ok(world.live_sessions(Some(account), now))
    }

    /// Gives an account another password. Its sessions stay.
    pub fn set_password(&self, identifier: &str, password: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, now| {
            account.user.password = Some(Password::new(password));
            account.password_updated_at = now;
        })
    }

    /// Puts an account into another scenario, with the ban or lock that belongs to it.
    pub fn set_scenario(&self, identifier: &str, scenario: Scenario) -> Result<(), AdminError> {
        let lockout = self.shared.options.lockout;
        self.change(identifier, |account, now| {
            account.set_scenario(scenario, lockout, now);
        })
    }

    /// Makes Device Trust let an account pass everywhere.
    pub fn trust_everywhere(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| {
            account.user.bypass_client_trust = true;
        })
    }

    /// Makes Device Trust ask an account for a code on unknown clients.
    pub fn distrust(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| {
            account.user.bypass_client_trust = false;
        })
    }

    /// Bans an account.
    pub fn ban(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.banned = true)
    }

    /// Lifts a ban.
    pub fn unban(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.banned = false)
    }

    /// Locks an account without an end.
    pub fn lock(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.lock = Lock::Forever)
    }

    /// Opens an account again and forgets its failed attempts.
    pub fn unlock(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| {
            account.unlock();
        })
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

    fn change(
        &self,
        identifier: &str,
        change: impl FnOnce(&mut crate::account::Account, u64),
    ) -> Result<(), AdminError> {
        let now = self.shared.clock().now_ms();
        let mut world = self.shared.world();
        let account = world.accounts.find(identifier);
        let id = account.ok_or(AdminError::UnknownUser)?.id.clone();
        world.update_user(&id, now, |account| change(account, now));
        Ok(())
    }
}

impl std::fmt::Debug for EmulatorAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmulatorAdmin({})", self.shared.origin)
    }
}
