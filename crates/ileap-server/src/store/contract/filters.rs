//! Filters in the database find what the in-memory reference finds.

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{dice::Dice, *};
use crate::access::Period;

/// `$filter` texts made of the samples' own values and of none of them.
fn any_filter() -> impl Strategy<Value = String> {
    let of = |pointer: &'static str| {
        let mut values: Vec<String> = footprints()
            .iter()
            .filter_map(|footprint| footprint.pointer(pointer)?.as_str().map(str::to_owned))
            .collect();
        values.push("zz".to_owned());
        prop::sample::select(values)
    };
    let moment = |pointer: &'static str| {
        let mut values: Vec<String> = footprints()
            .iter()
            .filter_map(|footprint| footprint.pointer(pointer)?.as_str().map(str::to_owned))
            .collect();
        values.extend([
            "1500-01-01T00:00:00Z".to_owned(),
            "2023-06-27T13:00:00.5+01:00".to_owned(),
        ]);
        prop::sample::select(values)
    };
    let operator = || prop::sample::select(vec!["eq", "ne", "lt", "le", "gt", "ge"]);
    let comparison = prop_oneof![
        (operator(), moment("/created"))
            .prop_map(|(operator, value)| format!("created {operator} '{value}'")),
        (operator(), moment("/updated"))
            .prop_map(|(operator, value)| format!("updated {operator} '{value}'")),
        (operator(), moment("/pcf/referencePeriodEnd"))
            .prop_map(|(operator, value)| format!("pcf/referencePeriodEnd {operator} '{value}'")),
        (operator(), of("/productCategoryCpc"))
            .prop_map(|(operator, value)| format!("productCategoryCpc {operator} '{value}'")),
        (operator(), of("/pcf/geographyCountry"))
            .prop_map(|(operator, value)| format!("pcf/geographyCountry {operator} '{value}'")),
        of("/productIds/0").prop_map(|value| format!("productIds/any(v:(v eq '{value}'))")),
        of("/companyIds/0").prop_map(|value| format!("companyIds/any(v:(v eq '{value}'))")),
    ];
    prop::collection::vec(comparison, 1..4).prop_map(|comparisons| comparisons.join(" and "))
}

/// Everyone whose view differs, with all that each sees.
async fn views(store: &dyn Store) -> Vec<(Visibility, Vec<String>)> {
    let few = [
        AccessRule::Shipment("shipment-multi-modal-1".to_owned()),
        AccessRule::Period(Period {
            from: None,
            until: Some("2024-07-01T00:00:00Z".parse().unwrap()),
        }),
        AccessRule::Tad(tads()[0]["activityId"].as_str().unwrap().to_owned()),
    ];
    store
        .allow("org_all_there_is", &[AccessRule::Everything])
        .await
        .unwrap();
    store.allow("org_a_few", &few).await.unwrap();
    let mut views = vec![(Visibility::everything(), walk(store, &all(), 1000).await)];
    for recipient in ["org_all_there_is", "org_a_few"] {
        for roles in [
            vec![Role::User],
            vec![Role::Organizer],
            vec![Role::Operator],
            vec![Role::User, Role::Organizer],
        ] {
            let principal = principal(&roles, recipient);
            let visibility = Visibility::of(&principal, store).await.unwrap();
            let seen = seen(store, &visibility).await;
            assert!(!seen.is_empty(), "{recipient} {roles:?}");
            views.push((visibility, seen));
        }
    }
    views
}

/// All that somebody sees.
pub(crate) async fn seen(store: &dyn Store, visibility: &Visibility) -> Vec<String> {
    walk_as(store, visibility, &all(), 1000).await
}

pub(crate) async fn agree_with_the_reference(store: &dyn Store) {
    let views = views(store).await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        let text = any_filter().new_tree(&mut runner).unwrap().current();
        let filter = FootprintFilter::parse(&text).unwrap();
        let matching: Vec<_> = footprints()
            .iter()
            .filter(|footprint| filter.matches(footprint))
            .map(|footprint| footprint["id"].as_str().unwrap().to_owned())
            .collect();
        for (visibility, seen) in &views {
            let found = walk_as(store, visibility, &filter, 4).await;
            let expected: Vec<_> = seen.iter().filter(|id| matching.contains(id)).collect();
            assert_eq!(
                found.iter().collect::<Vec<_>>(),
                expected,
                "{text} {visibility:?}"
            );
        }
    }
}

/// Moments at both ends of what a text can say, and with more digits than any clock has.
const MOMENTS: [&str; 8] = [
    "0001-01-01T00:00:00Z",
    "1600-06-15T12:00:00.0000001Z",
    "2024-01-01T00:00:00.1234566Z",
    "2024-01-01T00:00:00.1234567Z",
    "2024-01-01T00:00:00.12345678Z",
    "2024-01-01T01:00:00.123456799999+01:00",
    "2500-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
];

