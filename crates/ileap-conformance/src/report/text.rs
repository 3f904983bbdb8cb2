//! For terminals and pipes.

use std::fmt::Write as _;

use super::{CaseReport, Report};
use crate::case::{Case, Verdict};

/// A case as it finishes.
pub fn case_line(case: &CaseReport) -> String {
    let verdict = match case.verdict {
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "????",
        Verdict::Warn => "warn",
        Verdict::Skip => "skip",
        Verdict::Pass => "ok",
    };
    let mut line = format!("{verdict:<4}  {:<34}  ", case.address);
    if case.verdict == Verdict::Pass {
        line += case.requirement;
    } else {
        line += &one_line(&case.reason);
    }
    clean(&line)
}

/// What is known about a case that is no pass, indented.
pub fn details(case: &CaseReport) -> String {
    clean(&plain(case))
}

/// The end of a run.
pub fn summary(report: &Report) -> String {
    let mut out = String::new();
    for group in report.groups() {
        let of_group = || report.cases.iter().filter(|case| case.group() == group);
        let _ = writeln!(out, "{group:<12}{}", counts(of_group));
    }
    let _ = writeln!(out, "{:<12}{}", "all", counts(|| report.cases.iter()));
    let _ = write!(out, "\n{}", report.sentence());
    if let Some(first) = report.fix_first() {
        let _ = write!(
            out,
            "\n\nFix this first: {}\n  {}\n  {} ({})",
            first.address,
            first.requirement,
            one_line(&first.reason),
            first.source
        );
    }
    clean(&out)
}

fn counts<'a, I: Iterator<Item = &'a CaseReport>>(cases: impl Fn() -> I) -> String {
    let counts: Vec<_> = Verdict::ALL
        .iter()
        .rev()
        .map(|verdict| {
            (
                verdict,
                cases().filter(|case| case.verdict == *verdict).count(),
            )
        })
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", verdict.as_str()))
        .collect();
    counts.join(", ")
}

/// The cases, one a line.
pub fn list(cases: &[&'static Case]) -> String {
    let lines: Vec<_> = cases
        .iter()
        .map(|case| {
            let severity = case.severity(&[]).as_str();
            format!(
                "{:<34}  {severity:<11}  {} [{}]",
                case.address, case.requirement, case.source
            )
        })
        .collect();
    lines.join("\n")
}

/// The cases as a Markdown table.
pub fn catalogue(cases: &[&'static Case]) -> String {
    let mut out = String::from("| case | requirement | source | severity |\n|---|---|---|---|\n");
    for case in cases {
        let more = if case.is_intrusive { ", intrusive" } else { "" };
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {}{more} |",
            case.address,
            cell(case.requirement),
            cell(case.source),
            case.severity(&[]).as_str()
        );
    }
    out
}

/// Everything known about a case, with what the host sent as it came.
pub(super) fn plain(case: &CaseReport) -> String {
    let mut out = format!(
        "      requires  {}\n      source    {}\n",
        case.requirement, case.source
    );
    for problem in &case.problems.listed {
        let _ = writeln!(
            out,
            "      at        {}: {}",
            problem.pointer,
            one_line(&problem.text)
        );
    }
    if case.problems.more > 0 {
        let _ = writeln!(out, "      and       {} more", case.problems.more);
    }
    if let Some(exchange) = &case.exchange {
        let _ = writeln!(out, "      request   {}", exchange.curl);
        if let Some(status) = exchange.status {
            let _ = writeln!(out, "      answer    {status}");
        }
        for line in &exchange.headers {
            let _ = writeln!(out, "                {line}");
        }
        if !exchange.body.is_empty() {
            let _ = writeln!(out, "                {}", one_line(&exchange.body));
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A terminal must not obey a stranger's escapes.
fn clean(text: &str) -> String {
    let clean = |char: char| {
        if char.is_control() && char != '\n' {
            '\u{fffd}'
        } else {
            char
        }
    };
    text.chars().map(clean).collect()
}
