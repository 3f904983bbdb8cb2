//! Writing footprints.

use std::collections::HashMap;

use ileap_types::{
    datetime::DateTime,
    extension::IleapObject,
    pact::v2::{ProductFootprint, Status},
};
use serde::Deserialize as _;

use super::{
    Import, Outcome,
    rows::{Rows, about},
    unacceptable, unwritten,
};
use crate::store::{
    ImportObject, StoreError,
    sql::{
        grants,
        statement::{Value, sql},
        unavailable,
    },
};

/// A footprint as it is stored.
struct Known {
    version: i64,
    created: i64,
    updated: Option<i64>,
    is_deprecated: bool,
    kind: String,
    object_id: Option<String>,
    json: Vec<u8>,
}

/// A footprint to be written, with its place in the import.
struct Footprint<'a> {
    index: usize,
    object: &'a ImportObject,
    id: String,
    version: i64,
    created: i64,
    updated: Option<i64>,
    read: ProductFootprint,
    ileap: Option<IleapObject>,
}

impl Import {
    /// Writes footprints of different ids.
    pub(super) async fn footprints(
        &mut self,
        objects: &[(usize, &ImportObject)],
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut ids = Vec::with_capacity(objects.len());
        let mut read = Vec::with_capacity(objects.len());
        for (index, object) in objects {
            let footprint = ProductFootprint::deserialize(&object.value)
                .map_err(|error| unacceptable(*index, error.to_string()));
            // What cannot be read ends the import, but not before what stands before it.
            ids.extend(
                footprint
                    .as_ref()
                    .ok()
                    .map(|footprint| footprint.id.to_string()),
            );
            read.push((*index, *object, footprint));
        }
        let known = self.known(&ids).await?;
        let (mut outcomes, mut changed) = (Vec::new(), Vec::new());
        for (index, object, footprint) in read {
            let footprint = Footprint::new(index, object, footprint?);
            let known = known.get(&footprint.id);
            let outcome = footprint.judge(known)?;
            self.touch(&footprint, known);
            if !matches!(outcome, Outcome::Unchanged) {
                changed.push((footprint, matches!(outcome, Outcome::Updated)));
            }
            outcomes.push(outcome);
        }
        self.put(&changed).await?;
        Ok(outcomes)
    }

    /// Notes what a shipment refers to, and the TOC or HOC that the stored version was about.
    fn touch(&mut self, footprint: &Footprint<'_>, known: Option<&Known>) {
        for (kind, id) in footprint.references() {
            self.touched.add(kind, id);
        }
        if let Some(Known {
            kind,
            object_id: Some(id),
            ..
        }) = known
            && (kind != footprint.kind() || Some(id.as_str()) != footprint.object_id())
        {
            self.touched.add(kind, id);
        }
    }

    async fn known(&mut self, ids: &[String]) -> Result<HashMap<String, Known>, StoreError> {
        let mut known = HashMap::new();
        if ids.is_empty() {
            return Ok(known);
        }
        let failed = unavailable("importing footprints");
        let rows = about(
            "SELECT id, version, created, updated, status, kind, object_id, json FROM footprints WHERE id IN ",
            ids,
        )
        .fetch_all(&mut self.transaction)
        .await
        .map_err(&failed)?;
        for row in &rows {
            let stored = Known {
                version: row.get(1).map_err(&failed)?,
                created: row.get(2).map_err(&failed)?,
                updated: row.get(3).map_err(&failed)?,
                is_deprecated: row.text(4).map_err(&failed)? == Status::Deprecated.as_str(),
                kind: row.text(5).map_err(&failed)?,
                object_id: row.optional_text(6).map_err(&failed)?,
                json: row.get(7).map_err(&failed)?,
            };
            known.insert(row.text(0).map_err(&failed)?, stored);
        }
        Ok(known)
    }

