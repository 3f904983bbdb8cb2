//! One function for each thing that strangers write. Each takes any bytes, and panics when a promise is broken.

use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    pact::event::CloudEvent,
    page::{Limit, next_link, parse_next_link},
    query::{MAX_QUERY_BYTES, PLACE, QueryPairs},
    rules::{judge_footprint, judge_tad},
    strict_json,
};

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("event", event),
    ("footprint_filter", footprint_filter),
    ("judgement", judgement),
    ("next_link", link),
    ("page", page),
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
        filter
            .matches(&serde_json::json!({"created": "2024-01-01T00:00:00Z", "productIds": ["x"]}));
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

/// A list that is asked for is refused, or has a next page whose link asks the same.
pub fn page(data: &[u8]) {
    /// As long as any cursor.
    const CURSOR: usize = 2816;
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(asked) = QueryPairs::parse(Some(text)) else {
        return;
    };
    if let Ok(limit) = asked.single("limit")
        && let Ok(limit) = Limit::parse(limit, 100, 1000)
    {
        assert!((1..=1000).contains(&limit.get()));
    }
    let kept = asked.without(&PLACE);
    let link = next_link(&format!(
        "/2/footprints?{kept}&cursor={}",
        "c".repeat(CURSOR)
    ));
    let target = parse_next_link(&link).expect("a link that is written is read back");
    assert!(target.len() < MAX_QUERY_BYTES, "{}", target.len());
    let (_, query) = target.split_once('?').expect("it has a query");
    let again = QueryPairs::parse(Some(query)).expect("what a link asks is accepted");
    let filters = |pairs: &QueryPairs| {
        let pairs = pairs.decoded().iter();
        let filters = pairs.filter(|(name, _)| !PLACE.contains(&name.as_str()));
        filters.cloned().collect::<Vec<_>>()
    };
    assert_eq!(filters(&again), filters(&asked));
}