pub(super) async fn hold_for_every_year_and_every_tick(store: &dyn Store) {
    let with = |number: usize, moment: &str| {
        let mut footprint = another(u32::try_from(0x7000 + number).unwrap(), moment);
        footprint["updated"] = json!(moment);
        footprint["pcf"]["referencePeriodStart"] = json!(moment);
        footprint["pcf"]["referencePeriodEnd"] = json!(moment);
        footprint["productIds"] = json!(["urn:every:year"]);
        footprint
    };
    let stored: Vec<_> = MOMENTS
        .iter()
        .enumerate()
        .map(|(number, moment)| with(number, moment))
        .collect();
    let objects: Vec<_> = stored.iter().cloned().map(object).collect();
    store.import(&objects).await.unwrap();
    for property in [
        "created",
        "updated",
        "pcf/referencePeriodStart",
        "pcf/referencePeriodEnd",
    ] {
        for operator in ["eq", "ne", "lt", "le", "gt", "ge"] {
            for moment in MOMENTS {
                let text = format!(
                    "productIds/any(v:(v eq 'urn:every:year')) and {property} {operator} '{moment}'"
                );
                let filter = FootprintFilter::parse(&text).unwrap();
                let mut found = walk(store, &filter, 3).await;
                found.sort();
                let expected: Vec<_> = stored
                    .iter()
                    .filter(|footprint| filter.matches(footprint))
                    .map(|footprint| footprint["id"].as_str().unwrap().to_owned())
                    .collect();
                assert_eq!(found, expected, "{text}");
            }
        }
    }
    a_period_without_an_end_reaches_the_last_year(store).await;
}

async fn a_period_without_an_end_reaches_the_last_year(store: &dyn Store) {
    let mut toc = footprints()
        .into_iter()
        .find(|one| one["extensions"][0]["data"].get("tocId").is_some())
        .unwrap();
    toc["id"] = json!("00007fff-0000-4000-8000-000000000000");
    toc["extensions"][0]["data"]["tocId"] = json!("toc-of-the-far-future");
    toc["pcf"]["referencePeriodStart"] = json!("9998-01-01T00:00:00Z");
    toc["pcf"]["referencePeriodEnd"] = json!("9999-12-31T23:59:59Z");
    store.import(&[object(toc)]).await.unwrap();
    for (from, until, is_seen) in [
        (Some("2026-01-01T00:00:00Z"), None, true),
        (
            Some("9000-01-01T00:00:00Z"),
            Some("9998-06-01T00:00:00Z"),
            true,
        ),
        (
            Some("9000-01-01T00:00:00Z"),
            Some("9998-01-01T00:00:00Z"),
            false,
        ),
        (None, Some("2500-01-01T00:00:00Z"), false),
    ] {
        let [starts, ends] =
            [from, until].map(|end: Option<&str>| end.map(|end| end.parse().unwrap()));
        let rules = [AccessRule::Period(Period {
            from: starts,
            until: ends,
        })];
        store.allow("org_of_the_future", &rules).await.unwrap();
        assert_eq!(
            store.access_rules("org_of_the_future").await.unwrap(),
            rules
        );
        let principal = principal(&[Role::Organizer], "org_of_the_future");
        let visibility = Visibility::of(&principal, store).await.unwrap();
        let found = store
            .footprint(&visibility, "00007fff-0000-4000-8000-000000000000")
            .await
            .unwrap();
        assert_eq!(found.is_some(), is_seen, "{from:?} {until:?}");
        assert_eq!(store.disallow_all("org_of_the_future").await.unwrap(), 1);
    }
}

/// Names and values of which terms are made: those of the samples, in any case, and some of nobody.
fn any_pairs(dice: &mut Dice, samples: &[Value]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for _ in 0..=dice.below(2) {
        let (name, pointers): (&str, &[&str]) = *dice.one_of(&[
            ("mode", ["/mode"].as_slice()),
            ("country", &["/origin/country", "/destination/country"]),
            ("consignmentId", &["/consignmentIds/0", "/consignmentIds/1"]),
            ("activityId", &["/activityId"]),
            ("origin.city", &["/origin/city"]),
            ("mass", &["/mass"]),
            ("departureAt", &["/departureAt"]),
            ("feedstock", &["/energyCarriers/0/feedstocks/0/feedstock"]),
        ]);
        // More than any filter of a person has, now and then.
        let alternatives = if dice.below(3) == 0 {
            1 + dice.below(30)
        } else {
            1 + dice.below(2)
        };
        for number in 0..alternatives {
            let pointer = dice.one_of(pointers);
            let value = dice
                .one_of(samples)
                .pointer(pointer)
                .and_then(Value::as_str);
            let value = match (name, value, dice.below(4)) {
                ("departureAt", None, _) => "2024-01-01T00:00:00Z".to_owned(),
                ("departureAt", Some(value), _) => value.to_owned(),
                (_, None, _) => format!("nobody's {number}"),
                (_, Some(_), 0) if number % 2 == 1 => number.to_string(),
                (_, Some(value), 1) => value.to_uppercase(),
                (_, Some(value), _) => value.to_owned(),
            };
            pairs.push((name.to_owned(), value));
        }
    }
    pairs
}

