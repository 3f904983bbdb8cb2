//! What a task has to know, as it is kept.

use std::collections::{BTreeSet, HashSet, VecDeque};

use bytes::Bytes;
use ileap_types::pact::{event::CloudEvent, v2::PfId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::identity::{ClientId, Organization, Principal, Role, Scopes};

/// A received event, with who sent it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Received {
    event: Box<RawValue>,
    sender: Sender,
}

/// A principal, as it was when the event came.
#[derive(Debug, Deserialize, Serialize)]
struct Sender {
    subject: String,
    client_id: String,
    organization: Option<String>,
    organization_slug: Option<String>,
    roles: BTreeSet<String>,
}

impl Received {
    /// The task's input; `None` when the body is no JSON, which a validated event's is.
    pub(super) fn keep(body: &Bytes, sender: &Principal) -> Option<Bytes> {
        let organization = sender.organization.as_ref();
        let received = Self {
            event: serde_json::from_slice(body).ok()?,
            sender: Sender {
                subject: sender.subject.clone(),
                client_id: sender.client_id.as_str().to_owned(),
                organization: organization.map(|organization| organization.id.clone()),
                organization_slug: organization.and_then(|organization| organization.slug.clone()),
                roles: sender
                    .roles
                    .iter()
                    .map(|role| role.as_str().to_owned())
                    .collect(),
            },
        };
        serde_json::to_vec(&received).ok().map(Bytes::from)
    }

    /// Reads it back; `None` when an older or newer version has written it in another form.
    pub(super) fn read(input: &[u8]) -> Option<(CloudEvent, Principal)> {
        let Self { event, sender } = serde_json::from_slice(input).ok()?;
        let roles: BTreeSet<Role> = sender
            .roles
            .iter()
            .filter_map(|role| role.parse().ok())
            .collect();
        let principal = Principal {
            subject: sender.subject,
            client_id: ClientId::new(sender.client_id)?,
            organization: sender.organization.map(|id| Organization {
                id,
                slug: sender.organization_slug,
            }),
            roles,
            scopes: Scopes::all(),
        };
        Some((
            CloudEvent::parse_v2(event.get().as_bytes()).ok()?,
            principal,
        ))
    }
}

/// How many footprints one task fetches: what fails later does not begin again with what was fetched before.
const FETCHED_AT_ONCE: usize = 50;

/// Footprints that are still to be fetched.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Fetching {
    pub(super) source: String,
    pub(super) pf_ids: VecDeque<PfId>,
}

impl Fetching {
    /// The inputs of the tasks that fetch these, each once.
    pub(super) fn in_parts(source: &str, pf_ids: &[PfId]) -> impl Iterator<Item = Bytes> {
        let mut seen = HashSet::new();
        let is_new = |id: &&PfId| seen.insert(**id);
        let pf_ids: Vec<PfId> = pf_ids.iter().filter(is_new).copied().collect();
        let parts: Vec<Bytes> = pf_ids
            .chunks(FETCHED_AT_ONCE)
            .filter_map(|part| Self::of(source, part.iter().copied().collect()).keep())
            .collect();
        parts.into_iter()
    }

    fn of(source: &str, pf_ids: VecDeque<PfId>) -> Self {
        Self {
            source: source.to_owned(),
            pf_ids,
        }
    }

    /// As it is kept.
    pub(super) fn keep(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }

    /// Reads it back.
    pub(super) fn read(input: &[u8]) -> Option<Self> {
        serde_json::from_slice(input).ok()
    }
}
