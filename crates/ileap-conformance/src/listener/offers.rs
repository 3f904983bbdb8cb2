//! Texts at URLs that only a token tells of.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// Where offers are, as a route.
pub(super) const PATH: &str = "/keys/{offer}";

/// What is offered, by path.
#[derive(Debug, Default)]
pub(super) struct Offers(Mutex<HashMap<String, Offer>>);

#[derive(Debug)]
struct Offer {
    text: String,
    was_asked: bool,
}

impl Offers {
    /// The path is for this text alone.
    pub(super) fn add(&self, text: String) -> String {
        let path = PATH.replace("{offer}", &Uuid::new_v4().to_string());
        let offer = Offer {
            text,
            was_asked: false,
        };
        self.lock().insert(path.clone(), offer);
        path
    }

    /// Somebody asks for what is there.
    pub(super) fn take(&self, path: &str) -> Option<String> {
        let mut offers = self.lock();
        let offer = offers.get_mut(path)?;
        offer.was_asked = true;
        Some(offer.text.clone())
    }

    pub(super) fn was_asked(&self, path: &str) -> bool {
        self.lock().get(path).is_some_and(|offer| offer.was_asked)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Offer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