pub(super) async fn of_many_alternatives_agree_with_the_reference(store: &dyn Store) {
    let mut dice = Dice::new(7);
    let samples = tads();
    let mut activities = Vec::new();
    for number in 0..60 {
        let mut activity = dice.one_of(&samples).clone();
        activity["activityId"] = json!(format!("many-{number:02}"));
        activity["consignmentIds"] = json!([
            format!("many-{}", number % 11),
            format!("many-{}", number % 7)
        ]);
        activity["origin"]["country"] = json!(dice.one_of(&["DE", "FR", "NL", "PL", "CH"]));
        activities.push(activity);
    }
    let objects: Vec<_> = activities
        .iter()
        .map(|activity| ImportObject {
            kind: ImportKind::Tad,
            json: Bytes::from(activity.to_string()),
            value: activity.clone(),
        })
        .collect();
    store.import(&objects).await.unwrap();
    let few = (0..4).map(|number| AccessRule::Consignment(format!("many-{}", number * 3)));
    store
        .allow("org_of_many", &few.collect::<Vec<_>>())
        .await
        .unwrap();
    let few = Visibility::of(&principal(&[Role::User], "org_of_many"), store)
        .await
        .unwrap();
    let seen = walk_activities_as(store, &few, &every_tad(), 1000).await;
    assert!((5..55).contains(&seen.len()), "{}", seen.len());
    let mut most = 0;
    for _ in 0..120 {
        let pairs = any_pairs(&mut dice, &activities);
        let filter = TadFilter::parse(&pairs).unwrap();
        most = most.max(
            filter
                .terms
                .iter()
                .map(|term| term.alternatives.len())
                .max()
                .unwrap(),
        );
        let expected: Vec<_> = activities
            .iter()
            .filter(|activity| filter.matches(activity))
            .map(|activity| activity["activityId"].as_str().unwrap().to_owned())
            .collect();
        for limit in [1, 7] {
            let mut found = walk_activities(store, &filter, limit).await;
            found.retain(|id| id.starts_with("many-"));
            assert_eq!(found, expected, "{pairs:?}");
        }
        let found = walk_activities_as(store, &few, &filter, 3).await;
        let expected: Vec<_> = expected
            .iter()
            .filter(|id| seen.contains(id))
            .cloned()
            .collect();
        assert_eq!(found, expected, "{pairs:?}");
        // An offset counts what is found once, however many alternatives find it.
        let query = PageQuery {
            offset: 2,
            ..first(3)
        };
        let page = store.tads(&few, &filter, &query).await.unwrap();
        let expected: Vec<_> = expected.into_iter().skip(2).take(3).collect();
        assert_eq!(ids(&page, "activityId"), expected, "{pairs:?}");
    }
    assert!(most > 16, "{most} alternatives");
    as_many_alternatives_as_a_query_can_have(store).await;
}

async fn as_many_alternatives_as_a_query_can_have(store: &dyn Store) {
    // `country` is a field of both ends, so that each value counts twice; the other term stands beside each.
    let countries = (0..32).map(|number| ("country".to_owned(), format!("X{number}")));
    let consignments = (0..32).map(|number| ("consignmentId".to_owned(), format!("many-{number}")));
    let pairs: Vec<_> = countries.chain(consignments).collect();
    let filter = TadFilter::parse(&pairs).unwrap();
    assert!(walk_activities(store, &filter, 1000).await.is_empty());
    let countries = (0..63).map(|number| ("country".to_owned(), format!("X{number}")));
    let pairs: Vec<_> = countries
        .chain([("country".to_owned(), "de".to_owned())])
        .collect();
    let filter = TadFilter::parse(&pairs).unwrap();
    let found = walk_activities(store, &filter, 1000).await;
    assert!(found.iter().any(|id| id.starts_with("many-")));
}

pub(crate) async fn of_activities_agree_with_the_reference(store: &dyn Store) {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for pairs in [
        vec![pair("mode", "ROAD")],
        vec![pair("mode", "Road"), pair("mode", "rail")],
        vec![pair("mode", "Road"), pair("country", "DE")],
        vec![pair("origin.country", "DE"), pair("feedstock", "fossil")],
        vec![
            pair("mode", "Road"),
            pair("activityId", tads()[0]["activityId"].as_str().unwrap()),
        ],
        vec![
            pair("mode", "Road"),
            pair("mode", "rail"),
            pair("origin.country", "DE"),
        ],
        vec![pair("mass", "1000.0")],
        vec![pair("mass", "nonsense")],
        vec![pair("packagingOrTrEqType", "Pallet")],
        vec![pair(
            "consignmentIds",
            tads()[0]["consignmentIds"][0].as_str().unwrap(),
        )],
        vec![pair(
            "consignmentId",
            tads()[0]["consignmentIds"][0].as_str().unwrap(),
        )],
        vec![pair(
            "departureAt",
            tads()[0]["departureAt"].as_str().unwrap(),
        )],
    ] {
        let filter = TadFilter::parse(&pairs).unwrap();
        let found = walk_activities(store, &filter, 2).await;
        let mut expected: Vec<_> = tads()
            .iter()
            .filter(|tad| filter.matches(tad))
            .map(|tad| tad["activityId"].as_str().unwrap().to_owned())
            .collect();
        expected.sort();
        assert_eq!(found, expected, "{pairs:?}");
    }
}
