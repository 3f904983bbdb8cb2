//! Tokens that do not count any longer, though their time has not run out.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use crate::identity::Principal;

/// How many subjects and organizations are kept apart.
const ENTRIES: usize = 100_000;
/// No token lives longer than this, with the clocks of several instances a little apart.
const LONGEST_LIFE: Duration = Duration::from_hours(25);

/// Up to when the tokens of subjects and organizations are cut off.
#[derive(Debug, Default)]
pub struct TokenCutoffs {
    is_any: AtomicBool,
    cut: RwLock<Cut>,
}

/// In seconds since 1970.
#[derive(Debug, Default)]
struct Cut {
    by_name: HashMap<String, i64>,
    everyone: Option<i64>,
}

impl TokenCutoffs {
    /// Cuts off the tokens of a subject (`clerk|user_...`) or of an organization's members (`org_...`) that
    /// were issued at `at`, in whole seconds, or before.
    ///
    /// When there are too many, everyone's are cut off: nobody's comes to count again.
    pub fn cut_off(&self, name: &str, at: Timestamp) {
        let at = at.as_second();
        let mut cut = self.cut.write().unwrap_or_else(PoisonError::into_inner);
        if cut.by_name.len() >= ENTRIES && !cut.by_name.contains_key(name) {
            let oldest = at.saturating_sub_unsigned(LONGEST_LIFE.as_secs());
            cut.by_name.retain(|_, at| *at > oldest);
            if cut.by_name.len() >= ENTRIES {
                cut.everyone = cut.everyone.max(cut.by_name.values().copied().max());
                cut.by_name.clear();
            }
        }
        let entry = cut.by_name.entry(name.to_owned()).or_insert(at);
        *entry = (*entry).max(at);
        drop(cut);
        self.is_any.store(true, Ordering::Release);
    }

    /// The moment for a cut-off now. In the second of an earlier one it is the next: tokens issued since say so.
    pub fn next(&self, name: &str, now: Timestamp) -> Timestamp {
        let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
        let earlier = cut.by_name.get(name).map(|at| at.saturating_add(1));
        let next = earlier.and_then(|at| Timestamp::from_second(at).ok());
        next.map_or(now, |next| next.max(now))
    }

    /// The last second whose tokens do not count for `principal`.
    pub(super) fn of(&self, principal: &Principal) -> Option<i64> {
        if !self.is_any.load(Ordering::Acquire) {
            return None;
        }
        let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &str| cut.by_name.get(name).copied();
        let organization = principal.organization.as_ref();
        let by_organization = organization.and_then(|organization| of(&organization.id));
        of(&principal.subject)
            .max(by_organization)
            .max(cut.everyone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{ClientId, Organization, Scopes};

    fn principal(user: &str, organization: Option<&str>) -> Principal {
        Principal {
            subject: format!("clerk|{user}"),
            client_id: ClientId::new("ops@acme.example").unwrap(),
            organization: organization.map(|id| Organization {
                id: id.to_owned(),
                slug: None,
            }),
            roles: std::collections::BTreeSet::new(),
            scopes: Scopes::all(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_latest_cut_off_of_subject_or_organization_counts() {
        let cutoffs = TokenCutoffs::default();
        assert_eq!(cutoffs.of(&principal("user_1", None)), None);
        cutoffs.cut_off("clerk|user_1", at(100));
        cutoffs.cut_off("clerk|user_1", at(90));
        assert_eq!(cutoffs.of(&principal("user_1", Some("org_1"))), Some(100));
        assert_eq!(cutoffs.of(&principal("user_2", Some("org_1"))), None);
        cutoffs.cut_off("org_1", at(110));
        assert_eq!(cutoffs.of(&principal("user_1", Some("org_1"))), Some(110));
        assert_eq!(cutoffs.of(&principal("user_2", Some("org_1"))), Some(110));
    }

    #[test]
    fn a_cut_off_in_the_same_second_reaches_the_tokens_issued_since() {
        let cutoffs = TokenCutoffs::default();
        assert_eq!(cutoffs.next("clerk|user_1", at(100)), at(100));
        cutoffs.cut_off("clerk|user_1", at(100));
        assert_eq!(cutoffs.next("clerk|user_1", at(100)), at(101));
        assert_eq!(cutoffs.next("clerk|user_1", at(200)), at(200));
        assert_eq!(cutoffs.next("clerk|user_2", at(100)), at(100));
    }

    #[test]
    fn too_many_cut_offs_cut_off_everyone_rather_than_forget_one() {
        let cutoffs = TokenCutoffs::default();
        for number in 0..=ENTRIES {
            cutoffs.cut_off(&format!("clerk|user_{number}"), at(100));
        }
        assert_eq!(cutoffs.of(&principal("user_0", None)), Some(100));
        assert_eq!(cutoffs.of(&principal("never_named", None)), Some(100));
    }

    #[test]
    fn cut_offs_of_tokens_that_have_all_expired_make_room() {
        let cutoffs = TokenCutoffs::default();
        for number in 0..ENTRIES {
            cutoffs.cut_off(&format!("clerk|user_{number}"), at(100));
        }
        cutoffs.cut_off("clerk|late", at(1_000_000));
        assert_eq!(cutoffs.of(&principal("user_0", None)), None);
        assert_eq!(cutoffs.of(&principal("late", None)), Some(1_000_000));
    }
}
