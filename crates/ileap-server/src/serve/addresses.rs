//! How many connections each address has open.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::verify::origin::Origin;

/// Connections by address (IPv6: by /64 network). No larger than there are connections.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<HashMap<Origin, usize>>);

/// Counts its connection out when dropped.
#[derive(Debug)]
pub(super) struct AddressGuard {
    addresses: Arc<Addresses>,
    origin: Origin,
}

impl Addresses {
    /// Counts one more connection from `address`, unless it has `most` already.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<AddressGuard> {
        let origin = Origin::from(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(origin).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(AddressGuard {
            addresses: self.clone(),
            origin,
        })
    }
}

impl Drop for AddressGuard {
    fn drop(&mut self) {
        let counts = &self.addresses.0;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let addresses = Arc::new(Addresses::default());
        let enter = |address: &str| addresses.enter(address.parse().unwrap(), 2);
        let first = enter("192.0.2.1").unwrap();
        let _second = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some(), "another one is not concerned");
        drop(first);
        assert!(enter("192.0.2.1").is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_nothing_stays_of_who_left() {
        let addresses = Arc::new(Addresses::default());
        let guards: Vec<_> = (0..3)
            .map(|host| addresses.enter(format!("2001:db8::{host}").parse().unwrap(), 2))
            .collect();
        assert!(guards[1].is_some() && guards[2].is_none());
        drop(guards);
        assert!(addresses.0.lock().unwrap().is_empty());
    }
}
