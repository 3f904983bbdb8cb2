//! Whose access token a request carries: found out where the token is validated, wanted by the layer around it.

use std::sync::{Arc, OnceLock};

use crate::identity::Principal;

tokio::task_local! {
    static CALLER: Caller;
}

/// Who it is, once that is known.
#[derive(Clone, Default)]
pub(crate) struct Caller(Arc<OnceLock<Arc<Principal>>>);

impl Caller {
    /// Runs `work`, in which it may be found out.
    pub(crate) async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        CALLER.scope(self.clone(), work).await
    }

    /// Who it is, as far as is known.
    pub(crate) fn known(&self) -> Option<&Arc<Principal>> {
        self.0.get()
    }
}

/// Says whose access token it is; only the first time counts.
pub(crate) fn is(principal: &Arc<Principal>) {
    // Where nobody asks, nothing is kept.
    let _ = CALLER.try_with(|caller| caller.0.set(principal.clone()));
}
