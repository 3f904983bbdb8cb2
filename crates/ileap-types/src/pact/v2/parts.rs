//! The smaller parts of a carbon footprint.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::datetime::DateTime;
use crate::wire::wire_enum;

wire_enum! {
    /// Who publishes a rule (PACT v2.3 `ProductOrSectorSpecificRuleOperator`).
    pub open enum RuleOperator {
        /// The Product Environmental Footprint of the EU.
        Pef = "PEF",
        /// EPD International.
        EpdInternational = "EPD International",
        /// Somebody else, whom another member names.
        Another = "Other",
    }
}

/// Rules of a product category or sector (PACT v2.3 `ProductOrSectorSpecificRule`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductOrSectorSpecificRule {
    /// Who publishes the rules.
    pub operator: RuleOperator,
    /// The names of the rules; at least one.
    pub rule_names: Vec<String>,
    /// The publisher; given exactly if the operator is [`RuleOperator::Another`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_operator_name: Option<String>,
}

/// A database of emission factors (PACT v2.3 `EmissionFactorDS`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EmissionFactorSource {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The quality of the data (PACT v2.3 `DataQualityIndicators`); ratings go from 1 (best) to 3.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataQualityIndicators {
    /// The share of emissions the assessment covers, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_percent: Option<Number>,
    /// The rating of technological fit.
    #[serde(rename = "technologicalDQR", skip_serializing_if = "Option::is_none")]
    pub technological_dqr: Option<Number>,
    /// The rating of fit in time.
    #[serde(rename = "temporalDQR", skip_serializing_if = "Option::is_none")]
    pub temporal_dqr: Option<Number>,
    /// The rating of geographical fit.
    #[serde(rename = "geographicalDQR", skip_serializing_if = "Option::is_none")]
    pub geographical_dqr: Option<Number>,
    /// The rating of completeness.
    #[serde(rename = "completenessDQR", skip_serializing_if = "Option::is_none")]
    pub completeness_dqr: Option<Number>,
    /// The rating of reliability.
    #[serde(rename = "reliabilityDQR", skip_serializing_if = "Option::is_none")]
    pub reliability_dqr: Option<Number>,
}

wire_enum! {
    /// What was verified (PACT v2.3 "Assurance", `coverage`).
    pub open enum AssuranceCoverage {
        /// The whole company.
        CorporateLevel = "corporate level",
        /// A product line.
        ProductLine = "product line",
        /// The system that calculates footprints.
        PcfSystem = "PCF system",
        /// The product.
        ProductLevel = "product level",
    }
}

wire_enum! {
    /// How deep was verified (PACT v2.3 "Assurance", `level`).
    pub open enum AssuranceLevel {
        /// Limited assurance.
        Limited = "limited",
        /// Reasonable assurance.
        Reasonable = "reasonable",
    }
}

wire_enum! {
    /// How far was verified (PACT v2.3 "Assurance", `boundary`).
    pub open enum AssuranceBoundary {
        /// Within the company.
        GateToGate = "Gate-to-Gate",
        /// From raw material on.
        CradleToGate = "Cradle-to-Gate",
    }
}

/// Who verified the numbers (PACT v2.3 "Assurance").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assurance {
    /// Whether the footprint was verified.
    pub assurance: bool,
    /// What was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<AssuranceCoverage>,
    /// How deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<AssuranceLevel>,
    /// How far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boundary: Option<AssuranceBoundary>,
    /// By whom.
    pub provider_name: String,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime>,
    /// By which standard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_name: Option<String>,
    /// A note for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}
