use proptest::prelude::*;

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "-?[0-9]{0,3}(\\.[0-9]{0,3})?".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?"
            .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z~/]{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A good sample in which up to four places have become anything.
fn damaged(samples: Vec<Value>) -> impl Strategy<Value = Value> {
    let damages = prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..5);
    (prop::sample::select(samples), damages).prop_map(|(mut sample, damages)| {
        for (place, value) in damages {
            let places = places(&sample);
            *sample.pointer_mut(place.get::<String>(&places)).unwrap() = value;
        }
        sample
    })
}

fn is_bounded(findings: &[Finding]) -> bool {
    findings.len() <= 100
        && findings
            .iter()
            .all(|finding| finding.message.chars().count() < 500)
}

proptest! {
    #[test]
    fn any_json_is_judged_without_panic(value in any_json()) {
        prop_assert!(!judge_footprint(&value).is_empty());
        prop_assert!(!judge_tad(&value).is_empty());
        judge_collection(std::slice::from_ref(&value), std::slice::from_ref(&value));
    }

    #[test]
    fn damaged_footprints_are_judged_without_panic(value in damaged(samples(FOOTPRINTS))) {
        prop_assert!(is_bounded(&judge_footprint(&value)));
        let judged = judge_collection(&[value.clone(), value], &[]);
        prop_assert!(judged.len() <= 200);
    }

    #[test]
    fn damaged_activity_data_are_judged_without_panic(value in damaged(samples(TADS))) {
        prop_assert!(is_bounded(&judge_tad(&value)));
        judge_collection(&[], &[value]);
    }
}
