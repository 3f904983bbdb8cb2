//! How many requests each address may send.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use axum::response::{IntoResponse as _, Response};
use quick_cache::sync::Cache;

use super::RequestContext;
use crate::{
    http::{
        client_address::is_trusted,
        failure::{Cause, Failure},
        state::AppState,
    },
    verify::{budget::rate::Level, origin::Origin},
};

/// How many addresses' rates are kept; one that is forgotten begins anew.
const ADDRESSES: usize = 64 * 1024;

/// What is left of each address's rate.
pub(super) struct RequestRates(Cache<Origin, Arc<Mutex<Level>>>);

impl RequestRates {
    pub(super) fn new() -> Self {
        Self(Cache::new(ADDRESSES))
    }

    /// Counts one more request, unless its address has sent as many as it may. A trusted proxy that names no
    /// client speaks for many, and is not limited.
    pub(super) fn refusal(&self, state: &AppState, context: &RequestContext) -> Option<Response> {
        let live = state.live.load();
        let rate = live.requests_per_address?;
        if is_trusted(context.client_address, &live.trusted_proxies) {
            return None;
        }
        let now = context.arrived;
        let whole = || Ok::<_, Infallible>(Arc::new(Mutex::new(Level::whole(now))));
        let origin = Origin::from(context.client_address);
        let Ok(level) = self.0.get_or_insert_with(&origin, whole);
        let mut level = level.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(retry_after) = level.wait(rate, now) {
            return Some(Failure::from(Cause::RequestsThrottled { retry_after }).into_response());
        }
        level.charge(rate, now);
        None
    }
}
