//! The verifier a configuration asks for, with what stands in front of it.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use url::Url;

use super::StartError;
use crate::{
    clerk::{backend::BackendApi, frontend::FrontendApi, gate::Gate},
    clock::Clock,
    config::{Budget, Config, VerifierKind},
    outbound::{self, OutboundOptions},
    store::{Store, logins::Invalidation},
    telemetry::Metrics,
    verify::{
        CredentialVerifier,
        budget::{BudgetOptions, Budgeted, Rate, WindowOptions},
        clerk_backend::{ClerkBackendOptions, ClerkBackendVerifier},
        clerk_frontend::{ClerkFrontendOptions, ClerkFrontendVerifier},
        known_good::{KnownGood, KnownGoodOptions},
        static_users::StaticUsersVerifier,
    },
};

/// The stretch of time over which Clerk counts calls.
const CLERK_WINDOW: Duration = Duration::from_secs(10);
/// Of the five logins that Clerk allows from one address.
const FRONTEND_LOGINS: u32 = 4;
/// Of the three attempts at a factor.
const FRONTEND_FACTORS: usize = 2;
/// Of the thousand calls that Clerk allows a production instance.
const BACKEND_CALLS: u32 = 800;
/// Of the hundred that it allows a development instance.
const BACKEND_DEVELOPMENT_CALLS: u32 = 80;
/// Calls of one login over the Backend API: lookup, password, memberships.
const BACKEND_CALLS_PER_LOGIN: usize = 3;

/// What a verifier needs besides its configuration.
pub struct VerifierParts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Where failures are counted.
    pub store: Arc<dyn Store>,
}

/// The verifier a configuration asks for.
pub fn verifier(
    config: &Config,
    parts: VerifierParts,
) -> Result<Arc<dyn CredentialVerifier>, StartError> {
    let VerifierParts {
        clock,
        metrics,
        store,
    } = parts;
    let section = &config.verifier;
    let budget = section.budget.enabled.then_some(section.budget);
    let remembering = Remembering::default();
    let (mut verifier, logins) = match section.kind {
        VerifierKind::ClerkBackend => {
            let calls = budget.map(|budget| calls(budget, backend_calls(config)));
            let logins = calls.map(|calls| WindowOptions {
                limit: calls.limit / BACKEND_CALLS_PER_LOGIN,
                ..calls
            });
            (
                clerk_backend(config, calls, clock.clone(), &metrics)?,
                logins,
            )
        }
        VerifierKind::ClerkFrontend => {
            let calls = budget.map(|budget| calls(budget, FRONTEND_LOGINS));
            (
                clerk_frontend(config, calls, clock.clone(), &metrics)?,
                calls,
            )
        }
        VerifierKind::StaticUsers => (static_users(config, remembering.clone())?, None),
    };
    if let Some(budget) = budget {
        let options = budget_options(budget, logins);
        verifier = Arc::new(Budgeted::new(verifier, options, store, clock.clone()));
    }
    let options = KnownGoodOptions {
        fresh_for: section.known_good.fresh_for,
        stale_for: section.known_good.stale_for,
    };
    let known_good = KnownGood::new(verifier, options, clock, metrics);
    let known_good = Arc::new(known_good.ok_or(StartError::Randomness)?);
    // Set once, here.
    let _ = remembering.set(Arc::downgrade(&known_good));
    Ok(known_good)
}

/// The verifier in front that remembers, for one behind it whose users change.
type Remembering = Arc<OnceLock<Weak<KnownGood>>>;

fn static_users(
    config: &Config,
    remembering: Remembering,
) -> Result<Arc<dyn CredentialVerifier>, StartError> {
    let path = config.verifier.static_users_file.clone();
    // Without a name nothing is read, and that is said.
    let path = path.unwrap_or_default();
    let forget = move |invalidation: &Invalidation| {
        if let Some(known_good) = remembering.get().and_then(Weak::upgrade) {
            known_good.forget(invalidation);
        }
    };
    let verifier = StaticUsersVerifier::open(path, Box::new(forget));
    let verifier = Arc::new(verifier.map_err(StartError::StaticUsers)?);
    verifier.follow();
    Ok(verifier)
}

