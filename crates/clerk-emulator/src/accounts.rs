//! The accounts of a run.

use std::collections::HashMap;

use crate::account::Account;

/// All accounts, found by id or by what they sign in with.
#[derive(Default)]
pub(crate) struct Accounts {
    by_id: HashMap<String, Account>,
    ids_by_name: HashMap<String, String>,
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
}

/// Puts the newest first.
pub(crate) fn newest_first(accounts: &mut [&Account]) {
    accounts.sort_by_key(|account| std::cmp::Reverse(account.number));
}
