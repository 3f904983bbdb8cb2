//! The claims of session tokens, in their second version.

use serde_json::{Map, Value, json};

use crate::{
    account::Membership,
    answer::with,
    errors::Refusal,
    frontend::{Call, authorized_party},
    keys::TokenClass,
};

/// How long a token is good, in seconds, unless another time is asked for.
pub(crate) const LIFETIME: u64 = 60;
/// How far `nbf` lies before `iat`, in seconds.
const SKEW: u64 = 10;

/// A token for the session, good for `seconds`, with this organization active.
pub(crate) fn sign(
    call: &mut Call<'_>,
    session_id: &str,
    organization: Option<&str>,
    seconds: u64,
) -> Result<String, Refusal> {
    let mut claims = common(call, session_id, seconds)?;
    let session = call.world.sessions.get(session_id);
    let session = session.ok_or_else(Refusal::internal)?;
    let minutes = |since: u64| call.now.saturating_sub(since) / 60_000;
    let second = session.second_factor_at.map(minutes);
    claims.insert("v".to_owned(), json!(2));
    claims.insert("sid".to_owned(), json!(session_id));
    claims.insert("sts".to_owned(), json!(session.status(call.now).as_str()));
    claims.insert(
        "fva".to_owned(),
        json!([
            json!(minutes(session.created_at)),
            second.map_or(json!(-1), Value::from)
        ]),
    );
    let account = call.world.accounts.get(&session.user_id);
    let membership = organization
        .zip(account)
        .and_then(|(organization, account)| {
            let mut memberships = account.memberships.iter();
            memberships.find(|membership| membership.organization_id == organization)
        });
    if let Some(membership) = membership {
        let organization = call.world.organizations.find(&membership.organization_id);
        let slug = organization.map(|organization| organization.slug.as_str());
        claims.extend(organization_claims(membership, slug));
    }
    signed(call, TokenClass::Session, claims)
}

/// A token of a JWT template without claims of its own: it names the user only.
pub(crate) fn sign_template(
    call: &mut Call<'_>,
    session_id: &str,
    seconds: u64,
) -> Result<String, Refusal> {
    let claims = common(call, session_id, seconds)?;
    signed(call, TokenClass::Template, claims)
}

fn signed(
    call: &Call<'_>,
    class: TokenClass,
    claims: Map<String, Value>,
) -> Result<String, Refusal> {
    let (kid, claims) = (&call.shared.instance_id, Value::Object(claims));
    let token = call.world.key.sign(kid, class, &claims);
    token.map_err(|_| Refusal::internal())
}

fn common(
    call: &mut Call<'_>,
    session_id: &str,
    seconds: u64,
) -> Result<Map<String, Value>, Refusal> {
    let session = call.world.sessions.get(session_id);
    let user_id = session.map(|session| session.user_id.clone());
    let issued_at = call.now / 1_000;
    let mut claims = Map::new();
    for (name, value) in [
        ("iss", json!(call.shared.origin)),
        ("sub", json!(user_id.ok_or_else(Refusal::internal)?)),
        ("iat", json!(issued_at)),
        ("nbf", json!(issued_at.saturating_sub(SKEW))),
        ("exp", json!(issued_at.saturating_add(seconds))),
        ("jti", json!(call.world.ids.word(20))),
    ] {
        claims.insert(name.to_owned(), value);
    }
    if let Some(party) = authorized_party(call) {
        claims.insert("azp".to_owned(), json!(party));
    }
    Ok(claims)
}

/// `o` and `fea`: permissions are packed as one list of features, one of permissions, and for each feature
/// the set of its permissions as bits.
fn organization_claims(
    membership: &Membership,
    slug: Option<&str>,
) -> impl Iterator<Item = (String, Value)> {
    let mut features: Vec<(&str, u64)> = Vec::new();
    let mut permissions: Vec<&str> = Vec::new();
    for permission in &membership.permissions {
        let parts: Vec<_> = permission.split(':').collect();
        let ["org", feature, name] = parts.as_slice() else {
            continue;
        };
        // Clerk's own permissions are never in tokens.
        if feature.starts_with("sys_") {
            continue;
        }
        let bit = permissions.iter().position(|known| known == name);
        let bit = bit.unwrap_or_else(|| {
            permissions.push(name);
            permissions.len() - 1
        });
        let bit = u32::try_from(bit).map_or(0, |bit| 1_u64.checked_shl(bit).unwrap_or(0));
        match features.iter_mut().find(|(known, _)| known == feature) {
            Some((_, bits)) => *bits |= bit,
            None => features.push((feature, bit)),
        }
    }
    let mut organization = json!({
        "id": membership.organization_id,
        "slg": slug,
        "rol": membership.role.trim_start_matches("org:"),
    });
    let mut list = None;
    if !features.is_empty() {
        let names: Vec<_> = features
            .iter()
            .map(|(name, _)| format!("o:{name}"))
            .collect();
        let maps: Vec<_> = features.iter().map(|(_, bits)| bits.to_string()).collect();
        organization = with(organization, "per", json!(permissions.join(",")));
        organization = with(organization, "fpm", json!(maps.join(",")));
        list = Some(("fea".to_owned(), json!(names.join(","))));
    }
    std::iter::once(("o".to_owned(), organization)).chain(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_packed_by_feature() {
        let membership = Membership {
            id: "orgmem_1".to_owned(),
            organization_id: "org_1".to_owned(),
            role: "org:ileap_all".to_owned(),
            permissions: [
                "org:dashboard:manage",
                "org:dashboard:read",
                "org:teams:read",
                "org:sys_memberships:read",
            ]
            .map(str::to_owned)
            .to_vec(),
            metadata: crate::account::Metadata::default(),
            created_at: 0,
            updated_at: 0,
        };
        let claims: Map<_, _> = organization_claims(&membership, Some("acme")).collect();
        assert_eq!(claims["fea"], "o:dashboard,o:teams");
        assert_eq!(
            claims["o"],
            json!({"id": "org_1", "slg": "acme", "rol": "ileap_all", "per": "manage,read", "fpm": "3,2"})
        );
    }
}
