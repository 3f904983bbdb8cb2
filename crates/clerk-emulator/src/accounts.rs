//! The accounts of a run.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use crate::account::Account;

/// All accounts, found by id or by what they sign in with.
#[derive(Default)]
pub(crate) struct Accounts {
    by_id: HashMap<String, Account>,
    ids_by_name: HashMap<String, String>,
    /// Of those that an address or number was only claimed for, too: several may do.
    ids_by_claim: HashMap<String, HashSet<String>>,
    made: u64,
}

impl Accounts {
    /// Takes in an account, as the newest.
    pub(crate) fn add(&mut self, mut account: Account) {
        self.made += 1;
        account.number = self.made;
        self.put(account);
    }

    fn put(&mut self, account: Account) {
        for name in account.names() {
            self.ids_by_name.insert(name, account.id.clone());
        }
        for claim in account.claims() {
            let ids = self.ids_by_claim.entry(claim.to_lowercase()).or_default();
            ids.insert(account.id.clone());
        }
        self.by_id.insert(account.id.clone(), account);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Account> {
        self.by_id.get(id)
    }

    /// To change anything but what it is found by.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Account> {
        self.by_id.get_mut(id)
    }

    /// To change anything.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Account)) {
        if let Some(mut account) = self.remove(id) {
            change(&mut account);
            self.put(account);
        }
    }

    /// Forgets an account.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Account> {
        let account = self.by_id.remove(id)?;
        for name in account.names() {
            self.ids_by_name.remove(&name);
        }
        for claim in account.claims().map(str::to_lowercase) {
            let ids = self.ids_by_claim.entry(claim);
            if let Entry::Occupied(mut ids) = ids {
                ids.get_mut().remove(id);
                if ids.get().is_empty() {
                    ids.remove();
                }
            }
        }
        Some(account)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Account> {
        self.by_id.values()
    }

    /// The newest first.
    pub(crate) fn newest_first(&self) -> Vec<&Account> {
        let mut accounts: Vec<_> = self.values().collect();
        newest_first(&mut accounts);
        accounts
    }

    /// The account with this e-mail address, username or telephone number, in upper or lower case.
    pub(crate) fn find(&self, identifier: &str) -> Option<&Account> {
        let id = self.ids_by_name.get(&identifier.to_lowercase())?;
        self.by_id.get(id)
    }

    /// The accounts with one of these e-mail addresses, usernames or telephone numbers, verified or not, in upper or
    /// lower case; each once.
    pub(crate) fn claiming(&self, claims: &[String]) -> Vec<&Account> {
        let claims = claims.iter().map(|claim| claim.to_lowercase());
        let ids = claims.filter_map(|claim| self.ids_by_claim.get(&claim));
        let ids: HashSet<_> = ids.flatten().collect();
        let accounts = ids.into_iter().filter_map(|id| self.by_id.get(id));
        accounts.collect()
    }
}

/// Puts the newest first.
pub(crate) fn newest_first(accounts: &mut [&Account]) {
    accounts.sort_by_key(|account| std::cmp::Reverse(account.number));
}
