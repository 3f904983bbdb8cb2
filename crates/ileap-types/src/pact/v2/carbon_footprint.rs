//! The numbers of a footprint and how they came about.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::parts::{
    Assurance, DataQualityIndicators, EmissionFactorSource, ProductOrSectorSpecificRule,
};
use crate::datetime::DateTime;
use crate::decimal::Decimal;
use crate::wire::{null_as_default, wire_enum};

wire_enum! {
    /// The unit a product is measured in (PACT v2.3 `DeclaredUnit`).
    pub open enum DeclaredUnit {
        /// Litre.
        Liter = "liter",
        /// Kilogram.
        Kilogram = "kilogram",
        /// Cubic metre.
        CubicMeter = "cubic meter",
        /// Kilowatt hour.
        KilowattHour = "kilowatt hour",
        /// Megajoule.
        Megajoule = "megajoule",
        /// Tonne kilometre.
        TonKilometer = "ton kilometer",
        /// Square metre.
        SquareMeter = "square meter",
    }
}

wire_enum! {
    /// The IPCC report whose warming potentials were used (PACT v2.3 `CharacterizationFactors`).
    pub open enum CharacterizationFactors {
        /// The fifth assessment report.
        Ar5 = "AR5",
        /// The sixth assessment report.
        Ar6 = "AR6",
    }
}

wire_enum! {
    /// A standard that covers all sectors (PACT v2.3 `CrossSectoralStandard`).
    pub open enum CrossSectoralStandard {
        /// The product standard of the GHG Protocol.
        GhgProtocolProduct = "GHG Protocol Product standard",
        /// ISO 14067.
        Iso14067 = "ISO Standard 14067",
        /// ISO 14044.
        Iso14044 = "ISO Standard 14044",
    }
}

wire_enum! {
    /// How biogenic carbon was accounted for (PACT v2.3 `BiogenicAccountingMethodology`).
    pub open enum BiogenicAccountingMethodology {
        /// The Product Environmental Footprint of the EU.
        Pef = "PEF",
        /// ISO.
        Iso = "ISO",
        /// The GHG Protocol.
        Ghgp = "GHGP",
        /// Quantis.
        Quantis = "Quantis",
    }
}

wire_enum! {
    /// A region of the United Nations (PACT v2.3 `RegionOrSubregion`).
    pub open enum RegionOrSubregion {
        /// Africa.
        Africa = "Africa",
        /// Americas.
        Americas = "Americas",
        /// Asia.
        Asia = "Asia",
        /// Europe.
        Europe = "Europe",
        /// Oceania.
        Oceania = "Oceania",
        /// Australia and New Zealand.
        AustraliaAndNewZealand = "Australia and New Zealand",
        /// Central Asia.
        CentralAsia = "Central Asia",
        /// Eastern Asia.
        EasternAsia = "Eastern Asia",
        /// Eastern Europe.
        EasternEurope = "Eastern Europe",
        /// Latin America and the Caribbean.
        LatinAmericaAndTheCaribbean = "Latin America and the Caribbean",
        /// Melanesia.
        Melanesia = "Melanesia",
        /// Micronesia.
        Micronesia = "Micronesia",
        /// Northern Africa.
        NorthernAfrica = "Northern Africa",
        /// Northern America.
        NorthernAmerica = "Northern America",
        /// Northern Europe.
        NorthernEurope = "Northern Europe",
        /// Polynesia.
        Polynesia = "Polynesia",
        /// South-eastern Asia.
        SouthEasternAsia = "South-eastern Asia",
        /// Southern Asia.
        SouthernAsia = "Southern Asia",
        /// Southern Europe.
        SouthernEurope = "Southern Europe",
        /// Sub-Saharan Africa.
        SubSaharanAfrica = "Sub-Saharan Africa",
        /// Western Asia.
        WesternAsia = "Western Asia",
        /// Western Europe.
        WesternEurope = "Western Europe",
    }
}

