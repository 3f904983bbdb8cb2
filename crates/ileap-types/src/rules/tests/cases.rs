use super::*;

/// A change to a good sample and what it breaks.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The end of the product id, or the activity id.
    pub(super) sample: &'static str,
    pub(super) change: fn(&mut Value),
    pub(super) expected: &'static [(RuleId, Severity, &'static str)],
}

const DATA: &str = "/extensions/0/data";

/// A change of one place, inside the iLEAP object.
fn put_data(footprint: &mut Value, pointer: &str, value: Value) {
    put(footprint, &format!("{DATA}{pointer}"), value);
}

fn remove_data(footprint: &mut Value, pointer: &str) {
    remove(footprint, &format!("{DATA}{pointer}"));
}

macro_rules! case {
    ($name:literal, $sample:literal, $change:expr, [$($expected:expr),* $(,)?]) => {
        Case { name: $name, sample: $sample, change: $change, expected: &[$($expected),*] }
    };
}

pub(super) const FOOTPRINT_CASES: &[Case] = &[
    case!("nothing", "box-504040", |_| {}, []),
    case!(
        "no object",
        "box-504040",
        |f| *f = json!([]),
        [(P01, Error, "")]
    ),
    case!(
        "missing",
        "box-504040",
        |f| remove(f, "/comment"),
        [(P01, Error, "/comment")]
    ),
    case!(
        "number as decimal",
        "box-504040",
        |f| put(f, "/pcf/pCfExcludingBiogenic", json!(1)),
        [(P01, Error, "/pcf/pCfExcludingBiogenic"),]
    ),
    case!(
        "not a uuid",
        "box-504040",
        |f| put(f, "/id", json!("1")),
        [(P01, Error, "/id")]
    ),
    case!(
        "not a urn",
        "box-504040",
        |f| put(f, "/companyIds/0", json!("gln:1")),
        [(P01, Error, "/companyIds/0"),]
    ),
    case!(
        "not UTC",
        "box-504040",
        |f| put(f, "/created", json!("2022-03-15T11:47:32+01:00")),
        [(P01, Error, "/created"),]
    ),
    case!(
        "not a version",
        "box-504040",
        |f| put(f, "/specVersion", json!("2.0")),
        [(P01, Error, "/specVersion"),]
    ),
    case!(
        "dated version",
        "box-504040",
        |f| put(f, "/specVersion", json!("2.0.0-20230315")),
        []
    ),
    case!(
        "version too big",
        "box-504040",
        |f| put(f, "/version", json!(1_u64 << 31)),
        [(P01, Error, "/version"),]
    ),
    case!(
        "empty array",
        "box-504040",
        |f| put(f, "/pcf/productOrSectorSpecificRules", json!([])),
        [(P01, Error, "/pcf/productOrSectorSpecificRules"),]
    ),
    case!(
        "subdivision",
        "mailer-3525",
        |f| {
            remove(f, "/pcf/geographyRegionOrSubregion");
            put(f, "/pcf/geographyCountrySubdivision", json!("FR89"));
        },
        [(P01, Error, "/pcf/geographyCountrySubdivision")]
    ),
    case!(
        "report",
        "box-504040",
        |f| {
            put(f, "/pcf/ipccCharacterizationFactorsSources/0", json!("AR"));
        },
        [(P01, Error, "/pcf/ipccCharacterizationFactorsSources/0")]
    ),
    case!(
        "closed PACT enumeration",
        "box-504040",
        |f| put(f, "/pcf/declaredUnit", json!("piece")),
        [(P02, Error, "/pcf/declaredUnit"),]
    ),
    case!(
        "closed enumeration in a set",
        "box-504040",
        |f| {
            put(f, "/pcf/crossSectoralStandardsUsed/0", json!("ISO 14083"));
        },
        [(P02, Error, "/pcf/crossSectoralStandardsUsed/0")]
    ),
    case!(
        "closed iLEAP enumeration",
        "hoc-warehouse-1",
        |f| {
            put_data(f, "/hubType", json!("warehouse"));
        },
        [(P02, Error, "/extensions/0/data/hubType")]
    ),
    case!(
        "negative",
        "box-504040",
        |f| put(f, "/pcf/fossilCarbonContent", json!("-0.1")),
        [(P03, Error, "/pcf/fossilCarbonContent"),]
    ),
    case!(
        "positive withdrawal",
        "box-504040",
        |f| {
            put(f, "/pcf/biogenicCarbonWithdrawal", json!("0.1"));
        },
        [(P03, Error, "/pcf/biogenicCarbonWithdrawal")]
    ),
    case!(
        "no amount",
        "box-504040",
        |f| put(f, "/pcf/unitaryProductAmount", json!("0.0")),
        [(P03, Error, "/pcf/unitaryProductAmount"),]
    ),
    case!(
        "small amount",
        "box-504040",
        |f| put(f, "/pcf/unitaryProductAmount", json!("0.001")),
        []
    ),
    case!(
        "quality out of range",
        "box-504040",
        |f| {
            put(f, "/pcf/dqi/temporalDQR", json!(3.1));
            put(f, "/pcf/exemptedEmissionsPercent", json!(5.5));
        },
        [
            (P03, Error, "/pcf/exemptedEmissionsPercent"),
            (P03, Error, "/pcf/dqi/temporalDQR"),
        ]
    ),
    case!(
        "two geographies",
        "mailer-3525",
        |f| put(f, "/pcf/geographyCountry", json!("SE")),
        [(P04, Error, "/pcf/geographyRegionOrSubregion"),]
    ),
    case!(
        "no geography",
        "mailer-3525",
        |f| remove(f, "/pcf/geographyRegionOrSubregion"),
        []
    ),
    case!(
        "reference period",
        "toc-rail-1",
        |f| {
            put(f, "/pcf/referencePeriodEnd", json!("2023-07-01T00:00:00Z"));
        },
        [(P05, Error, "/pcf/referencePeriodEnd")]
    ),
    case!(
        "half a validity period",
        "box-504040",
        |f| remove(f, "/validityPeriodStart"),
        [(P06, Error, "/validityPeriodStart"),]
    ),
    case!(
        "no validity period",
        "box-504040",
        |f| {
            remove(f, "/validityPeriodStart");
            remove(f, "/validityPeriodEnd");
        },
        []
    ),
    case!(
        "validity reversed",
        "box-504040",
        |f| {
            put(f, "/validityPeriodEnd", json!("2022-03-15T11:47:32Z"));
        },
        [(P06, Error, "/validityPeriodEnd")]
    ),
    case!(
        "validity too early",
        "box-504040",
        |f| {
            put(f, "/validityPeriodStart", json!("2021-12-31T23:59:59Z"));
        },
        [(P06, Error, "/validityPeriodStart")]
    ),
    case!(
        "validity of three years",
        "box-504040",
        |f| {
            put(f, "/validityPeriodEnd", json!("2025-01-01T00:00:00Z"));
        },
        []
    ),
    case!(
        "validity too late",
        "box-504040",
        |f| {
            put(f, "/validityPeriodEnd", json!("2025-01-01T00:00:01Z"));
        },
        [(P06, Error, "/validityPeriodEnd")]
    ),
    case!(
        "packaging",
        "mailer-3525",
        |f| put(f, "/pcf/packagingEmissionsIncluded", json!(false)),
        [(P07, Error, "/pcf/packagingGhgEmissions"),]
    ),
    case!(
        "members due from 2025",
        "mailer-3525",
        |f| {
            remove(f, "/pcf/dLucGhgEmissions");
            remove(f, "/pcf/dqi");
        },
        [
            (P08, Error, "/pcf/dLucGhgEmissions"),
            (P08, Error, "/pcf/dqi")
        ]
    ),
    case!(
        "members not due before 2025",
        "box-504040",
        |f| {
            remove(f, "/pcf/dLucGhgEmissions");
            remove(f, "/pcf/dqi");
        },
        []
    ),
    case!(
        "no quality before 2025",
        "box-504040",
        |f| {
            remove(f, "/pcf/primaryDataShare");
            remove(f, "/pcf/dqi");
        },
        [(P08, Error, "/pcf/primaryDataShare")]
    ),
    case!(
        "no quality of transport",
        "toc-rail-1",
        |f| remove(f, "/pcf/primaryDataShare"),
        [(P08, Warning, "/pcf/primaryDataShare"),]
    ),
    case!(
        "transport from 2025",
        "toc-rail-1",
        |f| {
            put(f, "/pcf/referencePeriodEnd", json!("2025-07-01T00:00:00Z"));
        },
        [
            (P08, Warning, "/pcf/dLucGhgEmissions"),
            (P08, Warning, "/pcf/landManagementGhgEmissions"),
            (P08, Warning, "/pcf/otherBiogenicGhgEmissions"),
            (P08, Warning, "/pcf/biogenicCarbonWithdrawal"),
            (P08, Warning, "/pcf/biogenicAccountingMethodology"),
            (P08, Warning, "/pcf/dqi"),
        ]
    ),
    case!(
        "unnamed operator",
        "green-ethanol-98-12l",
        |f| {
            remove(f, "/pcf/productOrSectorSpecificRules/0/otherOperatorName");
        },
        [(
            P09,
            Error,
            "/pcf/productOrSectorSpecificRules/0/otherOperatorName"
        )]
    ),
    case!(
        "operator named twice",
        "box-504040",
        |f| {
            put(
                f,
                "/pcf/productOrSectorSpecificRules/0/otherOperatorName",
                json!("x"),
            );
        },
        [(
            P09,
            Error,
            "/pcf/productOrSectorSpecificRules/0/otherOperatorName"
        )]
    ),
    case!(
        "repeated element",
        "box-504040",
        |f| {
            put(
                f,
                "/pcf/ipccCharacterizationFactorsSources",
                json!(["AR6", "AR5", "AR6"]),
            );
        },
        [(P10, Error, "/pcf/ipccCharacterizationFactorsSources/2")]
    ),
    case!(
        "updated before created",
        "box-504040",
        |f| {
            put(f, "/updated", json!("2022-03-15T11:47:32Z"));
        },
        [(P11, Error, "/updated")]
    ),
    case!(
        "a version without its moment",
        "box-504040",
        |f| remove(f, "/updated"),
        [(P11, Warning, "/updated")]
    ),
    case!(
        "updated first version",
        "box-504040",
        |f| put(f, "/version", json!(0)),
        [(P11, Error, "/version"),]
    ),
    case!(
        "null",
        "box-504040",
        |f| put(f, "/pcf/dqi", Value::Null),
        [(P12, Error, "/pcf/dqi")]
    ),
    case!(
        "null array",
        "box-504040",
        |f| put(f, "/extensions", Value::Null),
        [(P12, Error, "/extensions"),]
    ),
    case!(
        "mandatory null",
        "box-504040",
        |f| put(f, "/comment", Value::Null),
        [(P01, Error, "/comment"), (P12, Error, "/comment"),]
    ),
    case!(
        "null in an iLEAP object",
        "toc-rail-1",
        |f| {
            put_data(f, "/loadFactor", Value::Null);
        },
        [(P12, Warning, "/extensions/0/data/loadFactor")]
    ),
    case!(
        "comma",
        "shipment-simple-1",
        |f| put_data(f, "/mass", json!("24000,0")),
        [(R01, Error, "/extensions/0/data/mass"),]
    ),
    case!(
        "exponent",
        "toc-rail-1",
        |f| put_data(f, "/co2eIntensityTTW", json!("1e-3")),
        [(R01, Error, "/extensions/0/data/co2eIntensityTTW"),]
    ),
    case!(
        "plus",
        "box-504040",
        |f| put(f, "/pcf/fossilCarbonContent", json!("+1")),
        [(R01, Error, "/pcf/fossilCarbonContent"),]
    ),
    case!(
        "no elements",
        "shipment-simple-1",
        |f| put_data(f, "/tces", json!([])),
        [(R02, Error, "/extensions/0/data/tces"),]
    ),
    case!(
        "repeated element id",
        "shipment-air-1",
        |f| {
            put_data(f, "/tces/1/tceId", json!("shipment-air-1-tce-1"));
            put_data(f, "/tces/1/prevTceIds", json!([]));
        },
        [(R02, Error, "/extensions/0/data/tces/1/tceId")]
    ),
    case!(
        "neither toc nor hoc",
        "shipment-simple-1",
        |f| remove_data(f, "/tces/0/tocId"),
        [(R03, Error, "/extensions/0/data/tces/0"),]
    ),
    case!(
        "both toc and hoc",
        "shipment-simple-1",
        |f| put_data(f, "/tces/0/hocId", json!("x")),
        [(R03, Error, "/extensions/0/data/tces/0"),]
    ),
    case!(
        "foreign shipment id",
        "shipment-air-1",
        |f| {
            put_data(f, "/tces/1/shipmentId", json!("shipment-1"));
        },
        [(R04, Error, "/extensions/0/data/tces/1/shipmentId")]
    ),
    case!(
        "unknown predecessor",
        "shipment-air-1",
        |f| {
            put_data(f, "/tces/1/prevTceIds/0", json!("x"));
        },
        [(R05, Error, "/extensions/0/data/tces/1/prevTceIds/0")]
    ),
    case!(
        "own predecessor",
        "shipment-air-1",
        |f| {
            put_data(f, "/tces/1/prevTceIds/0", json!("shipment-air-1-tce-2"));
        },
        [(R05, Error, "/extensions/0/data/tces/1/prevTceIds/0")]
    ),
    case!(
        "repeated predecessor",
        "shipment-air-1",
        |f| {
            put_data(
                f,
                "/tces/1/prevTceIds",
                json!(["shipment-air-1-tce-1", "shipment-air-1-tce-1"]),
            );
        },
        [(R05, Error, "/extensions/0/data/tces/1/prevTceIds/1")]
    ),
    case!(
        "cycle",
        "shipment-air-1",
        |f| {
            put_data(f, "/tces/0/prevTceIds", json!(["shipment-air-1-tce-2"]));
        },
        [(R05, Error, "/extensions/0/data/tces/0/prevTceIds")]
    ),
    case!(
        "unknown position",
        "shipment-air-1",
        |f| remove_data(f, "/tces/0/prevTceIds"),
        [(R06, Warning, "/extensions/0/data/tces/0/prevTceIds"),]
    ),
    case!(
        "unknown positions",
        "shipment-air-1",
        |f| {
            remove_data(f, "/tces/0/prevTceIds");
            remove_data(f, "/tces/1/prevTceIds");
        },
        []
    ),
    case!(
        "activity",
        "shipment-air-1",
        |f| {
            // Moves activity from one element to the other, so that the sum stays.
            put_data(f, "/tces/0/transportActivity", json!("36"));
            put_data(f, "/tces/1/transportActivity", json!("5271.4"));
        },
        [(R07, Error, "/extensions/0/data/tces/0/transportActivity")]
    ),
    case!(
        "activity by actual distance",
        "shipment-multi-modal-1",
        |f| {
            put_data(
                f,
                "/tces/2/distance",
                json!({"actual": "423", "sfd": "400"}),
            );
        },
        []
    ),
    case!(
        "activity of a hub",
        "shipment-multi-modal-1",
        |f| {
            put_data(f, "/tces/1/transportActivity", json!("1"));
        },
        [
            (R07, Warning, "/extensions/0/data/tces/1/transportActivity"),
            (R08, Warning, "/extensions/0/data/tces/1/transportActivity"),
        ]
    ),
    case!(
        "distance in a hub",
        "shipment-multi-modal-1",
        |f| {
            put_data(f, "/tces/1/transportActivity", json!("24"));
            put_data(f, "/tces/1/distance/actual", json!("1"));
        },
        [
            (R08, Warning, "/extensions/0/data/tces/1/transportActivity"),
            (R08, Warning, "/extensions/0/data/tces/1/distance"),
        ]
    ),
    case!(
        "tank above well",
        "shipment-air-1",
        |f| {
            put_data(f, "/tces/0/co2eTTW", json!("26.963"));
        },
        [(R09, Warning, "/extensions/0/data/tces/0/co2eTTW")]
    ),
    case!(
        "negative factor",
        "toc-rail-1",
        |f| {
            put_data(f, "/energyCarriers/0/emissionFactorTTW", json!("-0.1"));
        },
        [(
            R09,
            Warning,
            "/extensions/0/data/energyCarriers/0/emissionFactorTTW"
        )]
    ),
    case!(
        "intensity in tank above well",
        "hoc-warehouse-1",
        |f| {
            put_data(f, "/co2eIntensityTTW", json!("2.61"));
        },
        [(R09, Warning, "/extensions/0/data/co2eIntensityTTW")]
    ),
    case!(
        "sum of shares",
        "toc-road-1",
        |f| {
            put_data(f, "/energyCarriers/0/relativeShare", json!("0.7"));
        },
        [(R11, Error, "/extensions/0/data/energyCarriers")]
    ),
    case!(
        "share of nothing",
        "toc-rail-1",
        |f| {
            put_data(f, "/energyCarriers/0/relativeShare", json!("0"));
        },
        [(
            R11,
            Error,
            "/extensions/0/data/energyCarriers/0/relativeShare"
        )]
    ),
    case!(
        "feedstock share",
        "toc-rail-1",
        |f| {
            put_data(
                f,
                "/energyCarriers/0/feedstocks/0/feedstockShare",
                json!("1.5"),
            );
        },
        [(
            R12,
            Error,
            "/extensions/0/data/energyCarriers/0/feedstocks/0/feedstockShare"
        )]
    ),
    case!(
        "sum of feedstocks",
        "toc-rail-1",
        |f| {
            put_data(
                f,
                "/energyCarriers/0/feedstocks",
                json!([
                    {"feedstock": "Grid", "feedstockShare": "0.8"},
                    {"feedstock": "Renewable electricity", "feedstockShare": "0.3"},
                ]),
            );
        },
        [(R12, Error, "/extensions/0/data/energyCarriers/0/feedstocks")]
    ),
    case!(
        "consumption without unit",
        "toc-rail-1",
        |f| {
            put_data(f, "/energyCarriers/0/energyConsumption", json!("10"));
            remove_data(f, "/energyCarriers/0/energyConsumptionUnit");
        },
        [(
            R13,
            Error,
            "/extensions/0/data/energyCarriers/0/energyConsumptionUnit"
        )]
    ),
    case!(
        "no unit",
        "toc-rail-1",
        |f| {
            remove_data(f, "/energyCarriers/0/energyConsumptionUnit");
        },
        []
    ),
    case!(
        "no factor",
        "hoc-warehouse-1",
        |f| {
            remove_data(f, "/energyCarriers/1/emissionFactorTTW");
        },
        [(
            R14,
            Error,
            "/extensions/0/data/energyCarriers/1/emissionFactorTTW"
        )]
    ),
    case!(
        "load factor",
        "toc-rail-1",
        |f| put_data(f, "/loadFactor", json!("0")),
        [(R15, Error, "/extensions/0/data/loadFactor"),]
    ),
    case!(
        "full load",
        "toc-rail-1",
        |f| put_data(f, "/loadFactor", json!("1.0")),
        []
    ),
    case!(
        "empty distance",
        "toc-rail-1",
        |f| put_data(f, "/emptyDistanceFactor", json!("1")),
        [(R15, Error, "/extensions/0/data/emptyDistanceFactor"),]
    ),
    case!(
        "truck on rails",
        "toc-rail-1",
        |f| {
            put_data(f, "/truckLoadingSequence", json!("FTL"));
            put_data(f, "/flightLength", json!("long-haul"));
        },
        [
            (R16, Error, "/extensions/0/data/truckLoadingSequence"),
            (R16, Error, "/extensions/0/data/flightLength"),
        ]
    ),
    case!(
        "containers on rails",
        "toc-rail-1",
        |f| {
            put_data(f, "/transportActivityUnit", json!("TEUkm"));
            put_data(f, "/co2eIntensityWTW", json!("0.07"));
        },
        [(R16, Error, "/extensions/0/data/transportActivityUnit")]
    ),
    case!(
        "no distance",
        "shipment-simple-1",
        |f| put_data(f, "/tces/0/distance", json!({})),
        [(R17, Error, "/extensions/0/data/tces/0/distance"),]
    ),
    case!(
        "country",
        "hoc-warehouse-1",
        |f| {
            put_data(f, "/hubLocation/country", json!("Germany"));
        },
        [(R18, Error, "/extensions/0/data/hubLocation/country")]
    ),
    case!(
        "locode",
        "shipment-simple-1",
        |f| {
            put_data(f, "/tces/0/origin/locode", json!("NLAMS"));
        },
        [(R18, Warning, "/extensions/0/data/tces/0/origin/locode")]
    ),
    case!(
        "not UTC in an element",
        "shipment-simple-1",
        |f| {
            put_data(f, "/tces/0/departureAt", json!("2024-10-07T07:30:00+02:00"));
        },
        [(R19, Error, "/extensions/0/data/tces/0/departureAt")]
    ),
    case!(
        "empty certifications",
        "toc-rail-1",
        |f| put_data(f, "/certifications", json!([])),
        [(R20, Error, "/extensions/0/data/certifications"),]
    ),
    case!(
        "repeated certification",
        "hoc-warehouse-1",
        |f| {
            put_data(f, "/certifications", json!(["GLECv3", "GLECv3"]));
        },
        [(R20, Error, "/extensions/0/data/certifications/1")]
    ),
    case!(
        "product id",
        "toc-rail-1",
        |f| {
            put(
                f,
                "/productIds/0",
                json!("urn:pathfinder:product:customcode:vendor-assigned:toc-rail-1"),
            );
        },
        [(R21, Error, "/productIds")]
    ),
    case!(
        "product id of the buyer",
        "toc-rail-1",
        |f| {
            put(
                f,
                "/productIds",
                json!([
                    "urn:gtin:4712345060507",
                    "urn:pathfinder:product:customcode:buyer-assigned:toc:toc-rail-1",
                ]),
            );
        },
        []
    ),
    case!(
        "mapped constants",
        "shipment-simple-1",
        |f| {
            put(f, "/productCategoryCpc", json!("83118"));
            put(f, "/pcf/declaredUnit", json!("kilogram"));
            put(f, "/pcf/packagingEmissionsIncluded", json!(true));
            put(f, "/extensions/0/specVersion", json!("1.0.0"));
            put(
                f,
                "/extensions/0/dataSchema",
                json!("https://example.org/shipment-footprint.json"),
            );
            remove(f, "/extensions/0/documentation");
        },
        [
            (R22, Error, "/extensions/0/specVersion"),
            (R22, Error, "/extensions/0/dataSchema"),
            (R22, Warning, "/extensions/0/documentation"),
            (R22, Error, "/productCategoryCpc"),
            (R22, Error, "/pcf/declaredUnit"),
            (R22, Error, "/pcf/packagingEmissionsIncluded"),
        ]
    ),
    case!(
        "mapped shipment",
        "shipment-simple-1",
        |f| {
            put(f, "/pcf/unitaryProductAmount", json!("9000"));
            put(f, "/pcf/pCfExcludingBiogenic", json!("1000"));
            put(f, "/pcf/productMassPerDeclaredUnit", json!("23000"));
        },
        [
            (R22, Error, "/pcf/unitaryProductAmount"),
            (R22, Error, "/pcf/pCfExcludingBiogenic"),
            (R22, Error, "/pcf/fossilGhgEmissions"),
            (R22, Warning, "/pcf/productMassPerDeclaredUnit"),
        ]
    ),
    case!(
        "mapped toc",
        "toc-rail-1",
        |f| {
            put(f, "/pcf/unitaryProductAmount", json!("2"));
            put(f, "/pcf/fossilCarbonContent", json!("0.1"));
            put(f, "/pcf/biogenicCarbonContent", json!("0.1"));
            put(f, "/pcf/pCfIncludingBiogenic", json!("0.007"));
        },
        [
            (R22, Warning, "/pcf/unitaryProductAmount"),
            (R22, Warning, "/pcf/fossilCarbonContent"),
            (R22, Warning, "/pcf/biogenicCarbonContent"),
            (R22, Warning, "/pcf/pCfIncludingBiogenic"),
        ]
    ),
    case!(
        "copied carbon content",
        "toc-rail-1",
        |f| {
            put(f, "/pcf/fossilCarbonContent", json!("0.007"));
        },
        []
    ),
    case!(
        "biogenic emissions from 2025",
        "toc-rail-1",
        |f| {
            put(f, "/pcf/referencePeriodEnd", json!("2025-07-01T00:00:00Z"));
            put(f, "/pcf/pCfIncludingBiogenic", json!("0.007"));
            put(f, "/pcf/dLucGhgEmissions", json!("0"));
            put(f, "/pcf/landManagementGhgEmissions", json!("0"));
            put(f, "/pcf/otherBiogenicGhgEmissions", json!("0"));
            put(f, "/pcf/biogenicCarbonWithdrawal", json!("0"));
            put(f, "/pcf/biogenicAccountingMethodology", json!("GHGP"));
        },
        [(P08, Warning, "/pcf/dqi")]
    ),
    case!(
        "mapped hoc",
        "hoc-container-terminal-1",
        |f| {
            put(f, "/pcf/unitaryProductAmount", json!("1"));
            put(f, "/pcf/pCfExcludingBiogenic", json!("18"));
            put(f, "/pcf/fossilGhgEmissions", json!("18.00"));
        },
        [
            (R22, Error, "/pcf/unitaryProductAmount"),
            (R22, Error, "/pcf/pCfExcludingBiogenic"),
        ]
    ),
    case!(
        "two iLEAP objects",
        "toc-rail-1",
        |f| {
            let extension = f["extensions"][0].clone();
            f["extensions"].as_array_mut().unwrap().push(extension);
        },
        [(R22, Error, "/extensions/1")]
    ),
    case!(
        "another extension",
        "toc-rail-1",
        |f| {
            let foreign = json!({
                "specVersion": "1.0", "dataSchema": "https://example.org/a.json", "data": {},
            });
            f["extensions"].as_array_mut().unwrap().insert(0, foreign);
        },
        [(R22, Warning, "/extensions/0")]
    ),
    case!(
        "hub operations alone",
        "shipment-multi-modal-1",
        |f| {
            let hub = f["extensions"][0]["data"]["tces"][1].clone();
            put_data(f, "/tces", json!([hub]));
            put_data(f, "/tces/0/prevTceIds", json!([]));
            put(f, "/pcf/unitaryProductAmount", json!("0"));
            put(f, "/pcf/pCfExcludingBiogenic", json!("28.8"));
            put(f, "/pcf/fossilGhgEmissions", json!("28.8"));
        },
        [(R23, Error, "/pcf/unitaryProductAmount")]
    ),
    case!(
        "hub operations alone, with an amount",
        "shipment-multi-modal-1",
        |f| {
            let hub = f["extensions"][0]["data"]["tces"][1].clone();
            put_data(f, "/tces", json!([hub]));
            put_data(f, "/tces/0/prevTceIds", json!([]));
            put(f, "/pcf/unitaryProductAmount", json!("7"));
            put(f, "/pcf/pCfExcludingBiogenic", json!("28.8"));
            put(f, "/pcf/fossilGhgEmissions", json!("28.8"));
        },
        [(R23, Error, "/pcf/unitaryProductAmount")]
    ),
    case!(
        "no amount of transport",
        "toc-rail-1",
        |f| put(f, "/pcf/unitaryProductAmount", json!("0")),
        [(R23, Error, "/pcf/unitaryProductAmount")]
    ),
    case!(
        "heavy element",
        "shipment-simple-1",
        |f| put_data(f, "/mass", json!("23000")),
        [(R25, Warning, "/extensions/0/data/tces/0/mass"),]
    ),
    case!(
        "light elements",
        "shipment-simple-1",
        |f| put_data(f, "/mass", json!("25000")),
        [(R25, Warning, "/extensions/0/data/mass"),]
    ),
];

