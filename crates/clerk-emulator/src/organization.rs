//! The organizations of a run.

use crate::{account::Metadata, ids::Ids};

/// An organization.
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    pub(crate) created_by: Option<String>,
    /// 0 for no limit.
    pub(crate) max_memberships: u64,
    /// How many accounts belong to it.
    pub(crate) members: u64,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

impl Organization {
    /// One with nothing but a name.
    pub(crate) fn new(slug: &str, ids: &mut Ids, now: u64) -> Self {
        Self {
            id: ids.object("org"),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            metadata: Metadata::default(),
            created_by: None,
            max_memberships: 0,
            members: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

/// All organizations, the oldest first.
#[derive(Default)]
pub(crate) struct Organizations(Vec<Organization>);

impl Organizations {
    pub(crate) fn add(&mut self, organization: Organization) {
        self.0.push(organization);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.retain(|organization| organization.id != id);
    }

    /// By id or slug.
    pub(crate) fn find(&self, name: &str) -> Option<&Organization> {
        self.0
            .iter()
            .find(|organization| organization.id == name || organization.slug == name)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Organization> {
        self.0.iter_mut().find(|organization| organization.id == id)
    }

    /// The newest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Organization> {
        self.0.iter().rev()
    }
}
