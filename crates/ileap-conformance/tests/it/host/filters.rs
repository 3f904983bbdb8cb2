//! Lists: filters, pages, links.

use std::sync::atomic::Ordering;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::{Value, json};

use super::{
    Host,
    answers::{error, ok, status},
};

type Answer = Response<Body>;
type Pairs = Vec<(String, String)>;

pub(super) fn footprints(host: &Host, base: &str, query: &str) -> Answer {
    let pairs = parsed(host, query);
    let expression = pairs
        .iter()
        .find(|(name, _)| name == "$filter" && !host.is("filters-ignored"));
    let mut found = host.data.footprints.clone();
    if let Some((_, expression)) = expression {
        if expression.len() > 900 {
            return if host.is("depth-500") {
                status(500)
            } else {
                error(400, "BadRequest")
            };
        }
        let Some(clauses) = clauses(host, expression) else {
            if host.is("syntax-empty") {
                return ok(host, &json!({"data": []}));
            }
            return error(400, "BadRequest");
        };
        let holds = |record: &Value| {
            let mut all = clauses.iter().map(|clause| clause.holds(host, record));
            if host.is("filter-or") {
                all.any(|held| held)
            } else {
                all.all(|held| held)
            }
        };
        if host.is("filter-empty") {
            found.clear();
        } else {
            found.retain(holds);
        }
    }
    let answer = page(host, base, "/2/footprints", &pairs, &found);
    not_yet(host, answer, expression.is_some())
}

/// Twice "not yet" before each whole answer to a filter, where the host is slow.
fn not_yet(host: &Host, mut answer: Answer, is_filtered: bool) -> Answer {
    let is_late = match host.fault {
        "later" => host.later.fetch_add(1, Ordering::Relaxed) % 3 < 2,
        "never-whole" => true,
        _ => false,
    };
    if is_filtered && is_late {
        *answer.status_mut() = StatusCode::ACCEPTED;
        answer.headers_mut().remove("link");
        *answer.body_mut() = Body::from(json!({"data": []}).to_string());
    }
    answer
}

pub(super) fn tads(host: &Host, base: &str, query: &str) -> Answer {
    let pairs = parsed(host, query);
    let filters: Vec<_> = pairs
        .iter()
        .filter(|(name, _)| !["limit", "cursor", "offset"].contains(&name.as_str()))
        .collect();
    let known = ["mode", "activityId", "feedstock"];
    if filters
        .iter()
        .any(|(name, _)| !known.contains(&name.as_str()))
        && !host.is("unknown-ignored")
        && !host.is("filters-ignored")
    {
        return error(400, "NotImplemented");
    }
    let is_unheard_of = filters.iter().any(|(_, value)| value == "Air");
    if host.is("mode-air-refused") && is_unheard_of {
        return error(400, "NotImplemented");
    }
    let is_several = filters.iter().any(|(name, _)| *name != filters[0].0);
    let is_blind = host.is("filters-ignored") || (host.is("tad-several-ignored") && is_several);
    let value = |record: &Value, name: &str| match name {
        "feedstock" => record["energyCarriers"][0]["feedstocks"][0]["feedstock"].clone(),
        _ => record[name].clone(),
    };
    let matches = |record: &Value, name: &str, wanted: &str| {
        let given = value(record, name);
        let given = given.as_str().unwrap_or_default();
        if host.is("tad-case") {
            given == wanted
        } else {
            given.eq_ignore_ascii_case(wanted)
        }
    };
    let mut found = host.data.tads.clone();
    found.retain(|record| {
        let held = known.iter().filter_map(|name| {
            let mut of_name = filters.iter().filter(|(given, _)| given == name).peekable();
            of_name.peek()?;
            Some(if host.is("tad-and-within") {
                of_name.all(|(_, wanted)| matches(record, name, wanted))
            } else {
                of_name.any(|(_, wanted)| matches(record, name, wanted))
            })
        });
        let held: Vec<bool> = held.collect();
        if host.is("tad-mode-ignored") || is_blind {
            return true;
        }
        if host.is("tad-or-across") && !held.is_empty() {
            return held.contains(&true);
        }
        held.iter().all(|held| *held)
    });
    if host.is("tad-none") {
        found.clear();
    }
    let answer = page(host, base, "/2/ileap/tad", &pairs, &found);
    not_yet(host, answer, !filters.is_empty())
}

