//! One case on the page.

use std::fmt::Write as _;

use super::{CaseReport, escaped, id};
use crate::{
    case::{Severity, Verdict},
    outcome::Exchange,
};

/// A verdict as people say it.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "failed",
        Verdict::Inconclusive => "not found out",
        Verdict::Warn => "warning",
        Verdict::Skip => "skipped",
        Verdict::Pass => "passed",
    }
}

/// `3 failed, 12 passed`.
pub(super) fn counted(cases: &[&CaseReport]) -> String {
    let counts = Verdict::ALL.iter().filter_map(|verdict| {
        let count = cases.iter().filter(|case| case.verdict == *verdict);
        match (count.count(), verdict) {
            (0, _) => None,
            (count @ 2.., Verdict::Warn) => Some(format!("{count} warnings")),
            (count, verdict) => Some(format!("{count} {}", word(*verdict))),
        }
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// A case that folds away; what failed is open.
pub(super) fn one(out: &mut String, case: &CaseReport) {
    let open = if case.is_against() { " open" } else { "" };
    let _ = writeln!(
        out,
        "<details id=\"{id}\" class=\"{class}\"{open}>\n<summary><span class=\"verdict\">{verdict}</span> \
         <span class=\"what\">{requirement}</span> <code>{address}</code></summary>",
        id = id(case),
        class = case.verdict.as_str(),
        verdict = word(case.verdict),
        address = case.address,
        requirement = escaped(case.requirement),
    );
    if !case.reason.is_empty() {
        let _ = writeln!(out, "<p class=\"reason\">{}</p>", escaped(&case.reason));
    }
    let is_named = case.is_binding && case.severity != Severity::Required;
    let binding = if is_named {
        ", counts as its profile was named"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "<p class=\"dim\">{}; {}{binding}</p>",
        escaped(case.source),
        case.severity.as_str()
    );
    problems(out, case);
    let exchange = case.exchange.as_ref();
    if let Some(exchange) = exchange.filter(|_| case.verdict != Verdict::Pass) {
        shown(out, exchange);
    }
    out.push_str("</details>\n");
}

fn problems(out: &mut String, case: &CaseReport) {
    // The reason says what is wrong with one alone.
    if case.problems.count() < 2 {
        return;
    }
    out.push_str("<ul class=\"problems\">\n");
    for problem in &case.problems.listed {
        let (pointer, text) = (escaped(&problem.pointer), escaped(&problem.text));
        let _ = write!(out, "<li><code>{pointer}</code> {text}");
        if problem.also > 0 {
            let rest = problem.also - problem.elsewhere.len();
            let more = if rest > 0 {
                format!(" and in {rest} more places")
            } else {
                String::new()
            };
            let places = escaped(&problem.elsewhere.join(", "));
            let _ = write!(
                out,
                "; <span class=\"dim\">the same at <code>{places}</code>{more}</span>"
            );
        }
        out.push_str("</li>\n");
    }
    if case.problems.more > 0 {
        let _ = writeln!(out, "<li>and {} more</li>", case.problems.more);
    }
    out.push_str("</ul>\n");
}

fn shown(out: &mut String, exchange: &Exchange) {
    let _ = writeln!(
        out,
        "<h3>Request</h3>\n<pre>{}</pre>\n<h3>Answer</h3>",
        escaped(&exchange.curl)
    );
    let Some(status) = exchange.status else {
        out.push_str("<p>none</p>\n");
        return;
    };
    let head = exchange.headers.join("\n");
    let answer = format!("{status}\n{head}\n\n{}", exchange.body);
    let _ = writeln!(out, "<pre>{}</pre>", escaped(answer.trim_end()));
}
