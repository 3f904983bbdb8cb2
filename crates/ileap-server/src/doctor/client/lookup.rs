//! Who a client is, and what its account is called.

use tokio::time::Instant;

use crate::{
    clerk::{
        account::MembershipRules,
        examination::{self, Examined, Found},
        user_record::SecondFactor,
    },
    config::{Config, VerifierKind},
    doctor::clerk::Clerk,
    identity::ClientId,
    verify::{AccountKey, VerifyError, unavailable},
};

/// The names of one account.
pub(super) struct Keys {
    pub(super) counted: AccountKey,
    pub(super) others: Vec<AccountKey>,
}

/// The names under which something may be recorded of a client.
pub(super) fn keys(client_id: &ClientId, examined: Option<&Examined>, kind: VerifierKind) -> Keys {
    let (identifier, _) = client_id.identifier_and_organization();
    let by_identifier = AccountKey::of_identifier(identifier);
    let subject = match (kind, examined) {
        (VerifierKind::StaticUsers, _) => Some(format!("static|{}", client_id.as_str())),
        (_, Some(examined)) => Some(format!("clerk|{}", examined.record.id)),
        (_, None) => None,
    };
    let by_subject = subject.map(|subject| AccountKey::of_subject(&subject));
    match (kind, by_subject) {
        (VerifierKind::ClerkFrontend, by_subject) => Keys {
            counted: by_identifier,
            others: by_subject.into_iter().collect(),
        },
        (_, Some(counted)) => Keys {
            counted,
            others: vec![by_identifier],
        },
        (_, None) => Keys {
            counted: by_identifier,
            others: Vec::new(),
        },
    }
}

/// Who has the identifier; `None` where the Backend API is not configured.
pub(super) async fn find(
    client_id: &ClientId,
    clerk: Option<&Clerk>,
    config: &Config,
) -> Option<Result<Found, VerifyError>> {
    let backend = clerk?.backend.as_ref()?;
    let (identifier, chosen) = client_id.identifier_and_organization();
    let section = &config.verifier.clerk;
    let rules = MembershipRules {
        required: section.organization.as_deref(),
        chosen,
        role_keys: &config.access.role_keys,
    };
    let is_waived = config.verifier.kind == VerifierKind::ClerkBackend && section.allow_mfa_users;
    let second_factor = if is_waived {
        SecondFactor::Waived
    } else {
        SecondFactor::Required
    };
    let deadline = Instant::now() + section.timeout;
    let Some(api) = &backend.api else {
        return Some(Err(unavailable("tls")));
    };
    Some(examination::examine(api, identifier, &rules, second_factor, deadline).await)
}
