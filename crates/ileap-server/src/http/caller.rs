//! Whose access token a request carries: found out where the token is validated, wanted by the layer around it.

use std::sync::{Arc, OnceLock};

use crate::identity::Principal;

tokio::task_local! {
    static CALLER: OnceLock<Arc<Principal>>;
}

/// Runs `work`, and says whose access token was validated in it.
pub(crate) async fn of<T>(work: impl Future<Output = T>) -> (T, Option<Arc<Principal>>) {
    let work = async {
        let done = work.await;
        let caller = CALLER.with(|caller| caller.get().cloned());
        (done, caller)
    };
    CALLER.scope(OnceLock::new(), work).await
}

/// Says whose access token it is; only the first time counts.
pub(crate) fn is(principal: &Arc<Principal>) {
    // Where nobody asks, nothing is kept.
    let _ = CALLER.try_with(|caller| caller.set(principal.clone()));
}