pub(super) const TAD_CASES: &[Case] = &[
    case!("nothing", "activity-air-1-2", |_| {}, []),
    case!(
        "no object",
        "activity-air-1-2",
        |t| *t = json!("x"),
        [(P01, Error, "")]
    ),
    case!(
        "missing mode",
        "activity-gas-1",
        |t| remove(t, "/mode"),
        [(P01, Error, "/mode")]
    ),
    case!(
        "amount as text",
        "activity-gas-1",
        |t| put(t, "/packagingOrTrEqAmount", json!("1")),
        [(P01, Error, "/packagingOrTrEqAmount"),]
    ),
    case!(
        "no carriers",
        "activity-gas-1",
        |t| put(t, "/energyCarriers", json!([])),
        [(P01, Error, "/energyCarriers"),]
    ),
    case!(
        "unknown carriers",
        "activity-gas-1",
        |t| remove(t, "/energyCarriers"),
        []
    ),
    case!(
        "unknown factors",
        "activity-gas-1",
        |t| {
            remove(t, "/energyCarriers/0/emissionFactorWTW");
        },
        []
    ),
    case!(
        "mode",
        "activity-gas-1",
        |t| put(t, "/mode", json!("road")),
        [(P02, Error, "/mode")]
    ),
    case!(
        "negative mass",
        "activity-gas-1",
        |t| put(t, "/mass", json!("-1")),
        [(P03, Error, "/mass"),]
    ),
    case!(
        "null",
        "activity-gas-1",
        |t| put(t, "/origin/iata", Value::Null),
        [(P12, Warning, "/origin/iata"),]
    ),
    case!(
        "leading point",
        "activity-gas-1",
        |t| put(t, "/mass", json!(".5")),
        [(R01, Error, "/mass"),]
    ),
    case!(
        "tank above well",
        "activity-gas-1",
        |t| {
            put(t, "/energyCarriers/0/emissionFactorTTW", json!("4"));
        },
        [(R09, Warning, "/energyCarriers/0/emissionFactorTTW")]
    ),
    case!(
        "sum of shares",
        "activity-gas-1",
        |t| {
            put(t, "/energyCarriers/0/relativeShare", json!("0.9"));
        },
        [(R11, Error, "/energyCarriers")]
    ),
    case!(
        "feedstock share",
        "activity-gas-1",
        |t| {
            put(
                t,
                "/energyCarriers/0/feedstocks/0/feedstockShare",
                json!("-0.1"),
            );
        },
        [(R12, Error, "/energyCarriers/0/feedstocks/0/feedstockShare")]
    ),
    case!(
        "unit",
        "activity-gas-1",
        |t| remove(t, "/energyCarriers/0/energyConsumptionUnit"),
        [(R13, Error, "/energyCarriers/0/energyConsumptionUnit"),]
    ),
    case!(
        "load factor",
        "activity-gas-1",
        |t| put(t, "/loadFactor", json!("1.01")),
        [(R15, Error, "/loadFactor"),]
    ),
    case!(
        "airport by road",
        "activity-air-1-2",
        |t| {
            put(t, "/mode", json!("Road"));
        },
        [
            (R16, Warning, "/origin/iata"),
            (R16, Warning, "/destination/iata")
        ]
    ),
    case!(
        "station by road",
        "activity-gas-1",
        |t| put(t, "/origin/uic", json!("8002549")),
        [(R16, Warning, "/origin/uic"),]
    ),
    case!(
        "negative distance",
        "activity-gas-1",
        |t| put(t, "/distance/sfd", json!("-0.1")),
        [(R17, Error, "/distance/sfd"),]
    ),
    case!(
        "latitude alone",
        "activity-gas-1",
        |t| remove(t, "/origin/lng"),
        [(R18, Error, "/origin/lng"),]
    ),
    case!(
        "latitude",
        "activity-gas-1",
        |t| put(t, "/origin/lat", json!("90.01")),
        [(R18, Error, "/origin/lat"),]
    ),
    case!(
        "longitude",
        "activity-gas-1",
        |t| put(t, "/destination/lng", json!("-180.01")),
        [(R18, Error, "/destination/lng"),]
    ),
    case!(
        "arrival before departure",
        "activity-gas-1",
        |t| {
            put(t, "/arrivalAt", json!("2024-11-13T04:59:59Z"));
        },
        [(R19, Warning, "/arrivalAt")]
    ),
    case!(
        "local time",
        "activity-gas-1",
        |t| {
            put(t, "/departureAt", json!("2024-11-13T05:00:00"));
        },
        [(P01, Error, "/departureAt")]
    ),
    case!(
        "no consignments",
        "activity-gas-1",
        |t| put(t, "/consignmentIds", json!([])),
        [(R26, Error, "/consignmentIds"),]
    ),
    case!(
        "repeated consignment",
        "activity-gas-1",
        |t| {
            put(t, "/consignmentIds", json!(["a", "a"]));
        },
        [(R26, Error, "/consignmentIds/1")]
    ),
];
