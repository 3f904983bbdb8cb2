//! What objects must know of each other.

use super::*;

#[test]
fn a_shipment_without_its_toc_and_hoc_is_found() {
    let shipment = footprint("shipment-multi-modal-1");
    let judged = judge_collection(&[shipment], &[]);
    let findings: Vec<_> = judged.into_iter().map(|(_, finding)| finding).collect();
    let expected = [
        (R24, Error, "/extensions/0/data/tces/0/tocId"),
        (R24, Error, "/extensions/0/data/tces/1/hocId"),
        (R24, Error, "/extensions/0/data/tces/2/tocId"),
    ];
    assert_eq!(brief(&findings), expected);
}

#[test]
fn emissions_that_do_not_follow_from_the_intensity_are_found() {
    let mut shipment = footprint("shipment-multi-modal-1");
    put(
        &mut shipment,
        "/extensions/0/data/tces/0/co2eWTW",
        json!("79"),
    );
    put(
        &mut shipment,
        "/extensions/0/data/tces/1/co2eWTW",
        json!("33"),
    );
    let others = ["toc-rail-1", "hoc-transshipment-1", "toc-road-1"].map(footprint);
    let all: Vec<_> = [shipment].into_iter().chain(others).collect();
    let judged = judge_collection(&all, &[]);
    assert!(
        judged
            .iter()
            .all(|(item, _)| *item == ItemRef::Footprint(0))
    );
    let findings: Vec<_> = judged.into_iter().map(|(_, finding)| finding).collect();
    let expected = [
        (R10, Warning, "/extensions/0/data/tces/0/co2eWTW"),
        (R10, Warning, "/extensions/0/data/tces/1/co2eWTW"),
    ];
    assert_eq!(brief(&findings), expected);
}

#[test]
fn emissions_per_container_are_not_compared_with_tonnes() {
    let mut shipment = footprint("shipment-container-1");
    put(
        &mut shipment,
        "/extensions/0/data/tces/1/co2eWTW",
        json!("33"),
    );
    let others = [
        "toc-barge-rhine-1",
        "hoc-container-terminal-1",
        "toc-sea-asia-1",
    ]
    .map(footprint);
    let all: Vec<_> = [shipment].into_iter().chain(others).collect();
    assert_eq!(judge_collection(&all, &[]), []);
}

#[test]
fn a_repeated_version_of_a_footprint_is_found_on_the_later_one() {
    let first = footprint("box-504040");
    let mut second = first.clone();
    second["id"] = json!(first["id"].as_str().unwrap().to_uppercase());
    let judged = judge_collection(&[first.clone(), second.clone()], &[]);
    let [(ItemRef::Footprint(1), finding)] = judged.as_slice() else {
        panic!("{judged:?}")
    };
    assert_eq!(
        brief(std::slice::from_ref(finding)),
        [(P11, Error, "/version")]
    );
    second["version"] = json!(9);
    assert_eq!(judge_collection(&[first, second], &[]), []);
}

#[test]
fn two_active_footprints_of_one_toc_are_found_on_both() {
    let first = footprint("toc-rail-1");
    let mut second = first.clone();
    second["id"] = json!("0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11");
    let judged = judge_collection(&[first.clone(), second.clone()], &[]);
    let places: Vec<_> = judged
        .iter()
        .map(|(item, finding)| (*item, finding.rule, finding.pointer.as_str()))
        .collect();
    let pointer = "/extensions/0/data/tocId";
    assert_eq!(
        places,
        [
            (ItemRef::Footprint(0), R24, pointer),
            (ItemRef::Footprint(1), R24, pointer)
        ]
    );
    second["status"] = json!("Deprecated");
    assert_eq!(judge_collection(&[first, second], &[]), []);
}

#[test]
fn a_repeated_activity_id_is_found_on_the_later_one() {
    let tads = [
        tad("activity-gas-1"),
        tad("activity-city-1"),
        tad("activity-gas-1"),
    ];
    let judged = judge_collection(&[], &tads);
    let [(ItemRef::Tad(2), finding)] = judged.as_slice() else {
        panic!("{judged:?}")
    };
    assert_eq!(
        brief(std::slice::from_ref(finding)),
        [(R26, Error, "/activityId")]
    );
}

