//! What kind of instance is emulated.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

use crate::{clock::EmulatorClock, users::EmulatorUser};

/// The settings of an emulated instance. Start from the default and change what matters:
///
/// ```
/// use clerk_emulator::EmulatorOptions;
///
/// let options = EmulatorOptions { device_trust: true, ..EmulatorOptions::default() };
/// assert!(options.limits && options.lockout.enabled);
/// ```
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of a Clerk instance"
)]
pub struct EmulatorOptions {
    /// Where to listen; loopback only. Port 0, the default, picks a free one.
    pub bind: SocketAddr,
    /// The accounts.
    pub users: Vec<EmulatorUser>,
    /// Development or production.
    pub instance_kind: InstanceKind,
    /// The secret key of the Backend API. `None`, the default, draws one. Must not start with `sk_live_`.
    pub secret_key: Option<String>,
    /// Whether callers without a browser are served at all. On by default.
    pub native_api: bool,
    /// Whether a right password on an unknown client asks for a code, as instances made after November 2025
    /// do. Off by default, because then every account but those with `bypass_client_trust` stops there.
    pub device_trust: bool,
    /// Whether Device Trust answers `needs_second_factor`, as instances that have not opted in to
    /// `needs_client_trust` do.
    pub legacy_status: bool,
    /// Whether answers tell an unknown account from a wrong password.
    pub enumeration_protection: EnumerationProtection,
    /// When accounts are locked.
    pub lockout: Lockout,
    /// Whether a client may hold one session only.
    pub single_session: bool,
    /// Whether the published request limits hold: five sign-ins and three factor attempts in ten seconds
    /// per address, a hundred calls to the Backend API per key. On by default.
    pub limits: bool,
    /// Whether the instance starts in maintenance: then sign-ins answer 503.
    pub maintenance: bool,
    /// Whether a native caller must send `Authorization`, if only empty, from its first call on.
    pub strict_headers: bool,
    /// Whether a caller that sends neither the native flag nor `Origin` is taken for a native one. On by
    /// default; the published rules would refuse it.
    pub lenient_headerless: bool,
    /// Whether native calls to a development instance need a development browser too.
    pub require_dev_browser: bool,
    /// Whether a sign-in takes the password in a second call only: a password in the first one is an
    /// unknown parameter.
    pub two_step_only: bool,
    /// The names of the JWT templates that exist.
    pub jwt_templates: Vec<String>,
    /// Whether a wrong password at the Backend API's `verify_password` counts towards the lock, together with
    /// failed sign-ins. On by default: nobody outside Clerk knows, and a client has to be ready for it.
    pub verify_password_counts: bool,
    /// What `verify_password` calls a wrong password.
    pub wrong_password: WrongPassword,
    /// Whether the instance has organizations. Without them the Backend API refuses every question about them.
    pub organizations: bool,
    /// Where webhooks go, such as `http://127.0.0.1:8080/webhooks/clerk`; loopback only. None are sent by default.
    pub webhook_url: Option<String>,
    /// Where the time comes from.
    pub clock: EmulatorClock,
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            users: Vec::new(),
            instance_kind: InstanceKind::default(),
            secret_key: None,
            native_api: true,
            device_trust: false,
            legacy_status: false,
            enumeration_protection: EnumerationProtection::default(),
            lockout: Lockout::default(),
            single_session: false,
            limits: true,
            maintenance: false,
            strict_headers: false,
            lenient_headerless: true,
            require_dev_browser: false,
            two_step_only: false,
            jwt_templates: Vec::new(),
            verify_password_counts: true,
            wrong_password: WrongPassword::default(),
            organizations: true,
            webhook_url: None,
            clock: EmulatorClock::real(),
        }
    }
}

impl EmulatorOptions {
    /// The default instance with these accounts.
    pub fn with_users(users: impl IntoIterator<Item = EmulatorUser>) -> Self {
        Self {
            users: users.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The same instance without request limits and without lockout: for demos, not for tests of a client.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.limits = false;
        self.lockout.enabled = false;
        self
    }
}

impl fmt::Debug for EmulatorOptions {
    /// Without the secret key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorOptions")
            .field("bind", &self.bind)
            .field("users", &self.users)
            .field("instance_kind", &self.instance_kind)
            .finish_non_exhaustive()
    }
}

/// What an instance is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum InstanceKind {
    /// Browsers need a development browser instead of cookies; maintenance stops everything.
    #[default]
    Development,
    /// Browsers use cookies; maintenance leaves sessions alone.
    Production,
}

/// Whether answers tell an unknown account from a wrong password.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EnumerationProtection {
    /// They do.
    #[default]
    Off,
    /// They do not: one code for an unknown account, a wrong password and an account without one.
    Strict,
}

/// What the Backend API's `verify_password` calls a wrong password.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WrongPassword {
    /// `incorrect_password`, as the published list of errors does.
    #[default]
    Documented,
    /// `form_password_incorrect`, as recorded answers do.
    Observed,
}

/// When accounts are locked after failed attempts, of passwords and of codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lockout {
    /// Whether they are.
    pub enabled: bool,
    /// The failed attempt, counted from the last success, that locks. The default is 10.
    pub max_attempts: u32,
    /// How long a lock lasts. The default is 60.
    pub minutes: u32,
}

impl Default for Lockout {
    fn default() -> Self {
        Self {
            enabled: true,
            max_attempts: 10,
            minutes: 60,
        }
    }
}
