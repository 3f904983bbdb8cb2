//! Waiting for another process that writes.

use super::{ImportTransaction, Store, StoreError};

/// How often a change is tried while another process holds SQLite's lock. Each try waits for five seconds, together
/// they wait for as long as PostgreSQL does.
pub const TRIES: usize = 12;

/// What to call when a change has to wait.
pub type OnWait<'a> = &'a (dyn Fn() + Send + Sync);

/// Begins to write objects, also while another process does; `on_wait` is called once where that has to be waited for.
pub async fn begin_import(
    store: &dyn Store,
    on_wait: OnWait<'_>,
) -> Result<Box<dyn ImportTransaction>, StoreError> {
    for number in 1..TRIES {
        match store.begin_import().await {
            Err(error) if error.is_locked() && number == 1 => on_wait(),
            Err(error) if error.is_locked() => {}
            begun => return begun,
        }
    }
    store.begin_import().await
}
