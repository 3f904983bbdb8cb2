//! One page that a manager can read, with nothing to load.

use std::fmt::Write as _;

use super::{CaseReport, Report};
use crate::case::Verdict;

const STYLE: &str = include_str!("html/style.css");

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::new();
    let verdict = if report.is_partial {
        "inconclusive"
    } else if report.is_conformant() {
        "pass"
    } else {
        "fail"
    };
    let sentence = escaped(&report.sentence());
    let _ = writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Conformance of {host}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header class=\"{verdict}\">\n\
         <h1>{sentence}</h1>\n<p>Tested {started} by ileap {version}</p>\n</header>\n<main>",
        host = escaped(&report.host),
        started = escaped(&report.started_at),
        version = env!("CARGO_PKG_VERSION"),
    );
    counts(&mut out, report);
    if let Some(first) = report.fix_first() {
        let _ = writeln!(
            out,
            "<p class=\"first\"><strong>Fix this first:</strong> <a href=\"#{id}\">{address}</a>: {requirement}</p>",
            id = id(first),
            address = first.address,
            requirement = escaped(first.requirement),
        );
    }
    for group in report.groups() {
        let _ = writeln!(out, "<section>\n<h2>{group}</h2>");
        for case in report.cases.iter().filter(|case| case.group() == group) {
            one(&mut out, case);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn counts(out: &mut String, report: &Report) {
    out.push_str("<ul class=\"counts\">\n");
    for verdict in Verdict::ALL.iter().rev() {
        let count = report.count(*verdict);
        let name = verdict.as_str();
        let _ = writeln!(out, "<li class=\"{name}\"><b>{count}</b> {name}</li>");
    }
    out.push_str("</ul>\n");
}

fn one(out: &mut String, case: &CaseReport) {
    let verdict = case.verdict.as_str();
    let open = if case.is_against() { " open" } else { "" };
    let _ = writeln!(
        out,
        "<details id=\"{id}\" class=\"{verdict}\"{open}>\n<summary><span class=\"verdict\">{verdict}</span> \
         <code>{address}</code> {requirement}</summary>",
        id = id(case),
        address = case.address,
        requirement = escaped(case.requirement),
    );
    if !case.reason.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escaped(&case.reason));
    }
    let _ = writeln!(
        out,
        "<p class=\"source\">{}, {}</p>",
        escaped(case.source),
        case.severity.as_str()
    );
    if case.problems.count() > 0 {
        out.push_str("<ul class=\"problems\">\n");
        for problem in &case.problems.listed {
            let (pointer, text) = (escaped(&problem.pointer), escaped(&problem.text));
            let _ = writeln!(out, "<li><code>{pointer}</code>: {text}</li>");
        }
        if case.problems.more > 0 {
            let _ = writeln!(out, "<li>and {} more</li>", case.problems.more);
        }
        out.push_str("</ul>\n");
    }
    if let Some(exchange) = case
        .exchange
        .as_ref()
        .filter(|_| case.verdict != Verdict::Pass)
    {
        let _ = writeln!(out, "<pre>{}</pre>", escaped(&exchange.curl));
        let status = exchange
            .status
            .map_or_else(|| "no answer".to_owned(), |s| s.to_string());
        let head = exchange.headers.join("\n");
        let answer = format!("{status}\n{head}\n\n{}", exchange.body);
        let _ = writeln!(out, "<pre>{}</pre>", escaped(answer.trim_end()));
    }
    out.push_str("</details>\n");
}

fn id(case: &CaseReport) -> String {
    case.address.replace('/', "-")
}

/// Text in HTML, also within quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char if char.is_control() && char != '\n' => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}