    async fn put(&mut self, changed: &[(Footprint<'_>, bool)]) -> Result<(), StoreError> {
        let Some(first) = changed.first().map(|(footprint, _)| footprint.index) else {
            return Ok(());
        };
        if self.has_text_limit() {
            for (footprint, _) in changed {
                footprint.check_texts()?;
            }
        }
        let written = self.write_footprints(changed).await;
        written.map_err(|error| unwritten(first, error))
    }

    async fn write_footprints(
        &mut self,
        changed: &[(Footprint<'_>, bool)],
    ) -> Result<(), sqlx::Error> {
        let transaction = &mut self.transaction;
        let mut brought = HashMap::new();
        let replaced: Vec<_> = changed.iter().filter(|(_, is_known)| *is_known).collect();
        let replaced: Vec<String> = replaced
            .iter()
            .map(|(footprint, _)| footprint.id.clone())
            .collect();
        if self.has_grants {
            for id in &replaced {
                brought.insert(id, grants::brought_by(transaction, id).await?);
            }
        }
        if !replaced.is_empty() {
            let deleted = about("DELETE FROM footprints WHERE id IN ", &replaced);
            deleted.execute(&mut *transaction).await?;
        }
        for rows in tables(changed.iter().map(|(footprint, _)| footprint)) {
            rows.insert(transaction).await?;
        }
        for (footprint, _) in changed {
            if self.has_grants {
                let before = brought.remove(&footprint.id).unwrap_or_default();
                grants::footprint_written(transaction, &footprint.id, before).await?;
            }
            if self.has_followers {
                sql("INSERT INTO unpublished (footprint) VALUES ($1)")
                    .bind(&footprint.id)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        Ok(())
    }
}

impl<'a> Footprint<'a> {
    fn new(index: usize, object: &'a ImportObject, read: ProductFootprint) -> Self {
        Self {
            index,
            object,
            id: read.id.to_string(),
            version: i64::from(read.version),
            created: read.created.ticks(),
            updated: read.updated.as_ref().map(DateTime::ticks),
            ileap: IleapObject::from_footprint(&read).and_then(Result::ok),
            read,
        }
    }

    fn judge(&self, known: Option<&Known>) -> Result<Outcome, StoreError> {
        let Some(known) = known else {
            return Ok(Outcome::Added);
        };
        let Self { index, id, .. } = self;
        if known.json == self.object.json {
            return Ok(Outcome::Unchanged);
        }
        let refused = |reason: &str| Err(unacceptable(*index, format!("footprint {id} {reason}")));
        // PACT v2.3, footprint life cycle: nothing follows a deprecated version.
        if known.is_deprecated {
            return refused(
                "was withdrawn, and stays as it is; publish this one under a new `id`, with the old one in \
                 `precedingPfIds`",
            );
        }
        if self.version <= known.version {
            let version = known.version;
            return refused(&format!(
                "is stored with version {version} and other content; raise `version` above that, and set `updated`"
            ));
        }
        if self.created != known.created {
            return refused("is stored with another `created`; keep that, and set `updated`");
        }
        // Partners look for changes by it.
        match (self.updated, known.updated) {
            (None, _) => refused("is a new version without `updated`; say when it was made"),
            (Some(updated), Some(stored)) if updated <= stored => refused(
                "is stored with an `updated` that is not earlier; set that of the new version to when it was made",
            ),
            (Some(_), _) => Ok(Outcome::Updated),
        }
    }

    fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let companies = self
            .read
            .company_ids
            .iter()
            .map(|id| ("company", id.as_str()));
        let products = self
            .read
            .product_ids
            .iter()
            .map(|id| ("product", id.as_str()));
        companies.chain(products)
    }

    fn references(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let shipment = match &self.ileap {
            Some(IleapObject::Shipment(shipment)) => Some(shipment),
            _ => None,
        };
        let tces = shipment.into_iter().flat_map(|shipment| &shipment.tces);
        tces.flat_map(|tce| {
            [
                ("toc", tce.toc_id.as_deref()),
                ("hoc", tce.hoc_id.as_deref()),
                ("consignment", tce.consignment_id.as_deref()),
            ]
        })
        .filter_map(|(kind, id)| Some((kind, id?)))
    }

    /// As it is stored.
    fn kind(&self) -> &'static str {
        let ileap = self.ileap.as_ref();
        ileap.map_or("generic", |object| object.kind().as_str())
    }

    fn object_id(&self) -> Option<&str> {
        self.ileap.as_ref().map(IleapObject::id)
    }

    fn check_texts(&self) -> Result<(), StoreError> {
        let listed = self.ids().chain(self.references()).map(|(_, id)| id);
        let others = [
            self.object_id(),
            Some(self.read.product_category_cpc.as_str()),
        ];
        super::check_texts(self.index, listed.chain(others.into_iter().flatten()))
    }
}

/// The rows of all tables, in the order in which they must be written.
fn tables<'a>(footprints: impl Iterator<Item = &'a Footprint<'a>>) -> [Rows<'a>; 4] {
    let mut own = Rows::new(
        "footprints (id, version, created, updated, status, kind, object_id, cpc, country, period_start, period_end, json)",
        12,
    );
    let mut ids = Rows::new("footprint_ids (list, value, created, footprint, kind)", 5).once();
    let mut references = Rows::new("shipment_references (kind, object_id, footprint)", 3).once();
    let mut consignments =
        Rows::new("footprint_consignments (consignment_id, footprint)", 2).once();
    for footprint in footprints {
        let Footprint {
            id,
            read,
            object,
            created,
            ..
        } = footprint;
        let pcf = &read.pcf;
        own.push([
            Value::from(id),
            footprint.version.into(),
            (*created).into(),
            footprint.updated.into(),
            read.status.as_str().into(),
            footprint.kind().into(),
            footprint.object_id().into(),
            Value::from(&read.product_category_cpc),
            pcf.geography_country.as_deref().into(),
            pcf.reference_period_start.ticks().into(),
            pcf.reference_period_end.ticks().into(),
            Value::from(&object.json),
        ]);
        for (list, value) in footprint.ids() {
            ids.push([
                list.into(),
                value.into(),
                (*created).into(),
                Value::from(id),
                footprint.kind().into(),
            ]);
        }
        for (kind, object_id) in footprint.references() {
            match kind {
                "consignment" => consignments.push([object_id.into(), Value::from(id)]),
                kind => references.push([kind.into(), object_id.into(), Value::from(id)]),
            }
        }
    }
    [own, ids, references, consignments]
}
