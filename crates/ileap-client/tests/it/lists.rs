//! Lists to their end, and links that must not be followed.

use std::num::NonZeroU32;

use futures_util::TryStreamExt as _;
use ileap_client::{ErrorKind, LinkProblem, Query};

use crate::host::{Host, Reply, token};

fn page(items: &[u32]) -> Reply {
    let items: Vec<_> = items
        .iter()
        .map(|id| format!(r#"{{"activityId":"{id}"}}"#))
        .collect();
    Reply::ok(format!(r#"{{"data":[{}]}}"#, items.join(",")))
}

/// A host whose list of activity data is answered by `list`, which gets the query.
async fn host(list: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Host {
    Host::start(move |asked, number| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        "/2/ileap/tad" => list(&asked.query, number),
        _ => Reply::new(404, ""),
    })
    .await
}

async fn ids(host: &Host, query: &Query) -> Result<Vec<String>, ileap_client::Error> {
    let items: Vec<_> = host.client().tads(query).items().try_collect().await?;
    Ok(items.iter().map(|item| item.json().to_owned()).collect())
}

fn link_problem(error: &ileap_client::Error) -> LinkProblem {
    let ErrorKind::Link(problem) = error.kind() else {
        panic!("{error}")
    };
    *problem
}

#[tokio::test]
async fn a_list_is_read_along_its_links_whatever_they_look_like() {
    let host = host(|query, _| match query {
        "mode=Road&limit=2" => page(&[1, 2]).with("link", "</2/ileap/tad?c=2>; rel=\"next\""),
        "c=2" => page(&[])
            .with("link", "<http://x.example/first>; rel=first")
            .with("link", "<?c=3>; title=\"a, b\"; rel=\"prev next\""),
        "c=3" => page(&[3]).with("link", "<https://x.example/>; rel=\"first\""),
        other => panic!("{other}"),
    })
    .await;
    let query = Query::new()
        .matching("mode", "Road")
        .page_size(NonZeroU32::new(2).unwrap());
    let all = ids(&host, &query).await.unwrap();
    assert_eq!(
        all,
        [1, 2, 3].map(|id| format!(r#"{{"activityId":"{id}"}}"#))
    );
}

#[tokio::test]
async fn the_token_does_not_follow_a_link_to_another_origin() {
    let other = Host::start(|_, _| page(&[1])).await;
    let link = format!("<{}/2/ileap/tad?c=2>; rel=\"next\"", other.base);
    let host = host(move |_, _| page(&[1]).with("link", link.clone())).await;
    let error = ids(&host, &Query::new()).await.unwrap_err();
    assert_eq!(link_problem(&error), LinkProblem::OtherOrigin);
    assert!(other.asked("/2/ileap/tad").is_empty());
}

#[tokio::test]
async fn what_came_before_a_link_that_leads_nowhere_is_not_lost() {
    for link in ["<https://x.example/>; rel=next", "<http://[>; rel=next"] {
        let host = host(move |_, _| page(&[1]).with("link", link)).await;
        let mut list = host.client().tads(&Query::new());
        let first = list.next_page().await.unwrap().unwrap();
        assert_eq!((first.items.len(), first.next), (1, None));
        link_problem(&list.next_page().await.unwrap_err());
        let mut pages = host.client().tads(&Query::new()).pages();
        assert_eq!(pages.try_next().await.unwrap().unwrap().items.len(), 1);
        link_problem(&pages.try_next().await.unwrap_err());
    }
}

#[tokio::test]
async fn a_link_with_credentials_in_it_is_not_followed() {
    let host = host(|_, _| page(&[1])).await;
    let place = format!("{}/2/ileap/tad", host.base);
    let place = place.replace("http://", "http://id:secret@");
    let list = host.client().tads(&Query::new()).at(place.parse().unwrap());
    assert_eq!(link_problem(&list.unwrap_err()), LinkProblem::Credentials);
}

#[tokio::test]
async fn a_list_that_goes_in_a_circle_ends() {
    let host = host(|query, _| match query {
        "" | "c=1" => page(&[1]).with("link", "<?c=2>; rel=next"),
        _ => page(&[2]).with("link", "<?c=1>; rel=next"),
    })
    .await;
    let error = ids(&host, &Query::new()).await.unwrap_err();
    assert_eq!(link_problem(&error), LinkProblem::Circle);
    assert_eq!(host.asked("/2/ileap/tad").len(), 3);
}

#[tokio::test]
async fn a_list_that_never_brings_anything_ends() {
    let host = host(|_, number| page(&[]).with("link", format!("<?c={number}>; rel=next"))).await;
    let error = ids(&host, &Query::new()).await.unwrap_err();
    assert_eq!(link_problem(&error), LinkProblem::Empty);
}

#[tokio::test]
async fn a_list_goes_on_where_it_was_left() {
    let host = host(|query, _| match query {
        "" => page(&[1]).with("link", "<?c=2>; rel=next"),
        _ => page(&[2]),
    })
    .await;
    let client = host.client();
    let first = client
        .tads(&Query::new())
        .next_page()
        .await
        .unwrap()
        .unwrap();
    let place = first.next.unwrap();
    let mut rest = client.tads(&Query::new()).at(place).unwrap();
    let second = rest.next_page().await.unwrap().unwrap();
    assert_eq!(second.items[0].json(), r#"{"activityId":"2"}"#);
    assert!(rest.next_page().await.unwrap().is_none());
    let elsewhere = "http://127.0.0.1:1/2/ileap/tad".parse().unwrap();
    let error = client.tads(&Query::new()).at(elsewhere).unwrap_err();
    assert_eq!(link_problem(&error), LinkProblem::OtherOrigin);
}

#[tokio::test]
async fn a_host_that_is_not_done_with_a_filter_is_asked_again() {
    let host = host(|_, number| match number {
        0 => Reply::new(202, r#"{"data":[]}"#),
        _ => page(&[1]),
    })
    .await;
    let mut list = host.client().tads(&Query::new().matching("mode", "Road"));
    let page = list.next_page().await.unwrap().unwrap();
    assert!(page.is_complete);
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn one_object_that_cannot_be_read_spoils_no_other() {
    let good = r#"{"activityId":"1","consignmentIds":["c"],"distance":{"actual":"10","gcd":null},
        "origin":{"city":"A","country":"DE"},"destination":{"city":"B","country":"DE"},"mass":null,
        "departureAt":"2024-01-01T00:00:00Z","arrivalAt":"2024-01-01T01:00:00Z","mode":"Road",
        "temperatureControl":"tepid","unheard":{"of":1}}"#;
    let body = format!(r#"{{"data":[{{"activityId":7}},{good},null]}}"#);
    let host = host(move |_, _| Reply::ok(body.clone())).await;
    let items: Vec<_> = host
        .client()
        .tads(&Query::new())
        .items()
        .try_collect()
        .await
        .unwrap();
    let readable: Vec<_> = items.iter().map(|item| item.read().is_ok()).collect();
    assert_eq!(readable, [false, true, false]);
    let tad = items[1].read().unwrap();
    assert_eq!(tad.temperature_control.unwrap().as_str(), "tepid");
    assert!(items[0].problem().unwrap().contains("expected a string"));
    assert_eq!(items[2].problem().unwrap(), "it is no JSON object");
    assert_eq!(
        items[1].json(),
        good,
        "what was sent is kept as it was sent"
    );
}

#[tokio::test]
async fn a_footprint_that_is_not_there_is_none_in_every_dialect() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        "/2/footprints/a" => Reply::ok(r#"{"data":{"id":"a"}}"#),
        "/2/footprints/b%2Fc" => Reply::new(404, ""),
        "/2/footprints/d" => Reply::new(400, r#"{"code":"NoSuchFootprint","message":"no"}"#),
        _ => Reply::new(400, r#"{"code":"BadRequest","message":"no"}"#),
    })
    .await;
    let client = host.client();
    assert_eq!(
        client.footprint("a").await.unwrap().unwrap().json(),
        r#"{"id":"a"}"#
    );
    assert!(client.footprint("b/c").await.unwrap().is_none());
    assert!(client.footprint("d").await.unwrap().is_none());
    assert!(client.footprint("e").await.is_err());
}
