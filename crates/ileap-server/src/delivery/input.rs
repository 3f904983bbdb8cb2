//! What a task has to know, as it is kept.

use std::collections::BTreeSet;

use bytes::Bytes;
use ileap_types::pact::event::CloudEvent;
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
