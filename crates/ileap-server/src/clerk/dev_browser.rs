//! The development browser: what a development instance may ask of a caller without cookies.

use std::{fmt, sync::Arc};

use tokio::sync::Mutex;

use super::{
    call::CallError,
    frontend::{DevBrowser, FrontendApi},
};

/// The development browser of this process, made when an instance first asks for one.
#[derive(Default)]
pub(crate) struct DevBrowsers {
    current: Mutex<Option<Arc<DevBrowser>>>,
}

impl DevBrowsers {
    /// The one in use, if any. Waits for one that is being made.
    pub(crate) async fn current(&self) -> Option<Arc<DevBrowser>> {
        self.current.lock().await.clone()
    }

    /// Replaces `used`, unless somebody already has. The lock is held meanwhile: one call serves all.
    pub(crate) async fn renew(
        &self,
        api: &FrontendApi,
        used: Option<&Arc<DevBrowser>>,
    ) -> Result<(), CallError> {
        let mut current = self.current.lock().await;
        let is_replaced = match (&*current, used) {
            (Some(current), Some(used)) => !Arc::ptr_eq(current, used),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !is_replaced {
            *current = None;
            *current = Some(Arc::new(api.create_dev_browser().await?));
        }
        Ok(())
    }
}

impl fmt::Debug for DevBrowsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevBrowsers(redacted)")
    }
}
