//! One verification for all who ask the same at the same time.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Semaphore, watch};
use tracing::Instrument as _;

use super::memory::Tag;
use crate::verify::{Verdict, VerifyError, unavailable};

/// Verifications under way at once. Each has a deadline of its own, so that they end.
const UNDER_WAY: usize = 4096;

type Answer = Result<Verdict, VerifyError>;
/// Who asks what, and where the answer will be. The number tells a verification from a later one of the same.
type UnderWay = HashMap<Tag, (u64, watch::Receiver<Option<Answer>>)>;

/// The verifications under way.
pub(super) struct SingleFlight {
    answers: Arc<Mutex<UnderWay>>,
    begun: AtomicU64,
    slots: Arc<Semaphore>,
}

impl SingleFlight {
    pub(super) fn new() -> Self {
        Self {
            answers: Arc::default(),
            begun: AtomicU64::new(0),
            slots: Arc::new(Semaphore::new(UNDER_WAY)),
        }
    }

    /// The answer of the verification under way for `tag`, or of one that `begin` makes. It runs in a task of
    /// its own: callers that give up do not end it for the others.
    pub(super) async fn join<F, B>(&self, tag: Tag, begin: B) -> Answer
    where
        F: Future<Output = Answer> + Send + 'static,
        B: FnOnce() -> F,
    {
        let mut answer = match self.board(tag, begin) {
            Ok(answer) => answer,
            Err(error) => return Err(error),
        };
        match answer.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or_else(|| Err(unavailable("lost"))),
            // The task ended without an answer: it panicked, or the server stops.
            Err(_) => Err(unavailable("lost")),
        }
    }

    /// Whoever comes from now on joins none that is under way; who has joined one gets its answer.
    pub(super) fn part(&self) {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn board<F, B>(
        &self,
        tag: Tag,
        begin: B,
    ) -> Result<watch::Receiver<Option<Answer>>, VerifyError>
    where
        F: Future<Output = Answer> + Send + 'static,
        B: FnOnce() -> F,
    {
        let (sender, receiver) = watch::channel(None);
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let slot = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, answer)) = answers.get(&tag) {
                return Ok(answer.clone());
            }
            let slot = Arc::clone(&self.slots).try_acquire_owned();
            let slot = slot.map_err(|_| unavailable("busy"))?;
            answers.insert(tag, (number, receiver.clone()));
            slot
        };
        let entry = Entry {
            answers: Arc::clone(&self.answers),
            number,
            tag,
        };
        let verification = begin();
        // Not under the lock: a runtime that shuts down drops the task, and with it the entry, at once.
        let task = async move {
            let _slot = slot;
            let answer = {
                // Gone before the answer is told, also when the verification panics: whoever comes later
                // finds what has been remembered, or begins anew.
                let _entry = entry;
                verification.await
            };
            let _ = sender.send(Some(answer));
        };
        tokio::spawn(task.in_current_span());
        Ok(receiver)
    }
}

/// A place in the map; empty when dropped.
struct Entry {
    answers: Arc<Mutex<UnderWay>>,
    number: u64,
    tag: Tag,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers
            .get(&self.tag)
            .is_some_and(|(number, _)| *number == self.number)
        {
            answers.remove(&self.tag);
        }
    }
}
