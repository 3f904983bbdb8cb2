//! One page that a manager can read, with nothing to load.

mod case;

use std::fmt::Write as _;

use self::case::{counted, one, word};
use super::{CaseReport, Report, escaped};
use crate::case::{Severity, Verdict};

const STYLE: &str = include_str!("html/style.css");

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::new();
    let (class, headline) = headline(report);
    let host = escaped(&report.host);
    let _ = writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{headline}: {host}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header class=\"{class}\">\n<p class=\"kind\">Conformance report</p>\n<h1>{headline}</h1>\n<p class=\"host\">{host}</p>\n\
         <p>{sentence}</p>\n</header>\n<main>",
        sentence = escaped(&sentence(report)),
    );
    facts(&mut out, report);
    first(&mut out, report);
    table(&mut out, report);
    for group in report.groups() {
        section(&mut out, report, group);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The verdict in words, and how it looks.
fn headline(report: &Report) -> (&'static str, &'static str) {
    if report.is_partial {
        ("open", "Interrupted")
    } else if report.is_unanswered() {
        ("fail", "Not reached")
    } else if report.is_selection && report.is_conformant() {
        ("pass", "Selected cases passed")
    } else if report.is_selection {
        ("fail", "Selected cases not passed")
    } else if report.is_conformant() {
        ("pass", "Conformant")
    } else if report.count(Verdict::Fail) > 0 {
        ("fail", "Not conformant")
    } else {
        ("open", "Not shown to be conformant")
    }
}

/// The verdict in numbers.
fn sentence(report: &Report) -> String {
    let all = report.cases.iter().filter(|case| case.is_binding).count();
    let against = report.to_fix().len();
    let failed = report.count(Verdict::Fail);
    let warnings = match report.count(Verdict::Warn) {
        0 => String::new(),
        1 => " One warning says what would be better besides.".to_owned(),
        count => format!(" {count} warnings say what would be better besides."),
    };
    if report.is_partial {
        let done = report.cases.len();
        format!(
            "Somebody ended the run after {done} cases; {against} of them count against this host."
        )
    } else if report.is_conformant() {
        let skipped = report.unasked();
        format!("It passes the {all} cases that count{skipped}.{warnings}")
    } else if report.is_unanswered() {
        let why = report.fix_first().map_or("", |case| &case.reason);
        format!("It answered to nothing: {why}.")
    } else if failed > 0 {
        format!("It fails {failed} of the {all} cases that count.{warnings}")
    } else {
        format!("{against} of the {all} cases that count could not be found out.{warnings}")
    }
}

fn facts(out: &mut String, report: &Report) {
    let profiles: Vec<_> = report.profiles.iter().map(|p| p.as_str()).collect();
    let started = escaped(&report.started_at);
    let (day, time) = started.split_once('T').unwrap_or((&started, ""));
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    let _ = writeln!(
        out,
        "<dl class=\"facts\">\n<div><dt>Tested</dt><dd><time datetime=\"{started}\">{day} {time} UTC</time></dd></div>\n\
         <div><dt>Against</dt><dd>{profiles}</dd></div>\n<div><dt>Cases</dt><dd>{count}</dd></div>\n\
         <div><dt>By</dt><dd>ileap {version}</dd></div>\n</dl>",
        profiles = profiles.join(", "),
        count = report.cases.len(),
        version = env!("CARGO_PKG_VERSION"),
    );
}

/// What to begin with.
fn first(out: &mut String, report: &Report) {
    let (first, rest) = report.first_to_fix();
    if first.is_empty() {
        return;
    }
    out.push_str("<section class=\"first\">\n<h2>What to fix first</h2>\n<ol>\n");
    for case in first {
        let _ = writeln!(
            out,
            "<li><a href=\"#{id}\">{requirement}</a><br><span class=\"dim\">{address}: {reason}</span></li>",
            id = id(case),
            requirement = escaped(case.requirement),
            address = case.address,
            reason = escaped(&case.reason),
        );
    }
    out.push_str("</ol>\n");
    if rest > 0 {
        let _ = writeln!(
            out,
            "<p class=\"dim\">{rest} more count against the host, below: later ones often follow from earlier ones.</p>"
        );
    }
    out.push_str("</section>\n");
}

/// How the cases of each severity ended.
fn table(out: &mut String, report: &Report) {
    out.push_str("<section>\n<h2>Results</h2>\n<table>\n<thead><tr><th scope=\"col\">Cases</th>");
    let shown = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Warn,
        Verdict::Skip,
    ];
    for verdict in shown {
        let _ = write!(out, "<th scope=\"col\">{}</th>", word(verdict));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (severity, meaning) in [
        (Severity::Required, "a specification demands it"),
        (
            Severity::Recommended,
            "a specification recommends it, or partners depend on it",
        ),
        (
            Severity::Hardening,
            "it keeps strangers out and the host up",
        ),
    ] {
        let of_severity: Vec<_> = report
            .cases
            .iter()
            .filter(|case| case.severity == severity)
            .collect();
        if of_severity.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}<span class=\"meaning\">{meaning}</span></th>",
            severity.as_str()
        );
        for verdict in shown {
            let is_so = |case: &&&CaseReport| case.verdict == verdict;
            match of_severity.iter().filter(is_so).count() {
                0 => out.push_str("<td class=\"none\">0</td>"),
                count => {
                    let _ = write!(out, "<td class=\"{}\">{count}</td>", verdict.as_str());
                }
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

/// A group: first what is no pass.
fn section(out: &mut String, report: &Report, group: &str) {
    let cases = report.cases.iter().filter(|case| case.group() == group);
    let mut cases: Vec<_> = cases.collect();
    cases.sort_by_key(|case| case.verdict);
    let _ = writeln!(
        out,
        "<section>\n<h2>{} <span class=\"dim\">{}</span></h2>",
        title(group),
        counted(&cases)
    );
    for case in cases {
        one(out, case);
    }
    out.push_str("</section>\n");
}

/// What the first part of an address stands for.
fn title(group: &str) -> &str {
    match group {
        "act" => "SINE's ACT",
        "auth" => "Discovery and tokens",
        "data" => "Data",
        "events" => "Events",
        "filter" => "Filters",
        "hardening" => "Hardening",
        "ileap" => "iLEAP test cases",
        "pact" => "PACT test cases",
        "paging" => "Pages",
        other => other,
    }
}

fn id(case: &CaseReport) -> String {
    case.address.replace('/', "-")
}