fn parsed(host: &Host, query: &str) -> Pairs {
    let query = if host.is("plus-literal") {
        query.replace('+', "%2B")
    } else {
        query.to_owned()
    };
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn page(host: &Host, base: &str, path: &str, pairs: &Pairs, found: &[Value]) -> Answer {
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.clone())
    };
    let is_tad = path.ends_with("tad");
    let limit = match value("limit").map(|limit| limit.parse::<usize>()) {
        Some(Ok(0) | Err(_)) if !host.is("any-limit") => return error(400, "BadRequest"),
        Some(Ok(limit)) if limit > 1000 && host.is("huge-refused") => {
            return error(400, "BadRequest");
        }
        Some(Ok(limit)) => limit.clamp(1, host.data.page),
        None | Some(Err(_)) => host.data.page,
    };
    let offset = match value("offset").map(|offset| offset.parse::<usize>()) {
        Some(_) if host.is("offset-403") => return error(403, "AccessDenied"),
        Some(Err(_)) => return error(400, "BadRequest"),
        Some(Ok(offset)) => offset,
        None => 0,
    };
    let start: usize = value("cursor").map_or(offset, |cursor| cursor.parse().unwrap());
    let limit = match host.fault {
        "limit-ignored" => 2.max(limit),
        "tad-limit-ignored" if is_tad => 2.max(limit),
        _ => limit,
    };
    let step = match host.fault {
        "page-skips" if !is_tad => limit + 1,
        "tad-page-skips" if is_tad => limit + 1,
        _ => limit,
    };
    let end = start + step;
    let shown: Vec<_> = found.iter().skip(start).take(limit).cloned().collect();
    let has_more = end < found.len() || (host.is("link-at-end") && start < found.len());
    let mut data = json!(shown);
    if host.is("unstable-page") && start > 0 && !is_tad && !shown.is_empty() {
        data[0]["comment"] = json!(uuid::Uuid::new_v4().to_string());
    }
    let body = match host.fault {
        "data-null" if !is_tad => json!({"data": null}),
        _ => json!({"data": data}),
    };
    let mut answer = ok(host, &body);
    if !has_more || host.is("no-links") || (host.is("tad-no-links") && is_tad) {
        return answer;
    }
    let mut next = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        let is_dropped = host.is("filters-dropped") && name != "limit";
        if name != "cursor" && name != "offset" && !is_dropped {
            next.append_pair(name, value);
        }
    }
    next.append_pair("cursor", &end.to_string());
    let base = if host.is("prefix-dropped") {
        base.trim_end_matches("/api")
    } else {
        base
    };
    let target = format!("{base}{path}?{}", next.finish());
    let link = match host.fault {
        "two-links" => format!("<{base}{path}>; rel=\"first\", <{target}>; rel=\"next\""),
        "odd-writing" => format!("<{target}>; title=\"a, <b>\"; Rel = next"),
        "unquoted" => format!("<{target}>; rel=next"),
        "relative-link" => format!("<{path}?cursor={end}>; rel=\"next\""),
        "link-circle" => format!("<{base}{path}?limit=1>; rel=\"next\""),
        _ => format!("<{target}>; rel=\"next\""),
    };
    answer.headers_mut().insert("link", link.parse().unwrap());
    answer
}

/// One comparison.
enum Clause {
    Created(jiff::Timestamp),
    Cpc(String),
}

impl Clause {
    fn holds(&self, host: &Host, record: &Value) -> bool {
        match self {
            Self::Created(least) => {
                let created: jiff::Timestamp = record["created"].as_str().unwrap().parse().unwrap();
                if host.is("created-reversed") {
                    created < *least
                } else {
                    created >= *least
                }
            }
            Self::Cpc(code) => {
                record["productCategoryCpc"] == code.as_str()
                    || (host.is("quoted-and") && code.contains(" and "))
            }
        }
    }
}

/// `$filter`, as far as the suite goes: comparisons joined by `and`, where literals have no parentheses.
fn clauses(host: &Host, expression: &str) -> Option<Vec<Clause>> {
    let mut clauses = Vec::new();
    let expression = expression.replace("salt and pepper", "salt\u{1}pepper");
    for clause in expression.split(" and ") {
        let clause = clause.trim_matches(['(', ')']).replace('\u{1}', " and ");
        let (left, literal) = clause.split_once(" '")?;
        let literal = literal.strip_suffix('\'')?;
        match left {
            "created ge" => {
                let repaired = if host.is("offset-unrepaired") {
                    literal.to_owned()
                } else {
                    literal.replace(' ', "+")
                };
                clauses.push(Clause::Created(repaired.parse().ok()?));
            }
            "productCategoryCpc eq" => clauses.push(Clause::Cpc(literal.to_owned())),
            _ => return None,
        }
    }
    Some(clauses)
}
