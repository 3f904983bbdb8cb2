use serde_json::{Value, json};

use super::*;

fn role_keys() -> BTreeMap<String, Role> {
    BTreeMap::from([
        ("org:ileap_user".to_owned(), Role::User),
        ("org:ileap_all".to_owned(), Role::All),
    ])
}

fn admit_json(session: Value, organization: Option<&str>) -> Result<Membership, RejectReason> {
    let session = serde_json::from_value(session).unwrap();
    let rules = MembershipRules {
        required: organization,
        chosen: None,
        role_keys: &role_keys(),
    };
    admit(&session, &rules)
}

fn choose(
    session: Value,
    required: Option<&str>,
    chosen: &str,
) -> Result<Membership, RejectReason> {
    let session: wire::Session = serde_json::from_value(session).unwrap();
    let rules = MembershipRules {
        required,
        chosen: Some(chosen),
        role_keys: &role_keys(),
    };
    admit(&session, &rules)
}

fn session(user: &Value) -> Value {
    json!({"id": "sess_1", "status": "active", "user": user})
}

fn member_of(organizations: &[(&str, &str, &str)]) -> Value {
    let membership = |(id, slug, role): &(&str, &str, &str)| json!({"role": role, "organization": {"id": id, "slug": slug}});
    let memberships = organizations.iter().map(membership).collect::<Vec<_>>();
    session(&json!({"id": "user_1", "organization_memberships": memberships}))
}

const ACME: (&str, &str, &str) = ("org_acme", "acme", "org:ileap_user");
const OTHER: (&str, &str, &str) = ("org_other", "other", "org:ileap_all");

fn organization_id(membership: Result<Membership, RejectReason>) -> Option<String> {
    membership.unwrap().organization.map(|found| found.id)
}

#[test]
fn the_only_membership_counts_when_none_is_named() {
    let membership = admit_json(member_of(&[ACME]), None).unwrap();
    assert_eq!(membership.roles, BTreeSet::from([Role::User]));
    assert_eq!(membership.organization.unwrap().slug.unwrap(), "acme");
}

#[test]
fn an_account_without_memberships_has_no_roles() {
    let membership = admit_json(member_of(&[]), None).unwrap();
    assert_eq!(membership.organization, None);
    assert!(membership.roles.is_empty());
}

#[test]
fn several_memberships_are_refused_when_none_is_named() {
    assert_eq!(
        admit_json(member_of(&[ACME, OTHER]), None),
        Err(RejectReason::NoOrganization)
    );
}

#[test]
fn the_named_organization_counts_alone_with_its_own_role() {
    for named in ["org_acme", "acme"] {
        let membership = admit_json(member_of(&[OTHER, ACME]), Some(named)).unwrap();
        assert_eq!(membership.roles, BTreeSet::from([Role::User]));
        assert_eq!(organization_id(Ok(membership)).unwrap(), "org_acme");
    }
}

#[test]
fn a_client_of_several_organizations_chooses_one_by_its_slug() {
    let membership = choose(member_of(&[OTHER, ACME]), None, "acme").unwrap();
    assert_eq!(membership.roles, BTreeSet::from([Role::User]));
    assert_eq!(organization_id(Ok(membership)).unwrap(), "org_acme");
    for stranger in ["third", "org_acme", ""] {
        assert_eq!(
            choose(member_of(&[OTHER, ACME]), None, stranger),
            Err(RejectReason::NoOrganization),
            "{stranger}"
        );
    }
}

#[test]
fn a_client_cannot_choose_its_way_out_of_the_required_organization() {
    let both = || member_of(&[OTHER, ACME]);
    assert!(choose(both(), Some("org_acme"), "acme").is_ok());
    assert_eq!(
        choose(both(), Some("org_acme"), "other"),
        Err(RejectReason::NoOrganization)
    );
}

#[test]
fn accounts_outside_the_named_organization_are_refused() {
    for outsider in [member_of(&[]), member_of(&[OTHER])] {
        assert_eq!(
            admit_json(outsider, Some("org_acme")),
            Err(RejectReason::NoOrganization)
        );
    }
}

#[test]
fn a_slug_that_looks_like_the_named_id_does_not_count() {
    let impostor = ("org_evil", "org_acme", "org:ileap_all");
    assert_eq!(
        admit_json(member_of(&[impostor]), Some("org_acme")),
        Err(RejectReason::NoOrganization)
    );
}

#[test]
fn unknown_role_keys_open_nothing() {
    let membership = admit_json(member_of(&[("org_acme", "acme", "org:admin")]), None).unwrap();
    assert!(membership.roles.is_empty());
}

#[test]
fn metadata_opens_nothing() {
    let user = json!({"id": "user_1", "unsafe_metadata": {"role": "all", "roles": ["all"]},
        "public_metadata": {"role": "all"}});
    assert!(admit_json(session(&user), None).unwrap().roles.is_empty());
}

#[test]
fn banned_and_locked_accounts_are_refused() {
    let flags = |flags: Value| admit_json(session(&flags), None).unwrap_err();
    assert_eq!(flags(json!({"banned": true})), RejectReason::Banned);
    assert_eq!(
        flags(json!({"locked": true, "lockout_expires_in_seconds": 60})),
        RejectReason::Locked {
            expires_in: Some(Duration::from_mins(1))
        }
    );
}

#[test]
fn impersonation_is_refused() {
    let mut session = member_of(&[ACME]);
    session["actor"] = json!({"sub": "user_admin"});
    assert_eq!(admit_json(session, None), Err(RejectReason::NotAllowed));
}

#[test]
fn open_tasks_are_refused_except_choosing_an_organization_when_one_is_found() {
    let pending = |organizations, task: &str| {
        let mut session = member_of(organizations);
        session["status"] = json!("pending");
        session["tasks"] = json!([{"key": task}]);
        admit_json(session, None)
    };
    assert!(pending(&[ACME], "choose-organization").is_ok());
    assert_eq!(
        pending(&[], "choose-organization"),
        Err(RejectReason::NoOrganization)
    );
    for task in ["reset-password", "setup-mfa", "something-new"] {
        assert_eq!(pending(&[ACME], task), Err(RejectReason::SessionTask));
    }
}

#[test]
fn a_pending_session_that_does_not_say_why_is_refused() {
    let pending = json!({"status": "pending", "user": {"id": "user_1"}});
    assert_eq!(admit_json(pending, None), Err(RejectReason::SessionTask));
}

#[test]
fn a_session_in_any_other_state_is_refused() {
    for status in [
        "ended",
        "expired",
        "removed",
        "abandoned",
        "replaced",
        "revoked",
        "new",
    ] {
        let session = json!({"status": status, "user": {"id": "user_1"}});
        assert_eq!(admit_json(session, None), Err(RejectReason::UnknownStatus));
    }
}
