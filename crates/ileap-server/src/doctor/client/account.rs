//! What the place where users live says of one account.

use super::{ACCOUNT, Examination, MembershipReport, UserReport};
use crate::{
    access::Admission,
    clerk::examination::{Examined, Found},
    doctor::{
        judgement::{Blame, Check, Moment},
        own_records::remedy,
    },
    identity::Scopes,
    verify::{RejectReason, VerifiedClient, VerifyError, static_users::StaticUsersVerifier},
};

const ACCESS: &str = "client.access";

impl Examination<'_> {
    /// Whether Clerk lets the account in, and as what.
    pub(super) fn account(&self, found: &Result<Found, VerifyError>) -> Vec<Check> {
        let (identifier, _) = self.client_id.identifier_and_organization();
        let asked = format!("Clerk's users by the exact identifier {identifier}");
        match found {
            Err(error) => vec![
                Check::warning(ACCOUNT, "Clerk could not be asked for this account")
                    .seen(format!("{asked}: {error}"))
                    .advise("see what is said of Clerk's Backend API"),
            ],
            Ok(Found::Nobody) => vec![
                stopped(ACCOUNT, "no user in Clerk has this identifier", &RejectReason::UnknownClient)
                    .seen(format!("{asked}: none")),
            ],
            Ok(Found::Several(ids)) => vec![
                Check::problem(ACCOUNT, Blame::Other, "several users in Clerk have this identifier: none of them can log in with it")
                    .seen(format!("{asked}: {}", ids.join(", ")))
                    .advise("give each of them an e-mail address, phone number or user name of its own in Clerk"),
            ],
            Ok(Found::One(examined)) => self.user_checks(examined),
        }
    }

    fn user_checks(&self, examined: &Examined) -> Vec<Check> {
        let yes = |is: bool| if is { "yes" } else { "no" };
        let user = self.user(examined);
        let lock = match (user.locked, user.locked_until) {
            (false, _) => "no".to_owned(),
            (true, Some(until)) => format!("until {until}"),
            (true, None) => "without an end".to_owned(),
        };
        let evidence = format!(
            "{}: banned {}, locked {lock}, password {}, identifier verified {}, second factor {}, attempts remaining {}",
            user.id,
            yes(user.banned),
            user.password.map_or("unknown", yes),
            yes(user.verified),
            yes(user.second_factor),
            user.attempts_remaining
                .map_or("unlimited".to_owned(), |left| left.to_string()),
        );
        let mut checks = Vec::new();
        if let Some(reason) = &examined.obstacle {
            let finding = match reason {
                RejectReason::Banned => "the user is banned".to_owned(),
                RejectReason::Locked { .. } => format!("the user is locked {lock}"),
                RejectReason::MfaRequired => {
                    "the user has a second factor, which a machine cannot give".to_owned()
                }
                _ => "the identifier is not verified to be the user's".to_owned(),
            };
            checks.push(stopped(ACCOUNT, finding, reason).seen(&evidence));
        }
        if examined.has_password == Some(false) {
            let check = stopped(
                ACCOUNT,
                "the user has no password",
                &RejectReason::NoPassword,
            );
            checks.push(check.seen(&evidence));
        }
        if checks.is_empty() {
            checks.push(Check::ok(ACCOUNT, "the user may log in with its password").seen(evidence));
        }
        checks.push(self.access(examined));
        checks
    }

    /// For which organization and as what.
    fn access(&self, examined: &Examined) -> Check {
        let listed: Vec<_> = match &examined.memberships {
            Ok(_) => self.user(examined).memberships,
            Err(error) => {
                return Check::warning(ACCESS, "the user's organizations cannot be read")
                    .seen(error.to_string())
                    .advise("see what is said of Clerk's Backend API");
            }
        };
        let listed = listed.iter().map(|membership| {
            let name = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
            format!(
                "{} as {}",
                name(&membership.organization),
                name(&membership.role)
            )
        });
        let mut listed = listed.collect::<Vec<_>>().join(", ");
        if listed.is_empty() {
            "none".clone_into(&mut listed);
        }
        let evidence = format!("organizations: {listed}");
        let membership = match &examined.membership {
            Ok(membership) => membership,
            Err(reason) => {
                let finding = "no organization that the user belongs to is the one to act for";
                return stopped(ACCESS, finding, reason).seen(evidence).advise(
                    "name the organization with @SLUG after the client id or in verifier.clerk.organization, and make \
                     the user a member of it",
                );
            }
        };
        let verified = VerifiedClient {
            subject: format!("clerk|{}", examined.record.id),
            client_id: self.client_id.clone(),
            organization: membership.organization.clone(),
            roles: membership.roles.clone(),
        };
        let admission = Admission {
            default_role: self.config.access.default_role,
            allowed_clients: self.config.access.allowed_clients.iter().cloned().collect(),
            ..Admission::default()
        };
        match admission.admit(verified, Scopes::all()) {
            None => Check::problem(ACCESS, Blame::Other, "the user has no role here: a login is refused as no_role")
                .seen(evidence)
                .advise(
                    "give the user one of the roles under access.role_keys (org:ileap_user, ...) in its organization, or \
                     set access.default_role",
                ),
            Some(principal) => {
                let roles: Vec<_> = principal.roles.iter().map(|role| role.as_str()).collect();
                let recipient = principal.recipient();
                Check::ok(ACCESS, format!("it acts as {} for {recipient}", roles.join(" and "))).seen(evidence)
            }
        }
    }

    /// Whether the file of static users names it.
    pub(super) fn static_user(&self) -> Vec<Check> {
        let path = self
            .config
            .verifier
            .static_users_file
            .clone()
            .unwrap_or_default();
        let evidence = path.display().to_string();
        let check = match StaticUsersVerifier::open(path, Box::new(|_| {})) {
            // What is wrong with the file has been said.
            Err(_) => Check::problem(
                ACCOUNT,
                Blame::Configuration,
                "the file of static users cannot be used",
            ),
            Ok(verifier) if verifier.names(self.client_id) => {
                Check::ok(ACCOUNT, "the file of static users names this client")
            }
            Ok(_) => Check::problem(
                ACCOUNT,
                Blame::Other,
                "the file of static users does not name this client",
            )
            .advise("add it: the file is followed while the server runs"),
        };
        vec![check.seen(evidence)]
    }

    /// Clerk's record, for the report.
    pub(super) fn user(&self, examined: &Examined) -> UserReport {
        let record = &examined.record;
        let lock = record.locked();
        let locked_until = match &lock {
            Some(RejectReason::Locked { expires_in }) => {
                expires_in.and_then(|left| self.now.checked_add(left).ok().map(Moment))
            }
            _ => None,
        };
        let memberships = examined.memberships.as_deref().unwrap_or_default();
        UserReport {
            id: record.id.clone(),
            banned: record.is_banned(),
            locked: lock.is_some(),
            locked_until,
            password: examined.has_password,
            verified: examined.is_named,
            second_factor: examined.has_second_factor,
            attempts_remaining: record.attempts_remaining,
            memberships: memberships
                .iter()
                .map(|membership| MembershipReport {
                    organization: membership.organization_name(),
                    role: membership.role.clone(),
                })
                .collect(),
        }
    }
}

fn stopped(name: &'static str, finding: impl Into<String>, reason: &RejectReason) -> Check {
    let check = Check::problem(name, Blame::Other, finding);
    match remedy(reason) {
        Some(remedy) => check.advise(remedy),
        None => check,
    }
}
