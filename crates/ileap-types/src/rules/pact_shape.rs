//! The PACT v2 data model, versions 2.0 to 2.3, as far as all of them agree.

use super::{
    format::{
        ANY, ASSESSMENT_REPORT, COUNTRY, FILLED, SPEC_VERSION, SUBDIVISION, URI, URN,
        UTC_DATE_TIME, UUID,
    },
    shape::{
        Field, Items,
        Kind::{Boolean, Decimal, Integer, List, Number, Object, OneOf, Text},
        Sign, may, must,
    },
};

/// PACT v2.3, `ProductFootprint`.
pub(super) const PRODUCT_FOOTPRINT: &[Field] = &[
    must("id", Text(UUID)),
    must("specVersion", Text(SPEC_VERSION)),
    may("precedingPfIds", List(Items::Set, &Text(UUID))),
    must("version", Integer { max: 0x7fff_ffff }),
    must("created", Text(UTC_DATE_TIME)),
    may("updated", Text(UTC_DATE_TIME)),
    must("status", OneOf(&["Active", "Deprecated"])),
    may("statusComment", Text(ANY)),
    may("validityPeriodStart", Text(UTC_DATE_TIME)),
    may("validityPeriodEnd", Text(UTC_DATE_TIME)),
    must("companyName", Text(FILLED)),
    must("companyIds", List(Items::Set, &Text(URN))),
    must("productDescription", Text(ANY)),
    must("productIds", List(Items::Set, &Text(URN))),
    may("productClassifications", List(Items::Set, &Text(URN))),
    must("productCategoryCpc", Text(FILLED)),
    must("productNameCompany", Text(FILLED)),
    must("comment", Text(ANY)),
    must("pcf", Object(CARBON_FOOTPRINT)),
    may("extensions", List(Items::Filled, &Object(EXTENSION))),
];

const CARBON_FOOTPRINT: &[Field] = &[
    must("declaredUnit", OneOf(DECLARED_UNITS)),
    // Its sign is for P03 or R23, depending on what the footprint describes.
    must("unitaryProductAmount", Decimal(Sign::Any)),
    may("productMassPerDeclaredUnit", Decimal(Sign::NonNegative)),
    must("pCfExcludingBiogenic", Decimal(Sign::NonNegative)),
    may("pCfIncludingBiogenic", Decimal(Sign::Any)),
    must("fossilGhgEmissions", Decimal(Sign::NonNegative)),
    must("fossilCarbonContent", Decimal(Sign::NonNegative)),
    must("biogenicCarbonContent", Decimal(Sign::NonNegative)),
    may("dLucGhgEmissions", Decimal(Sign::NonNegative)),
    may("landManagementGhgEmissions", Decimal(Sign::Any)),
    may("otherBiogenicGhgEmissions", Decimal(Sign::NonNegative)),
    may("iLucGhgEmissions", Decimal(Sign::NonNegative)),
    may("biogenicCarbonWithdrawal", Decimal(Sign::NonPositive)),
    may("aircraftGhgEmissions", Decimal(Sign::NonNegative)),
    must("characterizationFactors", OneOf(&["AR5", "AR6"])),
    // Whether it must be there depends on the version.
    may(
        "ipccCharacterizationFactorsSources",
        List(Items::Set, &Text(ASSESSMENT_REPORT)),
    ),
    must(
        "crossSectoralStandardsUsed",
        List(Items::Set, &OneOf(STANDARDS_USED)),
    ),
    // The text and the schema of PACT 2.3 spell the values differently, so the list stays open.
    may("crossSectoralStandards", List(Items::Set, &Text(FILLED))),
    may(
        "productOrSectorSpecificRules",
        List(Items::Set, &Object(SECTOR_RULE)),
    ),
    may(
        "biogenicAccountingMethodology",
        OneOf(&["PEF", "ISO", "GHGP", "Quantis"]),
    ),
    must("boundaryProcessesDescription", Text(ANY)),
    must("referencePeriodStart", Text(UTC_DATE_TIME)),
    must("referencePeriodEnd", Text(UTC_DATE_TIME)),
    may("geographyCountrySubdivision", Text(SUBDIVISION)),
    may("geographyCountry", Text(COUNTRY)),
    may("geographyRegionOrSubregion", OneOf(REGIONS)),
    may(
        "secondaryEmissionFactorSources",
        List(Items::Filled, &Object(FACTOR_SOURCE)),
    ),
    must("exemptedEmissionsPercent", Number { min: 0.0, max: 5.0 }),
    must("exemptedEmissionsDescription", Text(ANY)),
    must("packagingEmissionsIncluded", Boolean),
    may("packagingGhgEmissions", Decimal(Sign::NonNegative)),
    may("allocationRulesDescription", Text(ANY)),
    may("uncertaintyAssessmentDescription", Text(ANY)),
    may(
        "primaryDataShare",
        Number {
            min: 0.0,
            max: 100.0,
        },
    ),
    may("dqi", Object(DATA_QUALITY)),
    may("assurance", Object(ASSURANCE)),
];

const EXTENSION: &[Field] = &[
    must("specVersion", Text(ANY)),
    must("dataSchema", Text(URI)),
    may("documentation", Text(URI)),
    must("data", Object(&[])),
];

const SECTOR_RULE: &[Field] = &[
    must("operator", OneOf(&["PEF", "EPD International", "Other"])),
    must("ruleNames", List(Items::Set, &Text(FILLED))),
    may("otherOperatorName", Text(FILLED)),
];

const FACTOR_SOURCE: &[Field] = &[must("name", Text(FILLED)), must("version", Text(FILLED))];

const DATA_QUALITY: &[Field] = &[
    must(
        "coveragePercent",
        Number {
            min: 0.0,
            max: 100.0,
        },
    ),
    must("technologicalDQR", Number { min: 1.0, max: 3.0 }),
    must("temporalDQR", Number { min: 1.0, max: 3.0 }),
    must("geographicalDQR", Number { min: 1.0, max: 3.0 }),
    must("completenessDQR", Number { min: 1.0, max: 3.0 }),
    must("reliabilityDQR", Number { min: 1.0, max: 3.0 }),
];

const ASSURANCE: &[Field] = &[
    must("assurance", Boolean),
    may(
        "coverage",
        OneOf(&[
            "corporate level",
            "product line",
            "PCF system",
            "product level",
        ]),
    ),
    may("level", OneOf(&["limited", "reasonable"])),
    may("boundary", OneOf(&["Gate-to-Gate", "Cradle-to-Gate"])),
    must("providerName", Text(ANY)),
    may("completedAt", Text(UTC_DATE_TIME)),
    may("standardName", Text(ANY)),
    may("comments", Text(ANY)),
];

const DECLARED_UNITS: &[&str] = &[
    "liter",
    "kilogram",
    "cubic meter",
    "kilowatt hour",
    "megajoule",
    "ton kilometer",
    "square meter",
];

const STANDARDS_USED: &[&str] = &[
    "GHG Protocol Product standard",
    "ISO Standard 14067",
    "ISO Standard 14044",
];

const REGIONS: &[&str] = &[
    "Africa",
    "Americas",
    "Asia",
    "Europe",
    "Oceania",
    "Australia and New Zealand",
    "Central Asia",
    "Eastern Asia",
    "Eastern Europe",
    "Latin America and the Caribbean",
    "Melanesia",
    "Micronesia",
    "Northern Africa",
    "Northern America",
    "Northern Europe",
    "Polynesia",
    "South-eastern Asia",
    "Southern Asia",
    "Southern Europe",
    "Sub-Saharan Africa",
    "Western Asia",
    "Western Europe",
];
