//! The data model of PACT 2.0 to 2.3 in one: what a later version added is optional here.

mod carbon_footprint;
mod parts;
mod pf_id;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::carbon_footprint::{
    BiogenicAccountingMethodology, CarbonFootprint, CharacterizationFactors, CrossSectoralStandard,
    DeclaredUnit, RegionOrSubregion,
};
pub use self::parts::{
    Assurance, AssuranceBoundary, AssuranceCoverage, AssuranceLevel, DataQualityIndicators,
    EmissionFactorSource, ProductOrSectorSpecificRule, RuleOperator,
};
pub use self::pf_id::{PfId, PfIdError};
use crate::datetime::DateTime;
use crate::wire::{null_as_default, wire_enum};

wire_enum! {
    /// The status of a footprint (PACT v2.3 `ProductFootprint`, `status`).
    pub open enum Status {
        /// In force.
        Active = "Active",
        /// Replaced or withdrawn; never changes again.
        Deprecated = "Deprecated",
    }
}

/// The carbon footprint of a product with its provenance (PACT v2.3 `ProductFootprint`).
///
/// Patterns, ranges and relations between members are not judged here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductFootprint {
    /// The identity that all versions share.
    pub id: PfId,
    /// The version of the PACT specification this footprint follows, such as `2.0.0`.
    pub spec_version: String,
    /// The footprints this one replaces.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub preceding_pf_ids: Vec<PfId>,
    /// Counts the minor changes, from 0 to 2³¹−1.
    pub version: u32,
    /// When this footprint was made.
    pub created: DateTime,
    /// When this version was made, if it is not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<DateTime>,
    /// Whether the footprint is in force.
    pub status: Status,
    /// Why the status is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_comment: Option<String>,
    /// From when the footprint may be used; by default from the end of the reference period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_period_start: Option<DateTime>,
    /// Until when the footprint may be used; by default three years after the reference period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_period_end: Option<DateTime>,
    /// The data owner.
    pub company_name: String,
    /// URNs of the data owner; at least one.
    pub company_ids: Vec<String>,
    /// A description for people; may be empty.
    pub product_description: String,
    /// URNs of the product; at least one.
    pub product_ids: Vec<String>,
    /// URNs of classes the product belongs to; since 2.3.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub product_classifications: Vec<String>,
    /// The class in the UN Central Product Classification 2.1.
    pub product_category_cpc: String,
    /// The trade name.
    pub product_name_company: String,
    /// A note for people; may be empty.
    pub comment: String,
    /// The footprint itself.
    pub pcf: CarbonFootprint,
    /// Industry-specific data, such as an iLEAP object.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub extensions: Vec<DataModelExtension>,
}

/// Industry-specific data in a footprint (PACT v2.3 `DataModelExtension`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataModelExtension {
    /// The version of the extension specification.
    pub spec_version: String,
    /// The URL of the JSON Schema of `data`; tells what it is.
    pub data_schema: String,
    /// The URL of the documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// The data.
    pub data: Map<String, Value>,
}

#[cfg(test)]
mod tests;
