//! Names that the specifications do not list.

use futures_util::TryStreamExt as _;
use ileap_client::{Query, types::extension::IleapObject};
use serde_json::{Value, json};

use crate::host::{Host, Reply, token};

async fn host(path: &'static str, object: &Value) -> Host {
    let body = json!({"data": [object]}).to_string();
    Host::start(move |asked, _| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        asked if asked == path => Reply::ok(body.clone()),
        _ => Reply::new(404, ""),
    })
    .await
}

/// The first of the demo's data that has `pointer`.
fn sample(data: &str, pointer: &str) -> Value {
    let samples: Vec<Value> = serde_json::from_str(data).unwrap();
    let mut samples = samples.into_iter();
    samples
        .find(|sample| sample.pointer(pointer).is_some())
        .unwrap()
}

#[tokio::test]
async fn a_footprint_in_a_unit_and_state_of_the_hosts_own_is_read() {
    let footprints = include_str!("../../../ileap-server/sample-data/footprints.json");
    let mut footprint = sample(footprints, "/extensions/0/data/tocId");
    footprint["status"] = json!("Draft");
    footprint["pcf"]["declaredUnit"] = json!("gallon");
    footprint["extensions"][0]["data"]["mode"] = json!("Hyperloop");
    let host = host("/2/footprints", &footprint).await;
    let items: Vec<_> = host
        .client()
        .footprints(&Query::new())
        .items()
        .try_collect()
        .await
        .unwrap();
    let read = items[0].read().unwrap();
    assert_eq!(read.status.as_str(), "Draft");
    assert_eq!(read.pcf.declared_unit.as_str(), "gallon");
    let Some(Ok(IleapObject::Toc(toc))) = IleapObject::from_footprint(&read) else {
        panic!("no TOC in {read:?}");
    };
    assert_eq!(toc.mode.as_str(), "Hyperloop");
}

#[tokio::test]
async fn an_activity_of_another_mode_is_read() {
    let tads = include_str!("../../../ileap-server/sample-data/tads.json");
    let mut tad = sample(tads, "/mode");
    tad["mode"] = json!("Pipeline");
    let host = host("/2/ileap/tad", &tad).await;
    let items: Vec<_> = host
        .client()
        .tads(&Query::new())
        .items()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(items[0].read().unwrap().mode.as_str(), "Pipeline");
}
