//! Tokens that do not count any longer, though their time has not run out.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use super::revoked::{RevokedToken, RevokedTokens};
use crate::identity::Principal;

/// How many subjects and organizations are kept apart.
const ENTRIES: usize = 100_000;
/// No token lives longer than this, with the clocks of several instances a little apart.
const LONGEST_LIFE: Duration = Duration::from_hours(25);
/// How many tokens revoked one by one are kept apart.
const REVOKED_TOKENS: usize = 200_000;
/// A token that expired this long ago has expired by the clock of every instance.
const CLOCKS_APART: Duration = Duration::from_mins(5);

/// Up to when the tokens of subjects and organizations are cut off, and which tokens are revoked one by one.
#[derive(Debug, Default)]
pub struct TokenCutoffs {
    /// How many cut-offs have come to be known.
    known: AtomicU64,
    cut: RwLock<Cut>,
    /// How many tokens are revoked: mostly none, and then nobody waits for a lock.
    revoked_count: AtomicUsize,
    revoked: RwLock<RevokedTokens>,
}

#[derive(Debug, Default)]
struct Cut {
    by_name: HashMap<String, CutOff>,
    everyone: Option<CutOff>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct CutOff {
    at: Timestamp,
    /// Its place among all that have come to be known.
    number: u64,
}

/// A place in the sequence of cut-offs; the default is before the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct CutoffMark(u64);

impl TokenCutoffs {
    /// How many subjects and organizations are kept apart.
    pub fn remembered(&self) -> usize {
        let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
        cut.by_name.len()
    }

    /// Cuts off the tokens of a subject (`clerk|user_...`) or of an organization's members (`org_...`) that
    /// were issued at `at`, in whole seconds, or before.
    ///
    /// When there are too many, everyone's are cut off: nobody's comes to count again.
    pub fn cut_off(&self, name: &str, at: Timestamp) {
        let mut cut = self.cut.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = |known: &CutOff| known.at >= at;
        if cut.everyone.as_ref().is_some_and(is_known)
            || cut.by_name.get(name).is_some_and(is_known)
        {
            return;
        }
        if cut.by_name.len() >= ENTRIES && !cut.by_name.contains_key(name) {
            let oldest = at - LONGEST_LIFE;
            cut.by_name.retain(|_, cut_off| cut_off.at > oldest);
            if cut.by_name.len() >= ENTRIES {
                cut.everyone = cut.everyone.max(cut.by_name.values().copied().max());
                cut.by_name.clear();
            }
        }
        let number = self.known.fetch_add(1, Ordering::AcqRel) + 1;
        cut.by_name.insert(name.to_owned(), CutOff { at, number });
    }

    /// Revokes one token. When there are too many, all of its subject's are cut off up to this one, and nobody
    /// else's.
    pub fn revoke(&self, token: &RevokedToken, now: Timestamp) {
        let is_kept = {
            let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
            let is_kept = revoked.add(token, now - CLOCKS_APART, REVOKED_TOKENS);
            self.revoked_count.store(revoked.len(), Ordering::Release);
            is_kept
        };
        if !is_kept {
            self.cut_off(&token.subject, token.not_before);
        }
    }

    /// Whether the token of this id was revoked.
    pub(crate) fn is_revoked(&self, id: &str) -> bool {
        self.revoked_count.load(Ordering::Acquire) > 0
            && self
                .revoked
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(id)
    }

    /// The moment for another cut-off of `name`: `at`, or just after the one it has.
    pub fn next(&self, name: &str, at: Timestamp) -> Timestamp {
        let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
        let earlier = cut.by_name.get(name);
        let next = earlier.and_then(|earlier| earlier.at.checked_add(Duration::from_nanos(1)).ok());
        next.map_or(at, |next| next.max(at))
    }

    /// Up to here, all that is known has been heeded by a verification that begins now.
    pub fn mark(&self) -> CutoffMark {
        CutoffMark(self.known.load(Ordering::Acquire))
    }

    /// Whether `principal` has been cut off since: what was verified before may not be true any longer.
    pub(super) fn is_news(&self, principal: &Principal, since: CutoffMark) -> bool {
        self.latest(principal)
            .is_some_and(|cut_off| cut_off.number > since.0)
    }

    /// The last second whose tokens do not count for `principal`.
    pub(crate) fn of(&self, principal: &Principal) -> Option<i64> {
        self.latest(principal).map(|cut_off| cut_off.at.as_second())
    }

