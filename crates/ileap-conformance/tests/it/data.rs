//! Data that keep every rule: generic products, a shipment with its TOCs and HOC, activities.

use serde_json::{Value, json};

/// What a host holds.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) footprints: Vec<Value>,
    pub(crate) tads: Vec<Value>,
    /// How many of them are on a page, at most.
    pub(crate) page: usize,
}

/// Places in `footprints`.
pub(crate) const GENERIC: usize = 0;
pub(crate) const TOC: usize = 2;
pub(crate) const HOC: usize = 4;
pub(crate) const SHIPMENT: usize = 5;

pub(crate) fn conformant() -> Data {
    Data {
        footprints: vec![
            footprint(1, "product-a", "22222", "kilogram", ["1", "2.5"]),
            footprint(2, "product-b", "22222", "kilogram", ["1", "3.5"]),
            toc(3, "toc-road", "Road", "0.1"),
            toc(4, "toc-rail", "Rail", "0.02"),
            hoc(5),
            shipment(6),
        ],
        tads: vec![
            tad(1, "Road", "Diesel", "Fossil"),
            tad(2, "Road", "HVO", "Cooking oil"),
            tad(3, "Rail", "Electric", "Grid"),
        ],
        page: 1000,
    }
}

fn footprint(
    number: u8,
    product: &str,
    cpc: &str,
    unit: &str,
    [amount, emissions]: [&str; 2],
) -> Value {
    json!({
        "id": format!("7c0b3e5a-0000-4000-8000-0000000000{number:02}"),
        "specVersion": "2.1.0",
        "version": 0,
        "created": format!("2024-0{number}-01T00:00:00Z"),
        "status": "Active",
        "companyName": "Carrier",
        "companyIds": ["urn:pathfinder:company:customcode:vendor-assigned:carrier"],
        "productDescription": "",
        "productIds": [format!("urn:pathfinder:product:customcode:vendor-assigned:{product}")],
        "productCategoryCpc": cpc,
        "productNameCompany": product,
        "comment": "",
        "pcf": {
            "declaredUnit": unit,
            "unitaryProductAmount": amount,
            "pCfExcludingBiogenic": emissions,
            "fossilGhgEmissions": emissions,
            "fossilCarbonContent": "0",
            "biogenicCarbonContent": "0",
            "characterizationFactors": "AR6",
            "ipccCharacterizationFactorsSources": ["AR6"],
            "crossSectoralStandardsUsed": ["GHG Protocol Product standard"],
            "crossSectoralStandards": ["ISO14083"],
            "boundaryProcessesDescription": "",
            "referencePeriodStart": "2023-01-01T00:00:00Z",
            "referencePeriodEnd": "2024-01-01T00:00:00Z",
            "exemptedEmissionsPercent": 0,
            "exemptedEmissionsDescription": "",
            "packagingEmissionsIncluded": false,
            "primaryDataShare": 80,
        },
    })
}

fn carried(mut footprint: Value, schema: &str, data: &Value) -> Value {
    footprint["extensions"] = json!([{
        "specVersion": "2.0.0",
        "dataSchema": format!("https://api.ileap.sine.dev/{schema}.json"),
        "data": data,
    }]);
    footprint
}

fn carrier(kind: &str, feedstock: &str) -> Value {
    json!({
        "energyCarrier": kind,
        "relativeShare": "1",
        "feedstocks": [{"feedstock": feedstock, "feedstockShare": "1"}],
        "energyConsumption": "10",
        "energyConsumptionUnit": "l",
        "emissionFactorWTW": "4.1",
        "emissionFactorTTW": "3.2",
    })
}

fn toc(number: u8, id: &str, mode: &str, intensity: &str) -> Value {
    let product = format!("toc:{id}");
    let footprint = footprint(number, &product, "83117", "ton kilometer", ["1", intensity]);
    let data = json!({
        "tocId": id,
        "certifications": ["ISO14083:2023"],
        "mode": mode,
        "loadFactor": "0.6",
        "emptyDistanceFactor": "0.2",
        "energyCarriers": [carrier("Diesel", "Fossil")],
        "co2eIntensityWTW": intensity,
        "co2eIntensityTTW": "0.01",
        "transportActivityUnit": "tkm",
    });
    carried(footprint, "toc", &data)
}

fn hoc(number: u8) -> Value {
    let footprint = footprint(number, "hoc:hub", "83117", "kilogram", ["1000", "33"]);
    let data = json!({
        "hocId": "hub",
        "hubType": "Transshipment",
        "hubLocation": place("Basel", "CH"),
        "energyCarriers": [carrier("Electric", "Grid")],
        "co2eIntensityWTW": "33",
        "co2eIntensityTTW": "10",
        "hubActivityUnit": "tonnes",
    });
    carried(footprint, "hoc", &data)
}

fn place(city: &str, country: &str) -> Value {
    json!({"city": city, "country": country, "lat": "47.5", "lng": "7.6"})
}

fn shipment(number: u8) -> Value {
    let element =
        |id: &str, category: (&str, &str), before: &[&str], km: &str, [tkm, kg]: [&str; 2]| {
            json!({
                "tceId": id,
                "prevTceIds": before,
                category.0: category.1,
                "shipmentId": "s-1",
                "mass": "1000",
                "distance": {"actual": km},
                "transportActivity": tkm,
                "co2eWTW": kg,
                "co2eTTW": "1",
                "origin": place("Basel", "CH"),
                "departureAt": "2023-05-01T08:00:00Z",
                "arrivalAt": "2023-05-01T18:00:00Z",
            })
        };
    let footprint = footprint(
        number,
        "shipment:s-1",
        "83117",
        "ton kilometer",
        ["700", "59"],
    );
    let data = json!({
        "mass": "1000",
        "shipmentId": "s-1",
        "tces": [
            element("1", ("tocId", "toc-road"), &[], "150", ["150", "15"]),
            element("2", ("hocId", "hub"), &["1"], "0", ["0", "33"]),
            element("3", ("tocId", "toc-rail"), &["2"], "550", ["550", "11"]),
        ],
    });
    carried(footprint, "shipment-footprint", &data)
}

fn tad(number: u8, mode: &str, energy: &str, feedstock: &str) -> Value {
    json!({
        "activityId": format!("activity-{number}"),
        "consignmentIds": [format!("consignment-{number}")],
        "distance": {"actual": "100"},
        "mass": "500",
        "loadFactor": "0.5",
        "emptyDistanceFactor": "0.1",
        "origin": place("Hamburg", "DE"),
        "destination": place("Basel", "CH"),
        "departureAt": "2024-05-01T08:00:00Z",
        "arrivalAt": "2024-05-02T08:00:00Z",
        "mode": mode,
        "energyCarriers": [carrier(energy, feedstock)],
    })
}
