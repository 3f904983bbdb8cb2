//! Room in memory for what the service answers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::unavailable;
use crate::data::SourceError;

/// Answers at once, for all callers together.
const ANSWERS: usize = 64;
/// What every answer may have, in bytes.
pub(super) const SMALL_BYTES: usize = MEBIBYTE;
/// What all larger ones have together, beyond that.
const LARGE_MEBIBYTES: usize = 64;
const MEBIBYTE: usize = 1024 * 1024;

/// Shared by all answers.
pub(super) struct Room {
    answers: Arc<Semaphore>,
    mebibytes: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            answers: Arc::new(Semaphore::new(ANSWERS)),
            mebibytes: Arc::new(Semaphore::new(LARGE_MEBIBYTES)),
        }
    }

    /// Waits for room for one small answer.
    pub(super) async fn take(&self) -> Result<Taken, SourceError> {
        Ok(Taken {
            _answer: acquire(&self.answers, 1).await?,
            mebibytes: Arc::clone(&self.mebibytes),
            large: None,
        })
    }
}

/// Room that is given back with this, which goes where the answer goes.
pub(super) struct Taken {
    _answer: OwnedSemaphorePermit,
    mebibytes: Arc<Semaphore>,
    large: Option<OwnedSemaphorePermit>,
}

impl Taken {
    /// Waits for room for an answer of up to so many bytes. All that may be needed is taken at once: answers that
    /// wait for each other while they hold a part would wait forever.
    pub(super) async fn enlarge(&mut self, most_bytes: usize) -> Result<(), SourceError> {
        if self.large.is_none() {
            let more = most_bytes.saturating_sub(SMALL_BYTES).div_ceil(MEBIBYTE);
            self.large = Some(acquire(&self.mebibytes, more.min(LARGE_MEBIBYTES)).await?);
        }
        Ok(())
    }
}

async fn acquire(
    semaphore: &Arc<Semaphore>,
    count: usize,
) -> Result<OwnedSemaphorePermit, SourceError> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let permit = Arc::clone(semaphore).acquire_many_owned(count).await;
    permit.map_err(|_| unavailable("the server is ending"))
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use futures_util::FutureExt as _;

    use super::*;

    fn is_waiting<T>(future: impl Future<Output = T>) -> bool {
        future.now_or_never().is_none()
    }

    #[tokio::test]
    async fn large_answers_wait_for_each_other_and_small_ones_for_none_of_them() {
        let room = Room::new();
        let (mut first, mut second) = (room.take().await.unwrap(), room.take().await.unwrap());
        let mut third = room.take().await.unwrap();
        first.enlarge(32 * MEBIBYTE).await.unwrap();
        second.enlarge(32 * MEBIBYTE).await.unwrap();
        second.enlarge(32 * MEBIBYTE).await.unwrap();
        assert!(is_waiting(third.enlarge(32 * MEBIBYTE)));
        assert!(!is_waiting(room.take()));
        drop(first);
        third.enlarge(32 * MEBIBYTE).await.unwrap();
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_answers() {
        let room = Room::new();
        let mut taken = Vec::new();
        for _ in 0..ANSWERS {
            taken.push(room.take().await.unwrap());
        }
        assert!(is_waiting(room.take()));
        taken.pop();
        assert!(!is_waiting(room.take()));
    }
}