#[test]
fn versions_of_one_footprint_rise() {
    let mut first = samples(FOOTPRINTS)[0].clone();
    let mut second = first.clone();
    (first["version"], second["version"]) = (json!(1), json!(2));
    assert_eq!(judge_collection(&[first.clone(), second.clone()], &[]), []);
    // UUIDs are equal regardless of case.
    first["id"] = json!(first["id"].as_str().unwrap().to_uppercase());
    let judged = judge_collection(&[second, first], &[]);
    let found: Vec<_> = judged
        .iter()
        .map(|(item, finding)| (*item, finding.rule, finding.pointer.as_str()))
        .collect();
    assert_eq!(found, [(ItemRef::Footprint(1), P11, "/version")]);
}

#[test]
fn what_is_available_elsewhere_is_not_missing() {
    let mut shipment = footprint("shipment-simple-1");
    put(
        &mut shipment,
        "/extensions/0/data/tces/0/co2eWTW",
        json!("1"),
    );
    let mut index = CollectionIndex::default();
    assert_eq!(index.add_footprint(&shipment), []);
    let named: Vec<_> = index.categories().map(|(_, id)| id.to_owned()).collect();
    let others: Vec<_> = named.iter().map(|id| footprint(id)).collect();
    let missing = index.judge_references(&shipment);
    assert!(missing.iter().all(|finding| finding.rule == R24) && !missing.is_empty());
    for other in &others {
        index.add_other(other);
    }
    let found = index.judge_references(&shipment);
    assert_eq!(
        brief(&found),
        [(R10, Warning, "/extensions/0/data/tces/0/co2eWTW")]
    );
}

#[test]
fn a_toc_that_is_available_elsewhere_as_well_is_a_rival() {
    let first = footprint("toc-rail-1");
    let mut second = first.clone();
    second["id"] = json!("0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11");
    let mut index = CollectionIndex::default();
    index.add_footprint(&first);
    // An older version of the first one will be gone.
    index.add_other(&first);
    assert_eq!(index.judge_references(&first), []);
    index.add_other(&second);
    assert_eq!(
        brief(&index.judge_references(&first)),
        [(R24, Warning, "/extensions/0/data/tocId")]
    );
}

#[test]
fn a_toc_that_the_collection_takes_away_is_missing() {
    let shipment = footprint("shipment-simple-1");
    let mut index = CollectionIndex::default();
    index.add_footprint(&shipment);
    let named: Vec<_> = index.categories().map(|(_, id)| id.to_owned()).collect();
    for id in &named {
        let stored = footprint(id);
        let mut renamed = stored.clone();
        put(&mut renamed, "/extensions/0/data/tocId", json!("renamed"));
        index.add_footprint(&renamed);
        index.add_other(&stored);
    }
    let missing = index.judge_references(&shipment);
    assert!(missing.iter().all(|finding| finding.rule == R24) && !missing.is_empty());
}

#[test]
fn collections_that_follow_each_other_know_what_came_before() {
    let shipment = footprint("shipment-simple-1");
    let mut first = CollectionIndex::default();
    for id in [
        "toc-road-1",
        "toc-rail-1",
        "toc-small-truck-1",
        "truck-40t-euro5-de",
    ] {
        first.add_footprint(&footprint(id));
    }
    let mut second = first.followed();
    second.add_footprint(&footprint("hoc-warehouse-1"));
    second.add_others(&first);
    first.append(second);
    let mut third = first.followed();
    third.add_footprint(&shipment);
    assert_ne!(third.judge_references(&shipment), []);
    third.add_others(&first);
    assert_eq!(third.judge_references(&shipment), []);
}

#[test]
fn codes_of_places_belong_to_the_mode_of_the_toc() {
    let mut shipment = footprint("shipment-multi-modal-1");
    let place = json!({"city": "Kassel", "country": "DE", "iata": "KSF", "uic": "8003200"});
    put(
        &mut shipment,
        "/extensions/0/data/tces/0/origin",
        place.clone(),
    );
    put(
        &mut shipment,
        "/extensions/0/data/tces/1/origin",
        place.clone(),
    );
    put(
        &mut shipment,
        "/extensions/0/data/tces/2/destination",
        place,
    );
    let others = ["toc-rail-1", "hoc-transshipment-1", "toc-road-1"].map(footprint);
    let all: Vec<_> = [shipment].into_iter().chain(others).collect();
    let judged = judge_collection(&all, &[]);
    let findings: Vec<_> = judged.into_iter().map(|(_, finding)| finding).collect();
    let expected = [
        (R16, Warning, "/extensions/0/data/tces/0/origin/iata"),
        (R16, Warning, "/extensions/0/data/tces/2/destination/iata"),
        (R16, Warning, "/extensions/0/data/tces/2/destination/uic"),
    ];
    assert_eq!(brief(&findings), expected);
}
