//! Ends the sessions that logins leave behind, in the background.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};

use super::{call::ClientToken, dev_browser::DevBrowsers, frontend::FrontendApi};

/// Removals that may wait or run at a time. One more is dropped: the session then ends by itself.
const PLACES: u32 = 256;
/// Removals that run at a time.
const RUNNING: usize = 4;
/// The longest one removal may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Removes sessions: each once, best effort, never more than a bounded number.
#[derive(Clone, Debug)]
pub(crate) struct SessionRemovals {
    api: FrontendApi,
    dev_browsers: Arc<DevBrowsers>,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
    dropped: Arc<AtomicU64>,
}

impl SessionRemovals {
    pub(crate) fn new(api: FrontendApi, dev_browsers: Arc<DevBrowsers>) -> Self {
        Self {
            api,
            dev_browsers,
            places: Arc::new(Semaphore::new(PLACES as usize)),
            running: Arc::new(Semaphore::new(RUNNING)),
            dropped: Arc::default(),
        }
    }

    /// Removes a session soon. Does not wait.
    pub(crate) fn enqueue(&self, session_id: String, client_token: ClientToken) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(
                dropped = self.dropped(),
                "too many Clerk sessions wait for their removal"
            );
            return;
        };
        let removals = self.clone();
        tokio::spawn(async move {
            removals.remove(&session_id, &client_token).await;
            drop(place);
        });
    }

    async fn remove(&self, session_id: &str, client_token: &ClientToken) {
        // The semaphore is never closed.
        let Ok(_turn) = self.running.acquire().await else {
            return;
        };
        let removal = async {
            let dev_browser = self.dev_browsers.current().await;
            let dev_browser = dev_browser.as_deref();
            self.api
                .remove_session(session_id, client_token, dev_browser)
                .await
        };
        match timeout(DEADLINE, removal).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a Clerk session was not removed"),
            Err(_) => tracing::debug!("a Clerk session was not removed in time"),
        }
    }

    /// How many removals were dropped because too many waited.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until nothing waits or runs any more, at most `longest`. Says whether that came true.
    pub(crate) async fn drain(&self, longest: Duration) -> bool {
        timeout(longest, self.places.acquire_many(PLACES))
            .await
            .is_ok()
    }
}
