use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(pairs: &[(&str, &str)]) -> Result<TadFilter, FilterError> {
    let pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    TadFilter::parse(&pairs)
}

fn activity() -> Value {
    json!({
        "activityId": "A-1",
        "consignmentIds": ["C1", "C2"],
        "distance": {"actual": "656.0", "gcd": null},
        "mass": "1000.00",
        "mode": "InlandWaterway",
        "origin": {"city": "Köln", "country": "DE", "lat": "-0.50"},
        "destination": {"city": "Basel", "country": "CH"},
        "departureAt": "2025-06-24T15:06:29.500+02:00",
        "arrivalAt": "2025-07-04T15:06:29Z",
        "packagingOrTrEqAmount": 10,
        "energyCarriers": [
            {"energyCarrier": "Diesel", "relativeShare": "0.8", "feedstocks": [{"feedstock": "Fossil"}]},
            {"energyCarrier": "HVO", "relativeShare": "0.2", "feedstocks": [{"feedstock": "Cooking oil"}, {"feedstock": "Grid"}]},
        ],
        "unknown": "x",
    })
}

#[test]
fn an_alternative_that_is_given_again_counts_once() {
    let filter = parse(&[("city", "Rome"), ("city", "ROME"), ("city", "Paris")]).unwrap();
    let [term] = &filter.terms[..] else {
        panic!("{filter:?}");
    };
    assert_eq!(term.alternatives.len(), 4);
}

#[test]
fn a_field_is_found_by_its_name_or_its_path() {
    for (name, value) in [
        ("activityId", "a-1"),
        ("mode", "inlandwaterway"),
        ("city", "KÖLN"),
        ("city", "basel"),
        ("origin.city", "köln"),
        ("feedstock", "cooking oil"),
        ("energyCarriers.feedstocks.feedstock", "Grid"),
        ("consignmentIds", "c2"),
        ("consignmentId", "C1"),
        ("mass", "1000"),
        ("actual", "0656"),
        ("relativeShare", "0.20"),
        ("lat", "-0.5"),
        ("packagingOrTrEqAmount", "10.0"),
        ("departureAt", "2025-06-24T13:06:29.5Z"),
        ("departureAt", "2025-06-24T15:06:29.5 02:00"),
    ] {
        assert!(
            parse(&[(name, value)]).unwrap().matches(&activity()),
            "{name}={value}"
        );
    }
}

#[test]
fn another_value_is_not_found() {
    for (name, value) in [
        ("activityId", "A"),
        ("mode", ""),
        ("origin.city", "Basel"),
        ("consignmentIds", "C3"),
        ("mass", "100"),
        ("mass", "abc"),
        ("mass", "1e3"),
        ("gcd", "0"),
        ("volume", "1"),
        ("departureAt", "2025-06-24T13:06:29Z"),
    ] {
        let found = parse(&[(name, value)]).is_ok_and(|filter| filter.matches(&activity()));
        assert!(!found, "{name}={value}");
    }
}

#[test]
fn different_names_must_all_match_and_a_repeated_name_once() {
    for (pairs, matches) in [
        (
            vec![("origin.country", "DE"), ("mode", "InlandWaterway")],
            true,
        ),
        (vec![("origin.country", "DE"), ("mode", "Road")], false),
        (vec![("mode", "Road"), ("mode", "InlandWaterway")], true),
        (
            vec![("mode", "Road"), ("origin.country", "DE"), ("mode", "Rail")],
            false,
        ),
        (
            vec![("consignmentId", "nope"), ("consignmentIds", "C1")],
            true,
        ),
        (vec![("mass", "abc"), ("mass", "1000")], true),
        (vec![], true),
    ] {
        assert_eq!(
            parse(&pairs).unwrap().matches(&activity()),
            matches,
            "{pairs:?}"
        );
    }
}

#[test]
fn paging_parameters_are_no_filters() {
    let filter = parse(&[("limit", "5"), ("offset", "x"), ("cursor", "abc")]).unwrap();
    assert_eq!(filter, TadFilter::default());
}

#[test]
fn an_unknown_name_is_not_implemented() {
    for name in [
        "volume",
        "Mode",
        "origin",
        "energyCarriers",
        "feedstocks.feedstock",
        "",
        "$filter",
        "origin.",
    ] {
        assert!(
            matches!(parse(&[(name, "x")]), Err(FilterError::NotImplemented(_))),
            "{name}"
        );
    }
}

#[test]
fn a_malformed_date_time_is_a_bad_request() {
    for value in ["", "yesterday", "2025-06-24"] {
        assert!(
            matches!(
                parse(&[("arrivalAt", value)]),
                Err(FilterError::BadRequest(_))
            ),
            "{value}"
        );
    }
}

#[test]
fn the_index_holds_normalised_keys_of_known_fields() {
    let index = tad_index(&activity());
    for pair in [
        ("mode", "inlandwaterway"),
        ("mass", "1000"),
        ("departureAt", "2025-06-24T13:06:29.5Z"),
        ("consignmentIds", "c1"),
        ("consignmentIds", "c2"),
        ("energyCarriers.feedstocks.feedstock", "fossil"),
    ] {
        assert!(index.contains(&(pair.0, pair.1.to_owned())), "{pair:?}");
    }
    assert!(!index.iter().any(|(path, _)| *path == "distance.gcd"));
    let mut sorted = index.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(index, sorted);
}

#[test]
fn anything_can_be_indexed() {
    for value in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"mode": {"mode": "Road"}, "mass": [["1"]], "origin": "x"}),
    ] {
        assert_eq!(tad_index(&value), []);
    }
}

proptest! {
    #[test]
    fn every_indexed_value_finds_its_activity(mode in "[a-zA-ZÀ-ž ]{0,8}", mass in "-?[0-9]{1,6}(\\.[0-9]{1,4})?", ids in prop::collection::vec("\\PC{0,6}", 0..4)) {
        let tad = json!({"mode": mode, "mass": mass, "consignmentIds": ids});
        prop_assert!(parse(&[("mode", &mode), ("mass", &mass)]).unwrap().matches(&tad));
        prop_assert!(parse(&[("mode", &mode.to_lowercase())]).unwrap().matches(&tad));
        for id in &ids {
            prop_assert!(parse(&[("consignmentId", id)]).unwrap().matches(&tad));
        }
    }

    #[test]
    fn more_terms_match_less_and_more_values_match_more(
        first in prop::sample::select(vec!["Road", "Rail", "Sea"]),
        second in prop::sample::select(vec!["Road", "Rail", "Sea"]),
        actual in prop::sample::select(vec!["Road", "Rail", "Sea"]),
        city in prop::sample::select(vec!["Köln", "Basel"]),
    ) {
        let tad = json!({"mode": actual, "origin": {"city": "Köln"}});
        let either = parse(&[("mode", first), ("mode", second)]).unwrap().matches(&tad);
        prop_assert_eq!(either, actual == first || actual == second);
        let both = parse(&[("mode", first), ("city", city)]).unwrap().matches(&tad);
        prop_assert_eq!(both, actual == first && city == "Köln");
    }

    #[test]
    fn any_pair_is_parsed_or_refused(name in ".{0,20}", value in ".{0,20}") {
        let _ = parse(&[(&name, &value)]);
    }
}
