//! For the fuzzer: whatever partners may send in events and answers, and what comes of it.

use bytes::Bytes;
use ileap_types::{
    filter::odata::{FootprintFilter, Literal},
    pact::event::CloudEvent,
    strict_json,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    answer::{Search, agrees, filters},
    fetch::{data_member, footprint},
    input::Received,
};
use crate::identity::Principal;

/// An event that is taken is read again when its turn comes.
pub(crate) fn keep_anything(sender: &Principal, body: &Bytes) {
    let Ok(event) = CloudEvent::parse_v2(body) else {
        return;
    };
    let kept = Received::keep(body, sender).and_then(|input| Received::read(&input));
    let is_the_same = |(kept, of): (CloudEvent, Principal)| {
        (kept.id, kept.source) == (event.id, event.source) && of.recipient() == sender.recipient()
    };
    assert!(kept.is_some_and(is_the_same));
}

/// A footprint that is fetched is kept as it was sent, under its own id.
pub(crate) fn fetch_anything(body: &Bytes) {
    let fetched = data_member(body);
    let Some(kept) = fetched.and_then(|json| footprint(json, "them", Timestamp::UNIX_EPOCH)) else {
        return;
    };
    let sent = String::from_utf8_lossy(body);
    assert!(sent.contains(&*String::from_utf8_lossy(&kept.json)));
    let value: Value = serde_json::from_slice(&kept.json).unwrap_or_default();
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
    assert!(id.eq_ignore_ascii_case(&kept.id.to_string()));
}

/// A request gets what agrees with it and nothing else, and what it names narrows the search by itself alone,
/// whatever quotes are in it.
pub(crate) fn ask_anything(fragment: &[u8], objects: &Bytes) {
    let Ok(Value::Object(fragment)) = strict_json::from_slice(fragment) else {
        return;
    };
    assert!(agrees(&fragment, &fragment), "it agrees with itself");
    for text in filters(&fragment).unwrap_or_default() {
        if let Ok(filter) = FootprintFilter::parse(&text) {
            check(&filter, &fragment);
        }
    }
    let mut search = Search::new(&fragment);
    search.take(objects);
    let without_nulls = fragment.iter().filter(|(_, value)| !value.is_null());
    let without_nulls: Map<_, _> = without_nulls
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let sent = String::from_utf8_lossy(objects);
    for (_, json) in search.found {
        let found: Map<String, Value> = serde_json::from_str(json.get()).unwrap_or_default();
        assert!(agrees(&without_nulls, &found) && sent.contains(json.get()));
    }
}

/// One comparison, with a text of the fragment.
fn check(filter: &FootprintFilter, fragment: &Map<String, Value>) {
    let [comparison] = filter.comparisons.as_slice() else {
        assert_eq!(filter.comparisons.len(), 1, "{filter}");
        return;
    };
    let member = comparison.property.path();
    let named = fragment.get(member);
    let Literal::Text(text) = &comparison.value else {
        assert_eq!(named, None, "{filter}");
        return;
    };
    let is_named = match named {
        Some(Value::Array(values)) => values.iter().any(|value| value.as_str() == Some(text)),
        Some(value) => value.as_str() == Some(text),
        None => false,
    };
    assert!(is_named, "{filter}");
    let one = match member {
        "productCategoryCpc" => json!({ member: text }),
        _ => json!({ member: [text] }),
    };
    assert!(filter.matches(&one));
}
