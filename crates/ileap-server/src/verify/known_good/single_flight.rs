//! One verification for all who ask the same at the same time.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Semaphore, watch};

use super::memory::Tag;
use crate::verify::{Verdict, VerifyError, unavailable};

/// Verifications under way at once. Each has a deadline of its own, so that they end.
const UNDER_WAY: usize = 4096;

type Answer = Result<Verdict, VerifyError>;

/// The verifications under way.
pub(super) struct SingleFlight {
    answers: Arc<Mutex<HashMap<Tag, watch::Receiver<Option<Answer>>>>>,
    slots: Arc<Semaphore>,
}

impl SingleFlight {
    pub(super) fn new() -> Self {
        Self {
            answers: Arc::default(),
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
        let slot = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = answers.get(&tag) {
                return Ok(answer.clone());
            }
            let slot = Arc::clone(&self.slots).try_acquire_owned();
            let slot = slot.map_err(|_| unavailable("busy"))?;
            answers.insert(tag, receiver.clone());
            slot
        };
        let entry = Entry {
            answers: Arc::clone(&self.answers),
            tag,
        };
        let verification = begin();
        // Not under the lock: a runtime that shuts down drops the task, and with it the entry, at once.
        tokio::spawn(async move {
            let _slot = slot;
            let answer = {
                // Gone before the answer is told, also when the verification panics: whoever comes later
                // finds what has been remembered, or begins anew.
                let _entry = entry;
                verification.await
            };
            let _ = sender.send(Some(answer));
        });
        Ok(receiver)
    }
}

/// A place in the map; empty when dropped.
struct Entry {
    answers: Arc<Mutex<HashMap<Tag, watch::Receiver<Option<Answer>>>>>,
    tag: Tag,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.tag);
    }
}
