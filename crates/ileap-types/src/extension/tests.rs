use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{footprints, tads, tidied};
use crate::tad::Tad;

/// Members of earlier drafts which the samples still carry.
const OUTDATED: &[&str] = &[
    "isAccredited",
    "isVerified",
    "co2eIntensityThroughput",
    "feedstocks",
];

fn objects() -> Vec<(Value, IleapObject)> {
    let read = |footprint: Value| {
        let data = footprint["extensions"][0]["data"].clone();
        let footprint: ProductFootprint = serde_json::from_value(footprint).unwrap();
        let object = IleapObject::from_footprint(&footprint)?.unwrap();
        Some((data, object))
    };
    footprints().into_iter().filter_map(read).collect()
}

fn written(object: &impl Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

#[test]
fn objects_in_use_survive_reading_and_writing() {
    let objects = objects();
    let kinds: Vec<ObjectKind> = objects.iter().map(|(_, object)| object.kind()).collect();
    assert_eq!(
        kinds,
        [ObjectKind::Shipment, ObjectKind::Toc, ObjectKind::Hoc]
    );
    for (data, object) in objects {
        let again = match &object {
            IleapObject::Hoc(hoc) => written(hoc),
            IleapObject::Shipment(shipment) => written(shipment),
            IleapObject::Toc(toc) => written(toc),
        };
        assert_eq!(again, tidied(&data, &OUTDATED[..3]));
    }
}

#[test]
fn activities_in_use_survive_reading_and_writing() {
    for tad in tads() {
        let read: Tad = serde_json::from_value(tad.clone()).unwrap();
        assert_eq!(written(&read), tidied(&tad, OUTDATED));
    }
}

#[test]
fn every_member_of_every_object_is_kept() {
    let location = json!({"street": "s", "zip": "z", "city": "c", "country": "DE", "iata": "FRA", "locode": "DEFRA", "uic": "80", "lat": "50.1", "lng": "8.6"});
    let distance = json!({"actual": "1", "gcd": "2", "sfd": "3.0"});
    let carrier = json!({
        "energyCarrier": "Aviation fuel", "relativeShare": "1", "energyConsumption": "2", "energyConsumptionUnit": "l",
        "emissionFactorWTW": "3", "emissionFactorTTW": "2",
        "feedstocks": [{"feedstock": "Cooking oil", "feedstockShare": "0.5", "regionProvenance": "EU"}],
    });
    let shipment = json!({"mass": "1", "volume": "2", "shipmentId": "s", "tces": [{
        "tceId": "t", "prevTceIds": [], "tocId": "x", "hocId": "y", "shipmentId": "s", "consignmentId": "c", "mass": "1",
        "packagingOrTrEqType": "Container-TEU", "packagingOrTrEqAmount": "2.25", "distance": distance, "origin": location,
        "destination": location, "transportActivity": "1", "departureAt": "2025-01-01T00:00:00Z",
        "arrivalAt": "2025-01-02T00:00:00Z", "flightNo": "f", "voyageNo": "v", "incoterms": "DAP", "co2eWTW": "2",
        "co2eTTW": "1", "noxTTW": "1", "soxTTW": "1", "ch4TTW": "1", "pmTTW": "1",
    }]});
    let toc = json!({
        "tocId": "t", "certifications": ["ISO14083:2023", "GLECv3.1"], "description": "d", "mode": "Air", "loadFactor": "0.5",
        "emptyDistanceFactor": "0", "temperatureControl": "mixed", "truckLoadingSequence": "LTL",
        "airShippingOption": "belly freight", "flightLength": "short-haul", "energyCarriers": [carrier],
        "co2eIntensityWTW": "2", "co2eIntensityTTW": "1", "transportActivityUnit": "TEUkm",
    });
    let hoc = json!({
        "hocId": "h", "description": "d", "certifications": ["GLECv2"], "hubType": "LiquidBulkTerminal",
        "temperatureControl": "refrigerated", "hubLocation": location, "inboundTransportMode": "Sea",
        "outboundTransportMode": "InlandWaterway", "packagingOrTrEqType": "Box", "packagingOrTrEqAmount": 3,
        "energyCarriers": [carrier], "co2eIntensityWTW": "2", "co2eIntensityTTW": "1", "hubActivityUnit": "TEU",
    });
    let tad = json!({
        "activityId": "a", "consignmentIds": ["c"], "distance": distance, "mass": "1", "loadFactor": "0.5",
        "emptyDistanceFactor": "0", "origin": location, "destination": location, "departureAt": "2025-01-01T00:00:00Z",
        "arrivalAt": "2025-01-02T00:00:00Z", "mode": "Rail", "packagingOrTrEqType": "Pallet", "packagingOrTrEqAmount": 3,
        "energyCarriers": [carrier], "temperatureControl": "ambient",
    });
    assert_eq!(
        written(&ShipmentFootprint::deserialize(&shipment).unwrap()),
        shipment
    );
    assert_eq!(written(&Toc::deserialize(&toc).unwrap()), toc);
    assert_eq!(written(&Hoc::deserialize(&hoc).unwrap()), hoc);
    assert_eq!(written(&Tad::deserialize(&tad).unwrap()), tad);
}

#[test]
fn names_that_no_list_knows_are_kept() {
    let [mut shipment, mut toc, mut hoc] =
        [0, 1, 2].map(|index| tidied(&objects()[index].0, &OUTDATED[..3]));
    shipment["tces"][0]["incoterms"] = json!("DDU");
    for (member, name) in [
        ("mode", "Hyperloop"),
        ("temperatureControl", "frozen"),
        ("truckLoadingSequence", "PTL"),
        ("airShippingOption", "airship"),
        ("flightLength", "medium-haul"),
        ("transportActivityUnit", "m3km"),
    ] {
        toc[member] = json!(name);
    }
    toc["certifications"] = json!(["GLECv4"]);
    for (member, name) in [
        ("hubType", "Spaceport"),
        ("temperatureControl", "frozen"),
        ("inboundTransportMode", "Hyperloop"),
        ("outboundTransportMode", "road"),
        ("hubActivityUnit", "m3"),
    ] {
        hoc[member] = json!(name);
    }
    let read = ShipmentFootprint::deserialize(&shipment).unwrap();
    assert_eq!(written(&read), shipment);
    assert_eq!(written(&Toc::deserialize(&toc).unwrap()), toc);
    assert_eq!(written(&Hoc::deserialize(&hoc).unwrap()), hoc);
}

#[test]
fn what_is_no_decimal_is_refused() {
    let (toc, _) = objects().remove(1);
    for value in [json!("0,5"), json!(null)] {
        let mut toc = toc.clone();
        toc["co2eIntensityWTW"] = value;
        assert!(Toc::deserialize(&toc).is_err());
    }
}

#[test]
fn an_absent_list_of_predecessors_differs_from_an_empty_one() {
    let (mut shipment, _) = objects().remove(0);
    shipment["tces"][0]["prevTceIds"] = json!([]);
    shipment["tces"][1]["prevTceIds"] = json!(null);
    let read = ShipmentFootprint::deserialize(&shipment).unwrap();
    assert_eq!(read.tces[0].prev_tce_ids, Some(vec![]));
    assert_eq!(read.tces[1].prev_tce_ids, None);
}

#[test]
fn the_kind_is_told_by_the_last_segment_of_the_schema() {
    for kind in ObjectKind::ALL {
        assert_eq!(
            ObjectKind::from_data_schema(kind.data_schema()),
            Some(*kind)
        );
    }
    for (data_schema, kind) in [
        (
            "https://mirror.example/a/b/toc.json?x=/hoc.json#y",
            Some(ObjectKind::Toc),
        ),
        ("https://api.ileap.sine.dev/tad.json", None),
        ("https://api.ileap.sine.dev/pcf-toc.json", None),
        ("toc.json", None),
        ("", None),
    ] {
        assert_eq!(
            ObjectKind::from_data_schema(data_schema),
            kind,
            "{data_schema}"
        );
    }
}

#[test]
fn a_footprint_without_ileap_extension_has_no_object() {
    let mut footprint: ProductFootprint = serde_json::from_value(footprints().remove(2)).unwrap();
    footprint.extensions[0].data_schema = "https://other.example/schema.json".to_owned();
    assert!(IleapObject::from_footprint(&footprint).is_none());
}

#[test]
fn a_broken_object_is_an_error() {
    let mut footprint: ProductFootprint = serde_json::from_value(footprints().remove(2)).unwrap();
    footprint.extensions[0].data.remove("mass");
    assert!(IleapObject::from_footprint(&footprint).unwrap().is_err());
}

#[test]
fn product_urns_name_the_object() {
    for (_, object) in objects() {
        let urn = product_id_urn(object.kind(), object.id());
        assert_eq!(
            parse_product_id_urn(&urn),
            Some((object.kind(), object.id()))
        );
    }
    assert_eq!(
        product_id_urn(ObjectKind::Shipment, "a:b"),
        "urn:pathfinder:product:customcode:vendor-assigned:shipment:a:b"
    );
    for (urn, parsed) in [
        (
            "URN:pathfinder:product:customcode:buyer-assigned:toc:x",
            Some((ObjectKind::Toc, "x")),
        ),
        (
            "urn:pathfinder:product:customcode:vendor-assigned:toc:",
            None,
        ),
        (
            "urn:pathfinder:product:customcode:vendor-assigned:tad:x",
            None,
        ),
        ("urn:pathfinder:product:customcode:vendor-assigned:x", None),
        ("urn:gtin:4712345060507", None),
        ("ürn:", None),
    ] {
        assert_eq!(parse_product_id_urn(urn), parsed, "{urn}");
    }
}
