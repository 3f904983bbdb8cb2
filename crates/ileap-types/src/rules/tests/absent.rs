//! What is there and says nothing.

use super::*;

#[test]
fn nulls_and_empty_lists_that_say_nothing_are_removed() {
    let mut shipment = footprint("shipment-multi-modal-1");
    let expected = {
        put(
            &mut shipment,
            "/extensions/0/data/tces/0/prevTceIds",
            json!([]),
        );
        shipment.clone()
    };
    assert!(!remove_absent_in_footprint(&mut shipment));
    for (pointer, nothing) in [
        ("/precedingPfIds", json!([])),
        ("/statusComment", Value::Null),
        ("/pcf/productOrSectorSpecificRules", json!([])),
        ("/productClassifications", json!([])),
        ("/extensions/0/data/tces/0/flightNo", Value::Null),
    ] {
        let mut changed = expected.clone();
        put(&mut changed, pointer, nothing);
        assert!(remove_absent_in_footprint(&mut changed), "{pointer}");
        assert_eq!(changed, expected, "{pointer}");
    }
    let expected = footprint("toc-rail-1");
    let mut toc = expected.clone();
    put(&mut toc, "/extensions/0/data/certifications", json!([]));
    put(
        &mut toc,
        "/extensions/0/data/energyCarriers/0/feedstocks",
        json!([]),
    );
    assert!(remove_absent_in_footprint(&mut toc));
    let mut expected = expected;
    for pointer in ["certifications", "energyCarriers/0/feedstocks"] {
        let pointer = format!("/extensions/0/data/{pointer}");
        if expected.pointer(&pointer).is_some() {
            remove(&mut expected, &pointer);
        }
    }
    assert_eq!(toc, expected);
    // What must be there stays, for P01 to name it.
    let mut broken = expected.clone();
    broken["companyIds"] = json!([]);
    assert!(!remove_absent_in_footprint(&mut broken));
    let expected = tad("activity-gas-1");
    let mut changed = expected.clone();
    changed["mass"] = Value::Null;
    changed["energyCarriers"] = json!([]);
    assert!(remove_absent_in_tad(&mut changed));
    assert_eq!(
        (changed.get("mass"), changed.get("energyCarriers")),
        (None, None)
    );
}

#[test]
fn nothing_is_removed_from_the_data_of_foreign_extensions() {
    let mut footprint = footprint("mailer-3525");
    let data = json!({"x": null, "tces": [], "list": [null]});
    let extension =
        json!({"specVersion": "1.0", "dataSchema": "https://example.org/a.json", "data": data});
    put(&mut footprint, "/extensions", json!([extension]));
    let expected = footprint.clone();
    assert!(!remove_absent_in_footprint(&mut footprint));
    assert_eq!(footprint, expected);
    footprint["extensions"][0]["documentation"] = Value::Null;
    assert!(remove_absent_in_footprint(&mut footprint));
    assert_eq!(footprint, expected);
    for odd in [
        json!(1),
        json!([]),
        json!({"extensions": [1, null, {"data": null}, {"data": 1}]}),
    ] {
        remove_absent_in_footprint(&mut odd.clone());
        remove_absent_in_tad(&mut odd.clone());
    }
}
