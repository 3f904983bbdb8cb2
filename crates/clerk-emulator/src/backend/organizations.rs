//! Organizations.

use serde_json::{Value, json};

use super::users::values;
use crate::{
    errors::Refusal, frontend::Call, organization::Organization,
    shapes::backend::backend_organization, users::EmulatorMembership,
};

/// The role of whoever makes an organization.
const CREATOR_ROLE: &str = "org:admin";

/// `GET /v1/organizations`
pub(super) fn list(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let part = call.query.get("query").unwrap_or_default().to_lowercase();
    let users = values(&call.query, "user_id")?;
    let is_found = |organization: &&Organization| {
        let texts = [&organization.id, &organization.name, &organization.slug];
        let has_member = |user: &String| {
            let account = call.world.accounts.get(user);
            account.is_some_and(|account| account.membership(&organization.id).is_some())
        };
        texts.iter().any(|text| text.to_lowercase().contains(&part))
            && (users.is_empty() || users.iter().any(has_member))
    };
    let found: Vec<_> = call.world.organizations.values().filter(is_found).collect();
    let total = found.len();
    let page = call.query.page()?.of(found.into_iter());
    let page = page.map(backend_organization);
    Ok(json!({"data": page.collect::<Vec<_>>(), "total_count": total}))
}

/// `POST /v1/organizations`
pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let name = call.json.required("name")?.to_owned();
    let slug = match call.json.filled("slug")? {
        Some(slug) => free_slug(call, slug, None)?,
        None => derived_slug(call, &name),
    };
    let creator = call.json.filled("created_by")?.map(str::to_owned);
    if let Some(creator) = &creator {
        let account = call.world.accounts.get(creator);
        account.ok_or_else(|| Refusal::new("resource_not_found").param("created_by"))?;
    }
    let change = Change::read(call)?;
    let now = call.now;
    let mut organization = Organization::new(&slug, &mut call.world.ids, now);
    organization.created_by.clone_from(&creator);
    change.noted(&mut organization);
    let id = call.world.create_organization(organization);
    if let Some(creator) = creator {
        let membership = EmulatorMembership::new(&id, CREATOR_ROLE);
        call.world.create_membership(&creator, membership, now);
    }
    shown(call, &id)
}

/// `GET /v1/organizations/{organization_id}`, by id or slug
pub(super) fn get(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = named(call)?.id.clone();
    shown(call, &id)
}

/// `PATCH /v1/organizations/{organization_id}`
pub(super) fn update(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = named(call)?.id.clone();
    let slug = match call.json.filled("slug")? {
        Some(slug) => Some(free_slug(call, slug, Some(&id))?),
        None => None,
    };
    let change = Change::read(call)?;
    call.world
        .update_organization(&id, call.now, |organization| {
            if let Some(slug) = slug {
                organization.slug = slug;
            }
            change.noted(organization);
        });
    shown(call, &id)
}

/// `DELETE /v1/organizations/{organization_id}`
pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = named(call)?.id.clone();
    call.world.delete_organization(&id, call.now);
    Ok(json!({"object": "organization", "id": id, "deleted": true}))
}

/// The organization whose id or slug the path names.
pub(super) fn named<'a>(call: &'a Call<'_>) -> Result<&'a Organization, Refusal> {
    let organization = call.world.organizations.find(call.path_id(0));
    organization.ok_or_else(|| Refusal::new("resource_not_found"))
}

fn shown(call: &Call<'_>, id: &str) -> Result<Value, Refusal> {
    let organization = call.world.organizations.find(id);
    let organization = organization.ok_or_else(Refusal::internal)?;
    Ok(backend_organization(organization))
}

fn free_slug(call: &Call<'_>, slug: &str, own_id: Option<&str>) -> Result<String, Refusal> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if !slug.chars().all(is_plain) {
        return Err(Refusal::new("form_param_format_invalid").param("slug"));
    }
    let other = call.world.organizations.find(slug);
    if other.is_some_and(|other| Some(other.id.as_str()) != own_id) {
        return Err(Refusal::new("form_identifier_exists").param("slug"));
    }
    Ok(slug.to_owned())
}

/// The name in small letters, digits and hyphens, with a word behind it if that is taken.
fn derived_slug(call: &mut Call<'_>, name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let slug: String = name.chars().map(plain).collect();
    if call.world.organizations.find(&slug).is_none() {
        return slug;
    }
    let word = call.world.ids.word(10).to_lowercase();
    format!("{slug}-{word}")
}

/// What is noted about an organization besides its slug.
struct Change {
    name: Option<String>,
    max_memberships: Option<u64>,
    metadata: [Option<serde_json::Map<String, Value>>; 3],
}

impl Change {
    fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            name: call.json.filled("name")?.map(str::to_owned),
            max_memberships: call.json.number("max_allowed_memberships")?,
            metadata: [
                call.json.object("public_metadata")?,
                call.json.object("private_metadata")?,
                None,
            ],
        })
    }

    fn noted(self, organization: &mut Organization) {
        if let Some(name) = self.name {
            organization.name = name;
        }
        if let Some(most) = self.max_memberships {
            organization.max_memberships = most;
        }
        organization.metadata.replace(self.metadata);
    }
}
