//! What Clerk's directory says of one account, for the operator. Asked without a password.

use tokio::time::{Instant, timeout_at};

use super::{
    account::{Membership, MembershipRules},
    backend::BackendApi,
    call::CallError,
    failure::{failed, refusal},
    login_name::LoginName,
    user_record::{SecondFactor, UserRecord},
    wire,
};
use crate::verify::{RejectReason, VerifyError, unavailable};

/// Who has an identifier.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nobody, or it is no name to log in with.
    Nobody,
    /// One user.
    One(Box<Examined>),
    /// Several, with their ids.
    Several(Vec<String>),
}

/// One user.
#[derive(Debug)]
pub(crate) struct Examined {
    /// Its record, as a login reads it.
    pub(crate) record: UserRecord,
    /// Whether it has a password, where that is said.
    pub(crate) has_password: Option<bool>,
    /// Whether the name it was found by is proved to be its own.
    pub(crate) is_named: bool,
    /// Whether a second factor is set up.
    pub(crate) has_second_factor: bool,
    /// Why it may not log in though its password be right.
    pub(crate) obstacle: Option<RejectReason>,
    /// Its organizations, or why they are not known.
    pub(crate) memberships: Result<Vec<wire::OrganizationMembership>, VerifyError>,
    /// The one that counts.
    pub(crate) membership: Result<Membership, RejectReason>,
}

/// Looks up who has `identifier`, and everything about that user that a login depends on.
pub(crate) async fn examine(
    api: &BackendApi,
    identifier: &str,
    rules: &MembershipRules<'_>,
    second_factor: SecondFactor,
    deadline: Instant,
) -> Result<Found, VerifyError> {
    let asked = look(api, identifier, rules, second_factor, deadline);
    timeout_at(deadline, asked)
        .await
        .map_err(|_| unavailable("timeout"))?
}

async fn look(
    api: &BackendApi,
    identifier: &str,
    rules: &MembershipRules<'_>,
    second_factor: SecondFactor,
    deadline: Instant,
) -> Result<Found, VerifyError> {
    let name = LoginName::of(identifier);
    if name.is_id() {
        return Ok(Found::Nobody);
    }
    let users = match api.users_by(&name, deadline).await {
        Err(error) if refusal(&error).is_some() => return Ok(Found::Nobody),
        users => users.map_err(|error| failed(&error))?,
    };
    let user = match users.as_slice() {
        [] => return Ok(Found::Nobody),
        [user] => user,
        several => {
            let ids = several.iter();
            let ids = ids.filter_map(|user| wire::word(user.id.as_deref()));
            return Ok(Found::Several(ids.collect()));
        }
    };
    let record = UserRecord::read(&name, user).ok_or_else(|| unavailable("malformed"))?;
    let memberships = memberships(api, &record.id, deadline).await;
    let membership = rules.choose(memberships.as_deref().unwrap_or_default());
    Ok(Found::One(Box::new(Examined {
        has_password: user.password_enabled,
        is_named: name.belongs_to(user),
        has_second_factor: user.two_factor_enabled,
        obstacle: record.obstacle(second_factor),
        memberships,
        membership,
        record,
    })))
}

async fn memberships(
    api: &BackendApi,
    id: &str,
    deadline: Instant,
) -> Result<Vec<wire::OrganizationMembership>, VerifyError> {
    match api.organization_memberships(id, deadline).await {
        Err(CallError::Refused(refused)) if refused.is_without_organizations() => Ok(Vec::new()),
        memberships => memberships.map_err(|error| failed(&error)),
    }
}
