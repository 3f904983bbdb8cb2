//! iLEAP objects inside PACT footprints (iLEAP 1.0.0 "PCF Mapping").
//!
//! A footprint carries one iLEAP object, as its only extension. PACT 2 defines emissions per declared
//! unit, yet iLEAP puts the total of a shipment there, next to the amount in
//! `unitaryProductAmount`: multiplying the two counts the emissions many times. [`total_emissions`] knows.

mod mapping;

use serde::Deserialize;

pub use self::mapping::{MappingError, emissions_per_declared_unit, total_emissions};
use crate::hoc::Hoc;
use crate::pact::v2::{DataModelExtension, ProductFootprint};
use crate::shipment::ShipmentFootprint;
use crate::toc::Toc;

/// The `specVersion` of an iLEAP extension.
pub const SPEC_VERSION: &str = "2.0.0";

/// The `documentation` of an iLEAP extension.
pub const DOCUMENTATION: &str = "https://sine-fdn.github.io/ileap-extension/";

/// The `productCategoryCpc` of every iLEAP footprint.
pub const PRODUCT_CATEGORY_CPC: &str = "83117";

/// The kinds of iLEAP objects that travel in footprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A hub operation category.
    Hoc,
    /// A shipment footprint.
    Shipment,
    /// A transport operation category.
    Toc,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Hoc, Self::Shipment, Self::Toc];

    /// The word for the kind in product URNs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hoc => "hoc",
            Self::Shipment => "shipment",
            Self::Toc => "toc",
        }
    }

    /// The `dataSchema` of an extension with such an object.
    pub const fn data_schema(self) -> &'static str {
        match self {
            Self::Hoc => "https://api.ileap.sine.dev/hoc.json",
            Self::Shipment => "https://api.ileap.sine.dev/shipment-footprint.json",
            Self::Toc => "https://api.ileap.sine.dev/toc.json",
        }
    }

    /// The kind behind a `dataSchema`, by the last segment of its path: hosts serve copies of the schemas.
    pub fn from_data_schema(data_schema: &str) -> Option<Self> {
        let path = data_schema.split(['?', '#']).next()?;
        let (_, segment) = path.rsplit_once('/')?;
        match segment {
            "hoc.json" => Some(Self::Hoc),
            "shipment-footprint.json" => Some(Self::Shipment),
            "toc.json" => Some(Self::Toc),
            _ => None,
        }
    }
}

/// An iLEAP object taken from a footprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IleapObject {
    /// A hub operation category.
    Hoc(Hoc),
    /// A shipment footprint.
    Shipment(ShipmentFootprint),
    /// A transport operation category.
    Toc(Toc),
}

impl IleapObject {
    /// The object in the first iLEAP extension of a footprint; `None` if there is no such extension.
    pub fn from_footprint(footprint: &ProductFootprint) -> Option<Result<Self, serde_json::Error>> {
        footprint.extensions.iter().find_map(Self::from_extension)
    }

    /// The object in an extension; `None` if the extension is not of iLEAP.
    pub fn from_extension(
        extension: &DataModelExtension,
    ) -> Option<Result<Self, serde_json::Error>> {
        let kind = ObjectKind::from_data_schema(&extension.data_schema)?;
        let data = &extension.data;
        Some(match kind {
            ObjectKind::Hoc => Hoc::deserialize(data).map(Self::Hoc),
            ObjectKind::Shipment => ShipmentFootprint::deserialize(data).map(Self::Shipment),
            ObjectKind::Toc => Toc::deserialize(data).map(Self::Toc),
        })
    }

    /// What the object is.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Hoc(_) => ObjectKind::Hoc,
            Self::Shipment(_) => ObjectKind::Shipment,
            Self::Toc(_) => ObjectKind::Toc,
        }
    }

    /// The identity its owner gave it.
    pub fn id(&self) -> &str {
        match self {
            Self::Hoc(hoc) => &hoc.hoc_id,
            Self::Shipment(shipment) => &shipment.shipment_id,
            Self::Toc(toc) => &toc.toc_id,
        }
    }
}

/// The product URN of an iLEAP object, assigned by the host.
///
/// The id is put in verbatim, as all known implementations do, also where it makes the URN unusual.
pub fn product_id_urn(kind: ObjectKind, id: &str) -> String {
    format!(
        "urn:pathfinder:product:customcode:vendor-assigned:{}:{id}",
        kind.as_str()
    )
}

/// What a product URN of an iLEAP object names; `None` for other products.
///
/// Reads URNs assigned by the vendor and by the buyer.
pub fn parse_product_id_urn(urn: &str) -> Option<(ObjectKind, &str)> {
    let (scheme, rest) = urn.split_at_checked("urn:".len())?;
    if !scheme.eq_ignore_ascii_case("urn:") {
        return None;
    }
    let code = rest.strip_prefix("pathfinder:product:customcode:")?;
    let object = code
        .strip_prefix("vendor-assigned:")
        .or_else(|| code.strip_prefix("buyer-assigned:"))?;
    let (kind, id) = object.split_once(':')?;
    let kind = ObjectKind::ALL
        .iter()
        .copied()
        .find(|candidate| candidate.as_str() == kind)?;
    (!id.is_empty()).then_some((kind, id))
}

#[cfg(test)]
mod tests;