fn clerk_frontend(
    config: &Config,
    calls: Option<WindowOptions>,
    clock: Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> Result<Arc<dyn CredentialVerifier>, StartError> {
    let clerk = &config.verifier.clerk;
    let url = clerk.frontend_api_url.as_ref();
    let url = url.ok_or_else(|| StartError::Verifier("nothing says where Clerk is".to_owned()))?;
    let http = http_client(url)?;
    let factors = calls.map(|calls| WindowOptions {
        limit: calls.limit.min(FRONTEND_FACTORS),
        ..calls
    });
    let gate = Gate::new(calls, factors, clock).counted("frontend", metrics.clone());
    let api = FrontendApi::new(url, http, Arc::new(gate));
    let options = ClerkFrontendOptions {
        organization: clerk.organization.clone(),
        role_keys: config.access.role_keys.clone(),
        timeout: clerk.timeout,
    };
    Ok(Arc::new(ClerkFrontendVerifier::new(api, options)))
}

fn clerk_backend(
    config: &Config,
    calls: Option<WindowOptions>,
    clock: Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> Result<Arc<dyn CredentialVerifier>, StartError> {
    let clerk = &config.verifier.clerk;
    let key = clerk.secret_key.as_ref();
    let key = key.ok_or_else(|| StartError::Verifier("there is no secret key".to_owned()))?;
    let gate = Gate::new(calls, None, clock.clone()).counted("backend", metrics.clone());
    let http = http_client(&clerk.backend_api_url)?;
    let api = BackendApi::new(&clerk.backend_api_url, key.expose(), http, Arc::new(gate));
    let options = ClerkBackendOptions {
        allow_mfa_users: clerk.allow_mfa_users,
        is_public: config
            .public_base_url
            .as_ref()
            .is_some_and(|url| !url.is_loopback()),
        organization: clerk.organization.clone(),
        role_keys: config.access.role_keys.clone(),
        timeout: clerk.timeout,
    };
    let verifier = ClerkBackendVerifier::new(api, options, clock);
    Ok(Arc::new(verifier.ok_or(StartError::Randomness)?))
}

/// How many calls in ten seconds leave some of Clerk's limit to others with the same key.
fn backend_calls(config: &Config) -> u32 {
    let key = config.verifier.clerk.secret_key.as_ref();
    if key.is_some_and(|key| key.expose().starts_with("sk_test_")) {
        BACKEND_DEVELOPMENT_CALLS
    } else {
        BACKEND_CALLS
    }
}

fn http_client(upstream: &Url) -> Result<reqwest::Client, StartError> {
    outbound::client(&OutboundOptions::for_url(upstream))
        .map_err(|error| StartError::Verifier(error.to_string()))
}

/// Strangers may use three quarters of the logins that there is room for: the rest is for credentials that are
/// known to be good.
fn budget_options(budget: Budget, logins: Option<WindowOptions>) -> BudgetOptions {
    let in_a_minute = |burst| Rate {
        burst,
        period: Duration::from_mins(1),
    };
    let logins = logins.map(|logins| WindowOptions {
        limit: (logins.limit.saturating_mul(3) / 4).max(1),
        ..logins
    });
    // No address gets more than a third of what there is for strangers.
    let a_third = logins.map_or(u32::MAX, |logins| {
        u32::try_from(logins.limit.saturating_mul(2)).unwrap_or(u32::MAX)
    });
    BudgetOptions {
        failures_per_address: in_a_minute(budget.failures_per_address.min(a_third)),
        failures_in_all: in_a_minute(budget.failures_in_all),
        logins,
        ..BudgetOptions::default()
    }
}

/// The configured number of calls, else this one.
fn calls(budget: Budget, default: u32) -> WindowOptions {
    let limit = budget.calls_per_10s.unwrap_or(default);
    WindowOptions {
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        period: CLERK_WINDOW,
        patience: budget.queue_for,
    }
}
