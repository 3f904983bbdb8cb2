//! For the fuzzer: whatever the service may answer, and what comes of it.

use std::sync::atomic::AtomicBool;

use http::HeaderMap;
use ileap_types::{
    rules::{
        Finding, Severity, judge_footprint, judge_tad, remove_absent_in_footprint,
        remove_absent_in_tad,
    },
    strict_json,
};
use serde_json::{Value, value::RawValue};
use url::Url;

use super::{
    FOOTPRINTS, QUERY_LIMIT_BYTES, TADS,
    answer::{code_in, next, object_in},
    found::Found,
    judgement::{Judge, Judged},
};
use crate::identity::Principal;

const BASE: &str = "https://data.example/api";

/// What a kind of object has to be.
struct Kind {
    judge: Judge,
    rules: fn(&Value) -> Vec<Finding>,
    remove_absent: fn(&mut Value) -> bool,
}

/// A link leads on in the same list or nowhere; nothing is served that breaks a rule, and page by page as much as at
/// once.
pub(crate) fn read_anything(caller: &Principal, headers: &HeaderMap, body: &[u8]) {
    for path in [FOOTPRINTS, TADS] {
        follow(headers, path);
    }
    code_in(body);
    let kinds = [
        Kind {
            judge: Judge::of_footprints(caller, |_| true),
            rules: judge_footprint,
            remove_absent: remove_absent_in_footprint,
        },
        Kind {
            judge: Judge::of_tads(|_| true),
            rules: judge_tad,
            remove_absent: remove_absent_in_tad,
        },
    ];
    for kind in kinds {
        let judged = object_in(body).map(|object| kind.judge.judge(object));
        if let Ok(Judged::Serve(served)) = judged {
            kind.check(&served);
        }
        kind.check_list(body);
    }
}

fn follow(headers: &HeaderMap, path: &str) {
    let Ok(Some(query)) = next(headers, BASE, path) else {
        return;
    };
    assert!(query.len() <= QUERY_LIMIT_BYTES);
    let list = format!("{BASE}{path}");
    let target = Url::parse(&format!("{list}?{query}"));
    let is_there = |target: Url| {
        let is_its_query = target.query() == Some(&query) && target.fragment().is_none();
        is_its_query && target.as_str().starts_with(&list)
    };
    assert!(target.is_ok_and(is_there), "{query}");
}

impl Kind {
    fn check(&self, served: &[u8]) {
        let value = strict_json::from_slice(served);
        let is_sound = |mut value: Value| {
            let is_an_error = |finding: &Finding| finding.severity == Severity::Error;
            value.is_object()
                && !(self.rules)(&value).iter().any(is_an_error)
                && !(self.remove_absent)(&mut value)
        };
        assert!(value.is_ok_and(is_sound));
    }

    fn check_list(&self, body: &[u8]) {
        let Some((whole, None)) = self.page(body, 0, usize::MAX) else {
            return;
        };
        let list = [b"[", whole.as_slice(), b"]"].concat();
        let served: Option<Vec<&RawValue>> = serde_json::from_slice(&list).ok();
        assert!(served.is_some(), "a list is served");
        for object in served.unwrap_or_default() {
            self.check(object.get().as_bytes());
        }
        let mut pages = Vec::new();
        let mut place = Some(0);
        while let Some(skip) = place {
            let page = self.page(body, skip, 1);
            assert!(page.is_some(), "what was read once is read again");
            let (objects, rest) = page.unwrap_or_default();
            assert!(rest.is_none_or(|rest| rest > skip), "it goes on");
            pages.push(objects);
            place = rest;
        }
        pages.retain(|page| !page.is_empty());
        assert_eq!(pages.join(&b','), whole);
    }

    /// So many objects behind the first, and where the next stands.
    fn page(&self, body: &[u8], skip: usize, limit: usize) -> Option<(Vec<u8>, Option<usize>)> {
        let found = Found::up_to(limit, 0).filled(body, skip, &self.judge, &AtomicBool::new(false));
        let (found, rest) = found.ok()?;
        Some((found.objects.to_vec(), rest))
    }
}
