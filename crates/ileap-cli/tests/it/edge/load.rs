//! Partners who never stop asking, on connections that they keep, and who forgive nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{eventually, site::SECRET};
use crate::wire::{KeptConnection, status, token_request};

const PARTNERS: usize = 6;
/// So that the machine has time for servers that start.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Load {
    answered: Arc<AtomicU64>,
    has_ended: Arc<AtomicBool>,
    partners: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    pub(super) fn on(address: &str) -> Self {
        let (answered, has_ended) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let partners = (0..PARTNERS).map(|_| {
            let mut partner = Partner {
                answered: answered.clone(),
                connection: KeptConnection::to(address),
            };
            let has_ended = has_ended.clone();
            thread::spawn(move || {
                let mut failures = Vec::new();
                while !has_ended.load(Ordering::SeqCst) && failures.len() < 10 {
                    for request in [jwks(), token_request("acme", SECRET)] {
                        failures.extend(partner.ask(&request).err());
                    }
                    thread::sleep(PAUSE);
                }
                failures
            })
        });
        Self {
            partners: partners.collect(),
            answered,
            has_ended,
        }
    }

    /// Waits until some more requests have been answered.
    pub(super) fn goes_on(&self) {
        let before = self.answered.load(Ordering::SeqCst);
        eventually(|| self.answered.load(Ordering::SeqCst) > before + 50);
    }

    /// Ends it: what failed.
    pub(super) fn end(self) -> Vec<String> {
        self.has_ended.store(true, Ordering::SeqCst);
        let partners = self.partners.into_iter();
        partners
            .flat_map(|partner| partner.join().unwrap())
            .collect()
    }
}

fn jwks() -> String {
    "GET /jwks HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()
}

struct Partner {
    answered: Arc<AtomicU64>,
    connection: KeptConnection,
}

impl Partner {
    fn ask(&mut self, request: &str) -> Result<(), String> {
        let was_kept = self.connection.is_open();
        let answer = self.connection.ask(request);
        let answer = answer.map_err(|error| format!("{error}, kept: {was_kept}: {request:.20}"))?;
        if status(&answer) != 200 {
            return Err(format!("{answer:.20} {request:.20}"));
        }
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
