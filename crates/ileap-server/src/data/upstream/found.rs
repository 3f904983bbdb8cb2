//! Objects on their way from the service's pages into one of ours.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{BufMut as _, BytesMut};
use serde::de::{
    DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Deserializer, value::RawValue};
use tokio::task::spawn_blocking;

use super::{
    answer::{LIST_LIMIT_BYTES, List},
    judgement::{Judge, Judged, Refusals},
    unavailable,
};
use crate::data::SourceError;

/// A page of ours that is being filled.
pub(super) struct Found {
    count: usize,
    limit: usize,
    /// So many of those that the caller may see are still to be passed over.
    pub(super) offset: u32,
    pub(super) objects: BytesMut,
    pub(super) refusals: Refusals,
}

impl Found {
    pub(super) fn up_to(limit: usize, offset: u32) -> Self {
        Self {
            count: 0,
            limit,
            offset,
            objects: BytesMut::new(),
            refusals: Refusals::default(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == self.limit || self.objects.len() >= LIST_LIMIT_BYTES
    }

    /// Takes what may be served, from `skip` on, until there is enough; says where the first stands that found
    /// no room. Parsing and judging keep a processor busy, so they happen on a thread for such work; when nobody
    /// waits for the answer any longer, they end with the object they are at.
    pub(super) async fn fill(
        self,
        list: List,
        skip: usize,
        judge: Arc<Judge>,
    ) -> Result<(Self, Option<usize>), SourceError> {
        let awaited = Awaited::default();
        let is_abandoned = Arc::clone(&awaited.is_abandoned);
        let filling = spawn_blocking(move || self.filled(&list.body, skip, &judge, &is_abandoned));
        let filled = filling.await;
        let filled = filled.map_err(|_| unavailable("judging it failed"))?;
        filled.map_err(|_| unavailable("it answered no list of PACT's form"))
    }

    /// The same on this thread.
    pub(super) fn filled(
        self,
        body: &[u8],
        skip: usize,
        judge: &Judge,
        is_abandoned: &AtomicBool,
    ) -> Result<(Self, Option<usize>), serde_json::Error> {
        let mut filling = Filling {
            found: self,
            judge,
            skip,
            rest: None,
            is_abandoned,
        };
        let read = filling.read(body);
        let Filling { found, rest, .. } = filling;
        read.map(|()| (found, rest))
    }

    fn take(&mut self, judged: Judged) {
        match judged {
            Judged::Serve(_) if self.offset > 0 => self.offset -= 1,
            Judged::Serve(object) => self.push(&object),
            Judged::Hide => {}
            Judged::Refuse(refusal) => self.refusals.add(refusal),
        }
    }

    fn push(&mut self, object: &[u8]) {
        if self.count > 0 {
            self.objects.put_u8(b',');
        }
        self.objects.put_slice(object);
        self.count += 1;
    }
}

/// Somebody waits; when this is dropped, nobody does.
#[derive(Default)]
struct Awaited {
    is_abandoned: Arc<AtomicBool>,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }
}

/// One list on its way, object by object: no more than one is parsed at a time.
struct Filling<'a> {
    found: Found,
    judge: &'a Judge,
    skip: usize,
    /// The first that found no room.
    rest: Option<usize>,
    is_abandoned: &'a AtomicBool,
}

impl Filling<'_> {
    /// Reads `{"data": [...]}` to its end, also when there is enough: half a list is none.
    fn read(&mut self, body: &[u8]) -> Result<(), serde_json::Error> {
        let mut deserializer = Deserializer::from_slice(body);
        deserializer.deserialize_map(Envelope(self))?;
        deserializer.end()
    }
}

struct Envelope<'f, 'a>(&'f mut Filling<'a>);

impl<'de> Visitor<'de> for Envelope<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut has_data = false;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            if name != "data" {
                members.next_value::<IgnoredAny>()?;
            } else if has_data {
                return Err(A::Error::duplicate_field("data"));
            } else {
                has_data = true;
                members.next_value_seed(Objects(self.0))?;
            }
        }
        if has_data {
            Ok(())
        } else {
            Err(A::Error::missing_field("data"))
        }
    }
}

struct Objects<'f, 'a>(&'f mut Filling<'a>);

impl<'de> DeserializeSeed<'de> for Objects<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self(filling) = self;
        let mut index = 0_usize;
        while let Some(object) = list.next_element::<&'de RawValue>()? {
            if filling.is_abandoned.load(Ordering::Relaxed) {
                return Err(A::Error::custom("nobody waits for it"));
            }
            if index >= filling.skip && filling.rest.is_none() {
                if filling.found.is_full() {
                    filling.rest = Some(index);
                } else {
                    filling.found.take(filling.judge.judge(object));
                }
            }
            index += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
