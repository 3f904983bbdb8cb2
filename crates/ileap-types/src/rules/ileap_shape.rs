//! The iLEAP 1.0.0 data model. Enumerations that the specification may extend are plain texts.

use super::{
    format::{ANY, DATE_TIME, FILLED},
    shape::{
        Field, Items,
        Kind::{Decimal, Integer, List, Object, OneOf, Text},
        Sign, may, must,
    },
};

/// iLEAP 1.0.0, `ShipmentFootprint`.
pub(super) const SHIPMENT_FOOTPRINT: &[Field] = &[
    must("mass", Decimal(Sign::NonNegative)),
    may("volume", Decimal(Sign::NonNegative)),
    must("shipmentId", Text(FILLED)),
    must("tces", List(Items::Any, &Object(TCE))),
];

const TCE: &[Field] = &[
    must("tceId", Text(FILLED)),
    // Empty for the first element of a chain; absent if nobody knows.
    may("prevTceIds", List(Items::MayBeEmpty, &Text(ANY))),
    may("tocId", Text(FILLED)),
    may("hocId", Text(FILLED)),
    must("shipmentId", Text(FILLED)),
    may("consignmentId", Text(ANY)),
    must("mass", Decimal(Sign::NonNegative)),
    may("packagingOrTrEqType", Text(ANY)),
    may("packagingOrTrEqAmount", Decimal(Sign::NonNegative)),
    must("distance", Object(DISTANCE)),
    may("origin", Object(LOCATION)),
    may("destination", Object(LOCATION)),
    must("transportActivity", Decimal(Sign::NonNegative)),
    may("departureAt", Text(DATE_TIME)),
    may("arrivalAt", Text(DATE_TIME)),
    may("flightNo", Text(ANY)),
    may("voyageNo", Text(ANY)),
    may("incoterms", OneOf(INCOTERMS)),
    // Signs are for R09.
    must("co2eWTW", Decimal(Sign::Any)),
    must("co2eTTW", Decimal(Sign::Any)),
    may("noxTTW", Decimal(Sign::NonNegative)),
    may("soxTTW", Decimal(Sign::NonNegative)),
    may("ch4TTW", Decimal(Sign::NonNegative)),
    may("pmTTW", Decimal(Sign::NonNegative)),
];

/// iLEAP 1.0.0, `TOC`.
pub(super) const TOC: &[Field] = &[
    must("tocId", Text(FILLED)),
    may("certifications", List(Items::Any, &Text(ANY))),
    may("description", Text(ANY)),
    must("mode", OneOf(MODES)),
    // Ranges are for R15.
    may("loadFactor", Decimal(Sign::Any)),
    may("emptyDistanceFactor", Decimal(Sign::Any)),
    may("temperatureControl", OneOf(TEMPERATURE_CONTROLS)),
    may("truckLoadingSequence", OneOf(&["LTL", "FTL"])),
    may("airShippingOption", OneOf(&["belly freight", "freighter"])),
    may("flightLength", OneOf(&["short-haul", "long-haul"])),
    must(
        "energyCarriers",
        List(Items::Filled, &Object(ENERGY_CARRIER)),
    ),
    must("co2eIntensityWTW", Decimal(Sign::Any)),
    must("co2eIntensityTTW", Decimal(Sign::Any)),
    must("transportActivityUnit", Text(FILLED)),
];

/// iLEAP 1.0.0, `HOC`.
pub(super) const HOC: &[Field] = &[
    must("hocId", Text(FILLED)),
    may("description", Text(ANY)),
    may("certifications", List(Items::Any, &Text(ANY))),
    must("hubType", OneOf(HUB_TYPES)),
    may("temperatureControl", OneOf(TEMPERATURE_CONTROLS)),
    may("hubLocation", Object(LOCATION)),
    may("inboundTransportMode", OneOf(MODES)),
    may("outboundTransportMode", OneOf(MODES)),
    may("packagingOrTrEqType", Text(ANY)),
    may("packagingOrTrEqAmount", Integer { max: u64::MAX }),
    must(
        "energyCarriers",
        List(Items::Filled, &Object(ENERGY_CARRIER)),
    ),
    must("co2eIntensityWTW", Decimal(Sign::Any)),
    must("co2eIntensityTTW", Decimal(Sign::Any)),
    must("hubActivityUnit", Text(FILLED)),
];

/// iLEAP 1.0.0, `TAD`.
pub(super) const TAD: &[Field] = &[
    must("activityId", Text(FILLED)),
    must("consignmentIds", List(Items::Any, &Text(ANY))),
    must("distance", Object(DISTANCE)),
    may("mass", Decimal(Sign::NonNegative)),
    may("loadFactor", Decimal(Sign::Any)),
    may("emptyDistanceFactor", Decimal(Sign::Any)),
    must("origin", Object(LOCATION)),
    must("destination", Object(LOCATION)),
    must("departureAt", Text(DATE_TIME)),
    must("arrivalAt", Text(DATE_TIME)),
    must("mode", OneOf(MODES)),
    may("packagingOrTrEqType", Text(ANY)),
    may("packagingOrTrEqAmount", Integer { max: u64::MAX }),
    may(
        "energyCarriers",
        List(Items::Filled, &Object(ENERGY_CARRIER)),
    ),
    may("temperatureControl", Text(ANY)),
];

const ENERGY_CARRIER: &[Field] = &[
    must("energyCarrier", Text(FILLED)),
    // Ranges of shares are for R11 and R12, presence of factors is for R14.
    must("relativeShare", Decimal(Sign::Any)),
    may("feedstocks", List(Items::Filled, &Object(FEEDSTOCK))),
    may("energyConsumption", Decimal(Sign::NonNegative)),
    may("energyConsumptionUnit", Text(FILLED)),
    may("emissionFactorWTW", Decimal(Sign::Any)),
    may("emissionFactorTTW", Decimal(Sign::Any)),
];

const FEEDSTOCK: &[Field] = &[
    must("feedstock", Text(FILLED)),
    may("feedstockShare", Decimal(Sign::Any)),
    may("regionProvenance", Text(ANY)),
];

// Signs are for R17.
const DISTANCE: &[Field] = &[
    may("actual", Decimal(Sign::Any)),
    may("gcd", Decimal(Sign::Any)),
    may("sfd", Decimal(Sign::Any)),
];

const LOCATION: &[Field] = &[
    may("street", Text(ANY)),
    may("zip", Text(ANY)),
    must("city", Text(ANY)),
    // Its form is for R18.
    must("country", Text(ANY)),
    may("iata", Text(ANY)),
    may("locode", Text(ANY)),
    may("uic", Text(ANY)),
    may("lat", Decimal(Sign::Any)),
    may("lng", Decimal(Sign::Any)),
];

pub(super) const MODES: &[&str] = &["Road", "Rail", "Air", "Sea", "InlandWaterway"];

const HUB_TYPES: &[&str] = &[
    "Transshipment",
    "StorageAndTransshipment",
    "Warehouse",
    "LiquidBulkTerminal",
    "MaritimeContainerTerminal",
];

const TEMPERATURE_CONTROLS: &[&str] = &["ambient", "refrigerated", "mixed"];

const INCOTERMS: &[&str] = &[
    "EXW", "FCA", "CPT", "CIP", "DAP", "DPU", "DDP", "FAS", "FOB", "CFR", "CIF",
];
