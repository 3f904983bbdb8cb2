//! The operator's service in its many ways.

use std::sync::Arc;

use ileap_types::query::QueryPairs;
use serde_json::{Value, json};

use super::*;
use crate::{
    data::contract::{self, caller},
    identity::{Organization, Role},
    import::{SAMPLE_FOOTPRINTS, SAMPLE_TADS},
    outbound::{
        Roots,
        raw_upstream::{RawUpstream, Reply},
    },
};

/// A service that answers like this; its requests can be read afterwards.
struct Service {
    data: UpstreamData,
    metrics: Arc<Metrics>,
    upstream: RawUpstream,
}

impl Service {
    async fn new(replies: Vec<Reply>) -> Self {
        let upstream = RawUpstream::scripted(replies).await;
        let metrics = Arc::new(Metrics::new());
        let options = UpstreamOptions {
            url: format!("{}base", upstream.url()),
            token: Some("service-token".into()),
            timeout: Duration::from_secs(5),
        };
        let outbound = OutboundOptions {
            roots: Roots::None,
            ..OutboundOptions::default()
        };
        Self {
            data: UpstreamData::new(options, &outbound, metrics.clone()).unwrap(),
            metrics,
            upstream,
        }
    }

    async fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let answer = move |text: &str| answer(&Request::parse(text));
        Self::new(vec![Reply::Answer(Arc::new(answer))]).await
    }

    async fn all_footprints(&self) -> Result<Page, SourceError> {
        let page = PageQuery {
            offset: 0,
            limit: 50,
            after: None,
        };
        let question = Question {
            filter: &FootprintFilter {
                comparisons: Vec::new(),
            },
            page: &page,
            query: &QueryPairs::parse(None).unwrap(),
        };
        self.data.footprints(&caller(Role::All), &question).await
    }

    /// Why there is no answer.
    async fn why(&self) -> &'static str {
        match self.all_footprints().await {
            Err(SourceError::Unavailable { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }
}

/// A request line, taken apart.
struct Request {
    path: String,
    query: Vec<(String, String)>,
}

impl Request {
    fn parse(text: &str) -> Self {
        let target = text.split(' ').nth(1).unwrap();
        let url = url::Url::parse("http://service").unwrap();
        let url = url.join(target).unwrap();
        Self {
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
        }
    }

    fn number(&self, name: &str) -> Option<usize> {
        let pair = self.query.iter().find(|(key, _)| key == name)?;
        pair.1.parse().ok()
    }

    fn objects(&self) -> Option<Vec<Value>> {
        let text = match self.path.as_str() {
            "/base/2/footprints" => SAMPLE_FOOTPRINTS,
            "/base/2/ileap/tad" => SAMPLE_TADS,
            _ => return None,
        };
        Some(serde_json::from_str(text).unwrap())
    }

    /// The answer about one footprint.
    fn one(&self) -> Reply {
        let footprints: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
        let id = self.path.strip_prefix("/base/2/footprints/");
        let found = footprints.into_iter().find(|footprint| {
            let own = footprint["id"].as_str().unwrap();
            id.is_some_and(|id| id.eq_ignore_ascii_case(own))
        });
        match found {
            Some(footprint) => Reply::json(200, &json!({ "data": footprint }).to_string()),
            None => Reply::json(404, r#"{"code":"NoSuchFootprint","message":"none"}"#),
        }
    }
}

fn list(objects: &[Value]) -> String {
    json!({ "data": objects }).to_string()
}

#[tokio::test]
async fn a_service_without_pages_or_filters_keeps_the_contract() {
    let service = Service::answering(|request| match request.objects() {
        Some(objects) => Reply::json(200, &list(&objects)),
        None => request.one(),
    });
    contract::run(&service.await.data).await;
}

#[tokio::test]
async fn a_service_with_pages_of_its_own_size_keeps_the_contract() {
    let service = Service::answering(|request| {
        let Some(objects) = request.objects() else {
            return request.one();
        };
        let from = request.number("from").unwrap_or(0).min(objects.len());
        let to = (from + request.number("limit").unwrap().min(2)).min(objects.len());
        let mut headers = String::new();
        if to < objects.len() {
            let limit = request.number("limit").unwrap();
            let path = &request.path;
            headers = format!("link: <{path}?limit={limit}&from={to}>; rel=\"next\"\r\n");
        }
        Reply::json_with(200, &headers, &list(&objects[from..to]))
    });
    contract::run(&service.await.data).await;
}

#[tokio::test]
async fn the_service_learns_who_asks_and_for_what() {
    let service = Service::answering(|_| Reply::json(200, r#"{"data":[]}"#)).await;
    let query = QueryPairs::parse(Some("mode=Road&limit=9000&cursor=x&feedstock=Cooking+oil"));
    let query = query.unwrap();
    let filter = TadFilter::parse(query.decoded()).unwrap();
    let page = PageQuery {
        offset: 0,
        limit: 100,
        after: None,
    };
    let question = Question {
        filter: &filter,
        page: &page,
        query: &query,
    };
    let answer = service.data.tads(&caller(Role::User), &question).await;
    assert!(answer.unwrap().next.is_none());
    let requests = service.upstream.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let first_line = "GET /base/2/ileap/tad?mode=Road&feedstock=Cooking+oil&limit=100 HTTP/1.1\r\n";
    assert!(request.starts_with(first_line), "{request}");
    for header in [
        "authorization: Bearer service-token\r\n",
        "x-ileap-subject: clerk|user_contract\r\n",
        "x-ileap-client-id: ops@acme.example\r\n",
        "x-ileap-roles: user\r\n",
        "x-ileap-scope: footprint:list footprint:read\r\n",
    ] {
        assert!(request.contains(header), "{header}: {request}");
    }
    assert!(!request.contains("x-ileap-organization"), "{request}");
}

#[tokio::test]
async fn what_breaks_a_rule_is_left_out_and_counted() {
    let mut objects: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
    let (all, broken) = (objects.len(), objects[1]["id"].clone());
    objects[1]["pcf"]["declaredUnit"] = json!("furlong");
    objects.push(json!("not a footprint"));
    let one = json!({ "data": objects[1] }).to_string();
    let body = list(&objects);
    let service = Service::answering(move |request| match request.objects() {
        Some(_) => Reply::json(200, &body),
        None => Reply::json(200, &one),
    })
    .await;
    let page = service.all_footprints().await.unwrap();
    let served: Vec<Value> =
        serde_json::from_str(&format!("[{}]", String::from_utf8_lossy(&page.objects))).unwrap();
    assert_eq!(served.len(), all - 1);
    assert!(served.iter().all(|footprint| footprint["id"] != broken));
    let metrics = service.metrics.render();
    assert!(
        metrics.contains("ileap_source_objects_refused_total 2\n"),
        "{metrics}"
    );

    let id = broken.as_str().unwrap();
    let answer = service.data.footprint(&caller(Role::All), id).await;
    assert!(
        matches!(answer, Err(SourceError::Unavailable { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn nulls_and_empty_lists_are_read_as_absent_and_never_served() {
    let mut objects: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
    objects.truncate(1);
    objects[0]["statusComment"] = Value::Null;
    objects[0]["pcf"]["geographyRegionOrSubregion"] = Value::Null;
    objects[0]["pcf"]["productOrSectorSpecificRules"] = json!([]);
    let body = list(&objects);
    let service = Service::answering(move |_| Reply::json(200, &body)).await;
    let page = service.all_footprints().await.unwrap();
    let served: Value = serde_json::from_slice(&page.objects).unwrap();
    assert_eq!(served["id"], objects[0]["id"]);
    assert!(served.get("statusComment").is_none());
    assert!(!String::from_utf8_lossy(&page.objects).contains("null"));
    assert!(!String::from_utf8_lossy(&page.objects).contains("[]"));
}

#[tokio::test]
async fn another_footprint_than_the_one_asked_for_is_not_served() {
    let objects: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
    let body = json!({ "data": objects[0] }).to_string();
    let service = Service::answering(move |_| Reply::json(200, &body)).await;
    let other = objects[1]["id"].as_str().unwrap();
    let answer = service.data.footprint(&caller(Role::All), other).await;
    assert_eq!(answer.unwrap(), None);
}

#[tokio::test]
async fn a_footprint_that_the_service_denies_the_caller_is_not_there() {
    let id = "0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11";
    for (status, code, is_there) in [
        (404, "NoSuchFootprint", Some(false)),
        (403, "AccessDenied", Some(false)),
        (403, "Forbidden", None),
        (401, "AccessDenied", None),
    ] {
        let body = json!({"code": code, "message": "no"}).to_string();
        let service = Service::new(vec![Reply::json(status, &body)]).await;
        let answer = service.data.footprint(&caller(Role::All), id).await;
        let found = answer.ok().map(|footprint| footprint.is_some());
        assert_eq!(found, is_there, "{status} {code}");
    }
    // For a list it means that nobody of ours gets one.
    let body = r#"{"code":"AccessDenied","message":"no"}"#;
    let service = Service::new(vec![Reply::json(403, body)]).await;
    assert_eq!(
        service.why().await,
        "it refuses our credential (data.upstream.token_file)"
    );
}

#[tokio::test]
async fn a_caller_with_an_odd_name_is_named_unmistakably() {
    let service = Service::answering(|_| Reply::json(200, r#"{"data":[]}"#)).await;
    let mut caller = caller(Role::All);
    caller.organization = Some(Organization {
        id: "org_\n1".to_owned(),
        slug: None,
    });
    // Left out, it would say that there is none: without its organization a caller may get more.
    let _ = service.data.footprint(&caller, "x").await;
    let requests = service.upstream.requests();
    assert!(
        requests[0].contains("x-ileap-organization: org_%0A1\r\n"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn answers_that_are_none_are_told_apart() {
    let link = |target: &str| {
        let headers = format!("link: <{target}>; rel=\"next\"\r\n");
        Reply::json_with(200, &headers, r#"{"data":[]}"#)
    };
    for (reply, why) in [
        (
            Reply::json(500, "{}"),
            "it answers with an error of its own",
        ),
        (
            Reply::json(401, "{}"),
            "it refuses our credential (data.upstream.token_file)",
        ),
        (
            Reply::json(429, "{}"),
            "it says there are too many requests",
        ),
        (
            Reply::json(302, "{}"),
            "it redirects, which is not followed",
        ),
        (
            Reply::json(202, r#"{"data":[]}"#),
            "it answers with a status that PACT does not have here",
        ),
        (
            Reply::json(404, "{}"),
            "it answers with a status that PACT does not have here",
        ),
        (Reply::json(400, "{}"), "it calls our request wrong"),
        (
            Reply::json(200, "<html>"),
            "it answered no list of PACT's form",
        ),
        (
            Reply::json(200, r#"{"data":null}"#),
            "it answered no list of PACT's form",
        ),
        (
            Reply::json(200, r#"{"data":{}}"#),
            "it answered no list of PACT's form",
        ),
        (
            Reply::bytes("HTTP/1.1 200 X\r\ncontent-length: 90\r\n\r\n{"),
            "body",
        ),
        (Reply::Reset, "reset"),
        (
            Reply::Endless(b"HTTP/1.1 200 X\r\n\r\n{\"data\":[".to_vec()),
            "too_large",
        ),
        (
            link("https://elsewhere.example/base/2/footprints?x=1"),
            "its link leads elsewhere, or is too long",
        ),
        (
            link("/base/2/ileap/tad?x=1"),
            "its link leads elsewhere, or is too long",
        ),
        (
            link(&format!("?x={}", "y".repeat(3000))),
            "its link leads elsewhere, or is too long",
        ),
        (link("?limit=50"), "a page of it links to itself"),
    ] {
        let service = Service::new(vec![reply]).await;
        assert_eq!(service.why().await, why);
    }
}

#[tokio::test]
async fn a_filter_that_the_service_does_not_offer_is_not_its_failure() {
    for status in [400, 501] {
        let body = r#"{"code":"NotImplemented","message":"no"}"#;
        let service = Service::new(vec![Reply::json(status, body)]).await;
        let answer = service.all_footprints().await;
        assert!(
            matches!(answer, Err(SourceError::FilterUnsupported)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_service_that_hangs_costs_no_more_than_the_deadline() {
    let mut service = Service::new(vec![Reply::Hang]).await;
    service.data.options.timeout = Duration::from_millis(50);
    assert_eq!(service.why().await, "no answer in time");
}

#[tokio::test]
async fn pages_without_anything_for_the_caller_end_in_a_link_and_not_in_a_long_walk() {
    let service = Service::answering(|request| {
        let from = request.number("from").unwrap_or(0) + 1;
        let headers = format!("link: <?from={from}>; rel=\"next\"\r\n");
        Reply::json_with(200, &headers, r#"{"data":[]}"#)
    })
    .await;
    let page = service.all_footprints().await.unwrap();
    assert!(page.objects.is_empty());
    assert_eq!(page.next, Some(Position("upstream/0/0/from=8".to_owned())));
    assert_eq!(service.upstream.requests().len(), CALLS);
}

#[tokio::test]
async fn what_a_role_hides_is_not_there_even_where_it_breaks_a_rule() {
    let mut generic: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
    let mut broken = generic.remove(0);
    assert!(broken.get("extensions").is_none());
    broken["pcf"] = json!("none");
    let id = broken["id"].as_str().unwrap().to_owned();
    let reply = Reply::json(200, &json!({ "data": broken }).to_string());
    let service = Service::new(vec![reply]).await;
    for role in [Role::User, Role::Organizer, Role::Operator] {
        let found = service.data.footprint(&caller(role), &id).await;
        assert!(matches!(found, Ok(None)), "{role:?}: {found:?}");
    }
    let found = service.data.footprint(&caller(Role::All), &id).await;
    assert!(matches!(found, Err(SourceError::Unavailable { .. })));
    // Nor is there anything about it under another id.
    let other = "00000000-0000-4000-8000-000000000000";
    let found = service.data.footprint(&caller(Role::All), other).await;
    assert!(matches!(found, Ok(None)), "{found:?}");
}

#[tokio::test]
async fn a_place_in_the_first_page_is_short_however_long_the_filter_is() {
    let service = Service::answering(|request| {
        assert_eq!(request.number("limit"), Some(2));
        let data = request.objects().unwrap();
        Reply::json(200, &json!({ "data": data }).to_string())
    })
    .await;
    let query = format!("x={}&limit=2", "y".repeat(4900));
    let query = QueryPairs::parse(Some(&query)).unwrap();
    let filter = FootprintFilter {
        comparisons: Vec::new(),
    };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = PageQuery {
            offset: 0,
            limit: 2,
            after,
        };
        let question = Question {
            filter: &filter,
            page: &page,
            query: &query,
        };
        let page = service
            .data
            .footprints(&caller(Role::All), &question)
            .await
            .unwrap();
        found.push(page.objects);
        after = page.next;
        let Some(Position(place)) = &after else { break };
        assert!(place.len() < 60, "{place}");
    }
    let samples: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
    assert_eq!(found.len(), samples.len().div_ceil(2));
}
