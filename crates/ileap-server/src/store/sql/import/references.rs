//! What shipments refer to: TOCs and HOCs, which must be there when an import ends (R24).

use std::collections::HashSet;

use bytes::Bytes;

use super::{
    Import,
    rows::{about, about_and},
};
use crate::store::{
    OpenReference,
    sql::{
        database::{Pool, Transaction},
        json,
        statement::{Statement, sql},
    },
};

/// Ids that are looked up together.
const TOGETHER: usize = 256;
/// References that are listed; more than a person mends at once.
const LISTED: usize = 100;

/// The TOCs and HOCs that shipments of this import refer to, or that it took away.
#[derive(Default)]
pub(super) struct Touched {
    hocs: HashSet<String>,
    tocs: HashSet<String>,
}

impl Touched {
    /// Ids of other kinds are passed over.
    pub(super) fn add(&mut self, kind: &str, object_id: &str) {
        let ids = match kind {
            "hoc" => &mut self.hocs,
            "toc" => &mut self.tocs,
            _ => return,
        };
        if !ids.contains(object_id) {
            ids.insert(object_id.to_owned());
        }
    }
}

impl Import {
    /// The references that lead nowhere now, among those this import has touched.
    pub(super) async fn find_open_references(&mut self) -> Result<Vec<OpenReference>, sqlx::Error> {
        const TOCS: &str =
            "SELECT DISTINCT object_id FROM footprints WHERE kind = 'toc' AND object_id IN ";
        const HOCS: &str =
            "SELECT DISTINCT object_id FROM footprints WHERE kind = 'hoc' AND object_id IN ";
        let Touched { hocs, tocs } = std::mem::take(&mut self.touched);
        let mut open = Vec::new();
        for (kind, ids, text) in [("toc", tocs, TOCS), ("hoc", hocs, HOCS)] {
            let ids: Vec<String> = ids.into_iter().collect();
            for ids in ids.chunks(TOGETHER) {
                let rows = about(text, ids).fetch_all(&mut self.transaction).await?;
                let there = rows.iter().map(|row| row.text(0));
                let there = there.collect::<Result<HashSet<_>, _>>()?;
                for id in ids.iter().filter(|id| !there.contains(*id)) {
                    open.extend(reference(&mut self.transaction, kind, id).await?);
                    if open.len() == LISTED {
                        return Ok(open);
                    }
                }
            }
        }
        Ok(open)
    }
}

/// A shipment's reference to this TOC or HOC, if there is one.
async fn reference(
    transaction: &mut Transaction,
    kind: &'static str,
    object_id: &str,
) -> Result<Option<OpenReference>, sqlx::Error> {
    let row = sql(
        "SELECT footprint FROM shipment_references WHERE kind = $1 AND object_id = $2 \
         ORDER BY footprint LIMIT 1",
    )
    .bind(kind)
    .bind(object_id)
    .fetch_optional(transaction)
    .await?;
    let shipment = row.as_ref().map(|row| row.text(0)).transpose()?;
    Ok(shipment.map(|shipment| OpenReference {
        kind,
        object_id: object_id.to_owned(),
        shipment,
    }))
}

/// The footprints around these TOCs or HOCs, a few of each.
pub(in crate::store::sql) async fn around(
    readers: &Pool,
    kind: &str,
    object_ids: &[String],
) -> Result<Vec<Bytes>, sqlx::Error> {
    if object_ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = around_statement(kind, object_ids)
        .fetch_all(readers)
        .await?;
    rows.iter().map(json).collect()
}

/// Asks for them.
pub(in crate::store::sql) fn around_statement<'q>(
    kind: &str,
    object_ids: &'q [String],
) -> Statement<'q> {
    const TOCS: &str = "SELECT json FROM footprints WHERE id IN (SELECT id FROM (\
         SELECT id, ROW_NUMBER() OVER (PARTITION BY object_id ORDER BY status, created DESC, id) AS place \
         FROM footprints WHERE kind = 'toc' AND object_id IN ";
    const HOCS: &str = "SELECT json FROM footprints WHERE id IN (SELECT id FROM (\
         SELECT id, ROW_NUMBER() OVER (PARTITION BY object_id ORDER BY status, created DESC, id) AS place \
         FROM footprints WHERE kind = 'hoc' AND object_id IN ";
    let text = if kind == "hoc" { HOCS } else { TOCS };
    // 'Active' comes before 'Deprecated'.
    about_and(text, object_ids, ") AS few WHERE place <= 4)")
}