/// The carbon footprint of a product (PACT v2.3 `CarbonFootprint`).
///
/// Emissions are in `kgCO2e` per declared unit, except that iLEAP 1.0.0 puts totals here; see
/// [`crate::extension`]. Carbon contents are in kg of carbon.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CarbonFootprint {
    /// The unit of the product.
    pub declared_unit: DeclaredUnit,
    /// The amount of declared units in one product; above zero.
    pub unitary_product_amount: Decimal,
    /// The mass of one declared unit in kg; since 2.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_mass_per_declared_unit: Option<Decimal>,
    /// All emissions but biogenic uptake; not negative.
    #[serde(rename = "pCfExcludingBiogenic")]
    pub pcf_excluding_biogenic: Decimal,
    /// All emissions and removals.
    #[serde(
        rename = "pCfIncludingBiogenic",
        skip_serializing_if = "Option::is_none"
    )]
    pub pcf_including_biogenic: Option<Decimal>,
    /// The emissions of fossil sources; not negative.
    pub fossil_ghg_emissions: Decimal,
    /// The fossil carbon in the product; not negative.
    pub fossil_carbon_content: Decimal,
    /// The biogenic carbon in the product; not negative.
    pub biogenic_carbon_content: Decimal,
    /// The emissions of direct land use change; not negative.
    #[serde(rename = "dLucGhgEmissions", skip_serializing_if = "Option::is_none")]
    pub d_luc_ghg_emissions: Option<Decimal>,
    /// The emissions and removals of land management.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub land_management_ghg_emissions: Option<Decimal>,
    /// All other biogenic emissions; not negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_biogenic_ghg_emissions: Option<Decimal>,
    /// The emissions of indirect land use change; not negative.
    #[serde(rename = "iLucGhgEmissions", skip_serializing_if = "Option::is_none")]
    pub i_luc_ghg_emissions: Option<Decimal>,
    /// The biogenic carbon taken from the air; not positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biogenic_carbon_withdrawal: Option<Decimal>,
    /// The emissions of aircraft; not negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aircraft_ghg_emissions: Option<Decimal>,
    /// The IPCC report used; deprecated since 2.2, still mandatory.
    pub characterization_factors: CharacterizationFactors,
    /// The IPCC reports used, such as `AR6`; mandatory since 2.2, not known before.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ipcc_characterization_factors_sources: Vec<String>,
    /// The standards followed; deprecated in 2.3, still mandatory.
    pub cross_sectoral_standards_used: Vec<CrossSectoralStandard>,
    /// The standards followed, such as `ISO14083`; since 2.3.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cross_sectoral_standards: Vec<String>,
    /// The rules of the product category or sector followed.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub product_or_sector_specific_rules: Vec<ProductOrSectorSpecificRule>,
    /// How biogenic carbon was accounted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biogenic_accounting_methodology: Option<BiogenicAccountingMethodology>,
    /// Which processes are counted; may be empty.
    pub boundary_processes_description: String,
    /// The first moment of the period the data is from.
    pub reference_period_start: DateTime,
    /// The first moment after the period the data is from.
    pub reference_period_end: DateTime,
    /// ISO 3166-2 code; at most one of the three geographies is given, none means global.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geography_country_subdivision: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geography_country: Option<String>,
    /// A region of the United Nations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geography_region_or_subregion: Option<RegionOrSubregion>,
    /// The databases used for secondary data; none without secondary data.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub secondary_emission_factor_sources: Vec<EmissionFactorSource>,
    /// The share of emissions left out, in percent.
    pub exempted_emissions_percent: Number,
    /// Why they are left out; may be empty.
    pub exempted_emissions_description: String,
    /// Whether packaging is counted; never for iLEAP objects.
    pub packaging_emissions_included: bool,
    /// The emissions of packaging; not negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_ghg_emissions: Option<Decimal>,
    /// How emissions were allocated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_rules_description: Option<String>,
    /// How uncertain the numbers are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty_assessment_description: Option<String>,
    /// The share of emissions from primary data, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_data_share: Option<Number>,
    /// The quality of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dqi: Option<DataQualityIndicators>,
    /// Who verified the numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
}
