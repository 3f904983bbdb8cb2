//! A map that forgets what was put in first.

use std::collections::{HashMap, VecDeque};

/// At most `capacity` things by name.
pub(crate) struct Shelf<T> {
    capacity: usize,
    things: HashMap<String, T>,
    /// Names in the order they came, including some that were taken since.
    order: VecDeque<String>,
}

impl<T> Shelf<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            things: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.things.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.things.get_mut(name)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.things.values()
    }

    /// What was put in last comes first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &T> {
        self.order
            .iter()
            .rev()
            .filter_map(|name| self.things.get(name))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.values_mut()
    }

    /// Puts `thing` under a name that was never used before.
    pub(crate) fn put(&mut self, name: String, thing: T) {
        self.order.push_back(name.clone());
        self.things.insert(name, thing);
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.things.remove(&oldest);
            }
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<T> {
        self.things.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_thing_makes_room() {
        let mut shelf = Shelf::new(2);
        for name in ["a", "b", "c"] {
            shelf.put(name.to_owned(), name);
        }
        assert_eq!(
            (shelf.get("a"), shelf.get("b"), shelf.get("c")),
            (None, Some(&"b"), Some(&"c"))
        );
    }
}