    /// The cut-off that reaches furthest. Of one that reached further and was known earlier, a later one takes
    /// nothing away.
    fn latest(&self, principal: &Principal) -> Option<CutOff> {
        if self.known.load(Ordering::Acquire) == 0 {
            return None;
        }
        let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &str| cut.by_name.get(name).copied();
        let organization = principal.organization.as_ref();
        let by_organization = organization.and_then(|organization| of(&organization.id));
        let all = [of(&principal.subject), by_organization, cut.everyone];
        let number = all.iter().flatten().map(|cut_off| cut_off.number).max()?;
        let at = all.iter().flatten().map(|cut_off| cut_off.at).max()?;
        Some(CutOff { at, number })
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
    fn many_cut_offs_in_one_second_are_all_news_and_do_not_run_into_the_future() {
        let cutoffs = TokenCutoffs::default();
        let principal = principal("user_1", None);
        for _ in 0..1000 {
            let mark = cutoffs.mark();
            assert!(!cutoffs.is_news(&principal, mark));
            cutoffs.cut_off("clerk|user_1", cutoffs.next("clerk|user_1", at(100)));
            assert!(cutoffs.is_news(&principal, mark));
        }
        assert_eq!(cutoffs.of(&principal), Some(100));
        assert_eq!(cutoffs.next("clerk|user_1", at(200)), at(200));
    }

    #[test]
    fn an_earlier_cut_off_of_the_organization_is_news_too() {
        let cutoffs = TokenCutoffs::default();
        let principal = principal("user_1", Some("org_1"));
        cutoffs.cut_off("clerk|user_1", at(100));
        let mark = cutoffs.mark();
        cutoffs.cut_off("org_1", at(99));
        assert!(cutoffs.is_news(&principal, mark));
        assert_eq!(cutoffs.of(&principal), Some(100));
    }

    #[test]
    fn what_is_known_already_is_no_news() {
        let cutoffs = TokenCutoffs::default();
        cutoffs.cut_off("clerk|user_1", at(100));
        let mark = cutoffs.mark();
        cutoffs.cut_off("clerk|user_1", at(100));
        cutoffs.cut_off("clerk|user_1", at(99));
        assert!(!cutoffs.is_news(&principal("user_1", None), mark));
    }

    #[test]
    fn too_many_cut_offs_cut_off_everyone_rather_than_forget_one() {
        let cutoffs = TokenCutoffs::default();
        for number in 0..=ENTRIES {
            cutoffs.cut_off(&format!("clerk|user_{number}"), at(100));
        }
        assert_eq!(cutoffs.of(&principal("user_0", None)), Some(100));
        assert_eq!(cutoffs.of(&principal("never_named", None)), Some(100));
        // The same once more, as from the store: nobody is cut off any further.
        for number in 0..=ENTRIES {
            cutoffs.cut_off(&format!("clerk|user_{number}"), at(100));
        }
        cutoffs.cut_off("clerk|late", at(200));
        assert_eq!(cutoffs.of(&principal("never_named", None)), Some(100));
    }

    #[test]
    fn too_many_revoked_tokens_cut_off_their_subject_and_nobody_else() {
        let cutoffs = TokenCutoffs::default();
        let token = |number: usize| RevokedToken {
            id: format!("token {number}"),
            subject: "clerk|user_1".to_owned(),
            not_before: at(100),
            expires_at: at(1000),
        };
        for number in 0..REVOKED_TOKENS {
            cutoffs.revoke(&token(number), at(200));
        }
        assert!(cutoffs.is_revoked("token 0") && !cutoffs.is_revoked("another"));
        assert_eq!(cutoffs.of(&principal("user_1", None)), None);
        cutoffs.revoke(&token(REVOKED_TOKENS), at(200));
        assert_eq!(cutoffs.of(&principal("user_1", None)), Some(100));
        assert_eq!(cutoffs.of(&principal("user_2", None)), None);
        assert!(cutoffs.is_revoked("token 0"));
    }

    #[test]
    fn cut_offs_of_tokens_that_have_all_expired_make_room() {
        let cutoffs = TokenCutoffs::default();
        for number in 0..ENTRIES {
            cutoffs.cut_off(&format!("clerk|user_{number}"), at(100));
        }
        let late = 100 + 25 * 3600;
        cutoffs.cut_off("clerk|late", at(late));
        assert_eq!(cutoffs.of(&principal("user_0", None)), None);
        assert_eq!(cutoffs.of(&principal("late", None)), Some(late));
    }

    #[test]
    fn a_revoked_token_is_kept_until_it_has_expired_by_every_clock() {
        let cutoffs = TokenCutoffs::default();
        let token = |number: usize| RevokedToken {
            id: format!("token {number}"),
            subject: "clerk|user_1".to_owned(),
            not_before: at(100),
            expires_at: at(1000),
        };
        // Enough that what has expired is looked for with each.
        for number in 0..5_000 {
            cutoffs.revoke(&token(number), at(1299));
        }
        assert!(cutoffs.is_revoked("token 0"));
        for number in 5_000..20_000 {
            cutoffs.revoke(&token(number), at(1300));
        }
        assert!(!cutoffs.is_revoked("token 0"));
    }
}
