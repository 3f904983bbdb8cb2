//! One function for each thing that strangers write. Each takes any bytes, and panics when a promise is broken.

use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    page::{next_link, parse_next_link},
    pact::event::CloudEvent,
    query::QueryPairs,
    rules::{judge_footprint, judge_tad},
    strict_json,
};

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("event", event),
    ("footprint_filter", footprint_filter),
    ("judgement", judgement),
    ("next_link", link),
    ("tad_query", tad_query),
];

/// A filter that is read prints as one that reads the same.
pub fn footprint_filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(filter) = FootprintFilter::parse(text) {
        let printed = filter.to_string();
        assert_eq!(FootprintFilter::parse(&printed).as_ref(), Ok(&filter));
        filter.matches(&serde_json::json!({"created": "2024-01-01T00:00:00Z", "productIds": ["x"]}));
    }
}

/// A query is read or refused, and without some of its names it is a query still.
pub fn tad_query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(pairs) = QueryPairs::parse(Some(text)) else {
        return;
    };
    let kept = pairs.without(&["cursor"]);
    let again = QueryPairs::parse(Some(&kept)).expect("what was read once is read again");
    assert!(again.decoded().iter().all(|(name, _)| name != "cursor"));
    if let Ok(filter) = TadFilter::parse(pairs.decoded()) {
        filter.matches(&serde_json::json!({"mode": "Road", "mass": "12.50"}));
    }
}

/// An event is read or refused.
pub fn event(data: &[u8]) {
    if let Ok(event) = CloudEvent::parse_v2(data) {
        assert!(!event.id.is_empty() && !event.source.is_empty());
    }
}

/// Whatever is JSON can be judged.
pub fn judgement(data: &[u8]) {
    if let Ok(value) = strict_json::from_slice(data) {
        judge_footprint(&value);
        judge_tad(&value);
    }
}

/// A link that is written is read back; any header is read or passed over.
pub fn link(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    parse_next_link(text);
    let written = next_link(text);
    assert!(parse_next_link(&written).is_some());
}
