//! What this deployment itself remembers of a client's logins.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    judgement::{Blame, Check, Moment},
    local::StoreState,
};
use crate::{
    config::Config,
    store::logins::{LoginRecord, LoginRecords as _, RefusedLogin},
    verify::{AccountKey, RejectReason, budget::strangers_share},
};

const BUDGET: &str = "client.failures";
const LAST_LOGIN: &str = "client.last_login";
const REFUSALS: &str = "client.refusals";
/// Refusals shown.
const SHOWN: usize = 10;

/// Failures counted in advance of Clerk's lockout.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Failures {
    /// Since the last success.
    pub counted: u32,
    /// How many may reach Clerk; `None` where that is not known or not limited.
    pub allowed: Option<u32>,
}

/// The last login that was verified.
#[derive(Clone, Debug, Serialize)]
pub struct LastLogin {
    /// When.
    pub at: Moment,
    /// From which address, or which /64 network of IPv6.
    pub origin: String,
    /// Until when a server answers the same credentials from memory, if that is still to come.
    pub remembered_until: Option<Moment>,
}

/// A login that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    /// When.
    pub at: Moment,
    /// From which address, or which /64 network of IPv6.
    pub origin: String,
    /// Why: the same word as in the log.
    pub reason: String,
    /// What can be done about it.
    pub remedy: Option<&'static str>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct OwnRecords {
    pub(super) failures: Failures,
    pub(super) last_login: Option<LastLogin>,
    pub(super) refusals: Vec<Refusal>,
}

/// Whose records are read, and how they are judged.
pub(super) struct Question<'a> {
    /// The account that failures are counted against.
    pub(super) counted: &'a AccountKey,
    /// The other names that the client's logins may be recorded under.
    pub(super) others: &'a [AccountKey],
    /// How many failures of it may reach Clerk.
    pub(super) allowed: Option<u32>,
    pub(super) config: &'a Config,
    pub(super) now: Timestamp,
}

/// Reads what is recorded; the error says why nothing can be read.
pub(super) async fn read(
    store: &StoreState,
    question: &Question<'_>,
) -> Result<OwnRecords, String> {
    let store = match store {
        StoreState::Open(store) => store,
        StoreState::Closed(why) => return Err((*why).to_owned()),
        StoreState::Missing => return Err("there is no database yet".to_owned()),
    };
    let failed = |error: crate::store::StoreError| error.with_cause();
    let own = store.login_record(question.counted).await.map_err(failed)?;
    let failures = Failures {
        counted: own.failures,
        allowed: question.allowed,
    };
    let mut records = vec![own];
    for key in question.others {
        records.push(store.login_record(key).await.map_err(failed)?);
    }
    Ok(OwnRecords {
        failures,
        last_login: last_login(&records, question),
        refusals: refusals(records),
    })
}

fn last_login(records: &[LoginRecord], question: &Question<'_>) -> Option<LastLogin> {
    let verified = records.iter().filter_map(|record| record.verified.as_ref());
    let (at, origin) = verified.max_by_key(|(at, _)| *at)?;
    let fresh_for = question.config.verifier.known_good.fresh_for;
    let fresh_for = SignedDuration::try_from(fresh_for).unwrap_or(SignedDuration::MAX);
    let until = at.checked_add(fresh_for).unwrap_or(Timestamp::MAX);
    Some(LastLogin {
        at: Moment(*at),
        origin: origin.clone(),
        remembered_until: (until > question.now).then_some(Moment(until)),
    })
}

fn refusals(records: Vec<LoginRecord>) -> Vec<Refusal> {
    let refusals = records.into_iter().flat_map(|record| record.refusals);
    let mut refusals: Vec<RefusedLogin> = refusals.collect();
    refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.at));
    refusals.truncate(SHOWN);
    let shown = refusals.into_iter().map(|refusal| Refusal {
        at: Moment(refusal.at),
        origin: refusal.origin,
        remedy: remedy_of(&refusal.reason),
        reason: refusal.reason,
    });
    shown.collect()
}

