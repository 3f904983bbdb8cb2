use std::sync::Arc;

use ileap_types::filter::tad::TadFilter;
use serde_json::json;

use super::*;
use crate::{
    access::AccessRule,
    data::stored::StoredData,
    identity::Role,
    import::{self, SAMPLE_FOOTPRINTS},
    store::{Position, access::AccessRules as _, contract::principal, sql::SqlStore},
};

struct Host {
    data: StoredData,
    footprints: Vec<Value>,
}

async fn host() -> Host {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    import::sample_data(&store).await.unwrap();
    store
        .allow("org_organizer", &[AccessRule::Everything])
        .await
        .unwrap();
    Host {
        data: StoredData::new(Arc::new(store)),
        footprints: serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap(),
    }
}

impl Host {
    /// The ids of the answer, or the code of the rejection.
    async fn ask(
        &self,
        requester: &Principal,
        fragment: Value,
    ) -> Result<Vec<String>, &'static str> {
        let fragment = fragment.as_object().unwrap().clone();
        match evaluate(&self.data, requester, &fragment).await.unwrap() {
            Answer::Rejected(code, _) => Err(code),
            Answer::Found(found) => {
                let id = |json: &RawValue| {
                    let footprint: Value = serde_json::from_str(json.get()).unwrap();
                    footprint["id"].as_str().unwrap().to_owned()
                };
                Ok(found.iter().map(|json| id(json)).collect())
            }
        }
    }

    fn ids(&self, which: impl Fn(&Value) -> bool) -> Vec<String> {
        let chosen = self.footprints.iter().filter(|footprint| which(footprint));
        let mut ids: Vec<_> = chosen
            .map(|footprint| footprint["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }
}

fn has(footprint: &Value, list: &str, id: &str) -> bool {
    footprint[list]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one == id)
}

#[tokio::test]
async fn a_request_gets_every_footprint_of_its_products_that_agrees() {
    let host = host().await;
    let all = principal(&[Role::All], "org_all");
    let first = &host.footprints[0];
    let product = first["productIds"][0].as_str().unwrap();
    let mut expected = host.ids(|footprint| has(footprint, "productIds", product));
    for fragment in [
        json!({ "productIds": [product] }),
        json!({ "productIds": ["urn:nobody:has:this", product, product] }),
        json!({ "productIds": product, "comment": null }),
    ] {
        let mut found = host.ask(&all, fragment.clone()).await.unwrap();
        found.sort();
        assert_eq!(found, expected, "{fragment}");
    }
    let country = &first["pcf"]["geographyCountry"];
    let nested = json!({ "productIds": [product], "pcf": { "geographyCountry": country } });
    expected.retain(|id| {
        let footprint = host.footprints.iter().find(|one| one["id"] == **id);
        footprint.unwrap()["pcf"]["geographyCountry"] == *country
    });
    assert_eq!(host.ask(&all, nested).await.unwrap().len(), expected.len());
    for fragment in [
        json!({ "productIds": ["urn:pact:null"] }),
        json!({ "productIds": [product], "pcf": { "geographyCountry": "XX" } }),
        json!({ "productIds": [product], "unknownMember": 1 }),
        json!({ "productIds": ["' or 1 eq 1 --"] }),
    ] {
        let found = host.ask(&all, fragment.clone()).await;
        assert_eq!(found, Err("NoSuchFootprint"), "{fragment}");
    }
}

#[test]
fn decimals_and_moments_agree_by_what_they_mean_and_codes_by_what_they_are() {
    for (wanted, value) in [
        (json!("1.0"), json!("1")),
        (json!("-0.50"), json!("-0.5")),
        (json!(5), json!(5.0)),
        (
            json!("2024-01-01T01:00:00+01:00"),
            json!("2024-01-01T00:00:00Z"),
        ),
        (json!("DE"), json!("de")),
        (json!({ "a": "1.0" }), json!({ "a": "1", "b": 2 })),
    ] {
        assert!(value_agrees(&wanted, &value), "{wanted} and {value}");
    }
    for (wanted, value) in [
        (json!("0111"), json!("111")),
        (json!("1.0"), json!("1.1")),
        (json!("1"), json!(1)),
        (json!("2024-01-01T00:00:00Z"), json!("2024-01-01T00:00:01Z")),
        (json!("x"), json!("y")),
    ] {
        assert!(!value_agrees(&wanted, &value), "{wanted} and {value}");
    }
}

#[tokio::test]
async fn a_request_without_products_is_answered_by_what_else_it_names() {
    let host = host().await;
    let all = principal(&[Role::All], "org_all");
    let company = host.footprints[0]["companyIds"][0].as_str().unwrap();
    let id = host.footprints[3]["id"].as_str().unwrap();
    for (fragment, mut expected) in [
        (
            json!({ "companyIds": [company] }),
            host.ids(|footprint| has(footprint, "companyIds", company)),
        ),
        (json!({ "id": id.to_uppercase() }), vec![id.to_owned()]),
        (
            json!({ "productCategoryCpc": "83117" }),
            host.ids(|footprint| footprint["productCategoryCpc"] == "83117"),
        ),
    ] {
        let mut found = host.ask(&all, fragment.clone()).await.unwrap();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{fragment}");
    }
    for nothing in [json!({}), json!({ "id": null })] {
        assert_eq!(host.ask(&all, nothing).await, Err("BadRequest"));
    }
}

/// A source that knows no filters, or no end.
struct Odd {
    data: StoredData,
    knows_filters: bool,
    has_an_end: bool,
}

#[async_trait::async_trait]
impl DataSource for Odd {
    async fn footprint(&self, caller: &Principal, id: &str) -> Result<Option<Bytes>, SourceError> {
        self.data.footprint(caller, id).await
    }

    async fn footprints(
        &self,
        caller: &Principal,
        question: &Question<'_, FootprintFilter>,
    ) -> Result<Page, SourceError> {
        if !self.knows_filters && !question.filter.comparisons.is_empty() {
            return Err(SourceError::FilterUnsupported);
        }
        if !self.has_an_end {
            let next = match &question.page.after {
                Some(position) if position.0 == "a" => "b",
                _ => "a",
            };
            return Ok(Page {
                objects: Bytes::new(),
                next: Some(Position(next.to_owned())),
            });
        }
        self.data.footprints(caller, question).await
    }

    async fn tads(
        &self,
        caller: &Principal,
        question: &Question<'_, TadFilter>,
    ) -> Result<Page, SourceError> {
        self.data.tads(caller, question).await
    }
}

#[tokio::test]
async fn a_source_without_filters_is_looked_through_and_one_without_an_end_given_up() {
    let all = principal(&[Role::All], "org_all");
    let odd = async |knows_filters, has_an_end| {
        let Host { data, footprints } = host().await;
        let odd = Odd {
            data,
            knows_filters,
            has_an_end,
        };
        let fragment = json!({ "productIds": footprints[0]["productIds"] });
        let fragment = fragment.as_object().unwrap().clone();
        evaluate(&odd, &all, &fragment).await.unwrap()
    };
    let found = |answer| match answer {
        Answer::Found(found) => found.len(),
        Answer::Rejected(..) => 0,
    };
    assert!(found(odd(false, true).await) > 0);
    assert_eq!(found(odd(false, true).await), found(odd(true, true).await));
    for knows_filters in [false, true] {
        let answer = odd(knows_filters, false).await;
        assert!(
            matches!(answer, Answer::Rejected("BadRequest", _)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_too_large_is_rejected_and_not_cut() {
    let host = host().await;
    let all = principal(&[Role::All], "org_all");
    let product = &host.footprints[0]["productIds"][0];
    let mut ids: Vec<_> = (0..99)
        .map(|number| json!(format!("urn:x:{number}")))
        .collect();
    ids.push(product.clone());
    assert!(host.ask(&all, json!({ "productIds": ids })).await.is_ok());
    ids.push(json!("urn:x:last"));
    let many = json!({ "productIds": ids });
    assert_eq!(host.ask(&all, many).await, Err("BadRequest"));
    let large = json!({ "productIds": [product], "pcf": { "x": vec![0; 500] } });
    assert_eq!(host.ask(&all, large).await, Err("BadRequest"));
}

#[tokio::test]
async fn nobody_is_answered_with_what_they_may_not_see() {
    let host = host().await;
    let shipment = host.footprints.iter().find(|footprint| {
        footprint["extensions"][0]["data"]
            .get("shipmentId")
            .is_some()
    });
    let request = json!({ "productIds": shipment.unwrap()["productIds"] });
    let operator = principal(&[Role::Operator], "org_organizer");
    assert!(host.ask(&operator, request.clone()).await.is_ok());
    for stranger in [
        principal(&[Role::Organizer], "org_organizer"),
        principal(&[Role::Operator], "org_stranger"),
        principal(&[], "org_organizer"),
    ] {
        assert_eq!(
            host.ask(&stranger, request.clone()).await,
            Err("NoSuchFootprint")
        );
    }
}