impl OwnRecords {
    /// What they say about the next login.
    pub(super) fn checks(&self, config: &Config, account: &AccountKey) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.extend(self.budget(config, account));
        checks.push(self.last_login());
        checks.extend(self.last_refusal());
        checks
    }

    fn budget(&self, config: &Config, account: &AccountKey) -> Option<Check> {
        if !config.verifier.budget.enabled {
            let check = Check::note(BUDGET, "failures are not limited here");
            return Some(check.seen("verifier.budget.enabled is false"));
        }
        let Failures { counted, allowed } = self.failures;
        let allowed = allowed?;
        let share = strangers_share(allowed);
        let evidence = format!("{counted} of {share} failures counted for {account}");
        let check = if allowed == 0 {
            Check::problem(
                BUDGET,
                Blame::Other,
                "Clerk would lock the account at the next failure: no login is tried that is not known to be good",
            )
            .advise("unlock the user in the Clerk dashboard, which gives it all its attempts again")
        } else if counted < share {
            let left = share - counted;
            Check::ok(BUDGET, format!("{left} more failures may reach Clerk"))
        } else {
            Check::problem(
                BUDGET,
                Blame::Other,
                "the failures that may reach Clerk are used up: only credentials that servers remember still work, and \
                 one try an hour from an address that has logged in before",
            )
            .advise("find out who sends the wrong secret (the refusals say from where), then clear them with --forget")
        };
        Some(check.seen(evidence))
    }

    fn last_login(&self) -> Check {
        let Some(login) = &self.last_login else {
            return Check::note(LAST_LOGIN, "no login of this client is recorded");
        };
        let LastLogin { at, origin, .. } = login;
        let evidence = match login.remembered_until {
            Some(until) => format!(
                "{at} from {origin}; the same credentials are answered from memory until {until}"
            ),
            None => format!("{at} from {origin}; the next login is verified afresh"),
        };
        Check::ok(LAST_LOGIN, "this client has logged in").seen(evidence)
    }

    fn last_refusal(&self) -> Option<Check> {
        let last = self.refusals.first()?;
        let Refusal {
            at, origin, reason, ..
        } = last;
        let since = self.last_login.as_ref().is_none_or(|login| login.at < *at);
        let finding = format!("the last refusal was for {reason}");
        let check = if since {
            Check::warning(REFUSALS, finding)
        } else {
            Check::note(
                REFUSALS,
                format!("{finding}, and a login after it succeeded"),
            )
        };
        let check = check.seen(format!(
            "{at} from {origin}, {} recorded",
            self.refusals.len()
        ));
        Some(match last.remedy {
            Some(remedy) => check.advise(remedy),
            None => check,
        })
    }
}

/// What can be done about a refusal of this name.
pub(super) fn remedy_of(name: &str) -> Option<&'static str> {
    use RejectReason as Reason;
    let all = [
        Reason::Banned,
        Reason::DeviceTrust,
        Reason::Locked { expires_in: None },
        Reason::MfaRequired,
        Reason::NewPasswordRequired,
        Reason::NoOrganization,
        Reason::NoPassword,
        Reason::NotAllowed,
        Reason::ProtectCheck,
        Reason::SecretCompromised,
        Reason::SessionTask,
        Reason::UnknownClient,
        Reason::UnknownStatus,
        Reason::WrongSecret,
    ];
    all.iter()
        .find(|reason| reason.as_str() == name)
        .and_then(remedy)
}

/// The same, with what is the partner's own business as long as nobody asks.
pub(super) fn remedy(reason: &RejectReason) -> Option<&'static str> {
    match reason {
        RejectReason::Banned => {
            Some("unban the user in the Clerk dashboard, if the partner is to come back")
        }
        RejectReason::Locked { .. } => Some(
            "wait until the lock ends, or unlock the user in the Clerk dashboard; find out who sends wrong passwords",
        ),
        RejectReason::NoPassword => Some("give the user a password in the Clerk dashboard"),
        RejectReason::UnknownClient => Some(
            "make the user in Clerk with this identifier, or tell the partner which client id is right",
        ),
        RejectReason::WrongSecret => Some(
            "the partner sends another secret than the account's: compare, or set a new password in Clerk and pass it on",
        ),
        other => other.remedy(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_that_is_recorded_has_a_remedy() {
        for name in [
            "banned",
            "device_trust",
            "locked",
            "mfa_required",
            "new_password_required",
            "no_organization",
            "no_password",
            "not_allowed",
            "protect_check",
            "secret_compromised",
            "session_task",
            "unknown_client",
            "unknown_status",
            "wrong_secret",
        ] {
            assert!(remedy_of(name).is_some(), "{name}");
        }
        assert_eq!(remedy_of("something_new"), None);
    }
}
