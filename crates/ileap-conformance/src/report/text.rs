//! For terminals and pipes.

use std::fmt::Write as _;

use super::{CaseReport, Report};
use crate::{
    case::{Case, Verdict},
    outcome::Exchange,
};

/// How many problems of a case a terminal shows; reports in files show more.
const MOST_PROBLEMS: usize = 5;
/// How many characters of a body a terminal shows.
const MOST_CHARS: usize = 400;
/// The headers that a judgement can hang on.
const TELLING: [&str; 8] = [
    "allow",
    "content-type",
    "link",
    "location",
    "retry-after",
    "server",
    "www-authenticate",
    "access-control-allow-origin",
];

/// A verdict as [`case_line`] begins with it.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "????",
        Verdict::Warn => "warn",
        Verdict::Skip => "skip",
        Verdict::Pass => "ok",
    }
}

/// A case as it finishes.
pub fn case_line(case: &CaseReport) -> String {
    let verdict = verdict_word(case.verdict);
    let mut line = format!("{verdict:<4}  {:<34}  ", case.address);
    if case.verdict == Verdict::Pass {
        line += case.requirement;
    } else {
        line += &one_line(&case.reason);
    }
    clean(&line)
}

/// What a person needs to know about a case that is no pass, indented: files hold more.
pub fn details(case: &CaseReport) -> String {
    let mut short = case.clone();
    let listed = &mut short.problems.listed;
    if listed.len() == 1 {
        // The reason has said it.
        listed.clear();
    }
    if listed.len() > MOST_PROBLEMS {
        let others = listed.drain(MOST_PROBLEMS..).map(|other| 1 + other.also);
        short.problems.more += others.sum::<usize>();
    }
    if let Some(exchange) = &mut short.exchange {
        shorten(exchange);
        if short.verdict == Verdict::Warn {
            // Its request shows the rest, if anybody wants to know.
            exchange.status = None;
            exchange.headers.clear();
            exchange.body.clear();
        }
    }
    clean(&plain(&short))
}

fn shorten(exchange: &mut Exchange) {
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_lowercase();
    exchange
        .headers
        .retain(|line| TELLING.contains(&name(line).as_str()));
    let body = one_line(&exchange.body);
    exchange.body = body.chars().take(MOST_CHARS).collect();
    if exchange.body.len() < body.len() {
        exchange.body.push('…');
    }
}

/// The heading of what counts against a host.
pub const FIX_FIRST: &str = "Fix this first:";

/// The end of a run.
pub fn summary(report: &Report) -> String {
    let mut out = String::new();
    for group in report.groups() {
        let of_group = || report.cases.iter().filter(|case| case.group() == group);
        let _ = writeln!(out, "{group:<12}{}", counts(of_group));
    }
    let _ = writeln!(out, "{:<12}{}", "all", counts(|| report.cases.iter()));
    let _ = writeln!(out, "\n{}", report.sentence());
    let (first, rest) = report.first_to_fix();
    if !first.is_empty() {
        let _ = writeln!(out, "\n{FIX_FIRST}");
    }
    for (number, case) in first.iter().enumerate() {
        let _ = writeln!(
            out,
            "{:>3}. {}: {} ({})\n     {}",
            number + 1,
            case.address,
            case.requirement,
            case.source,
            one_line(&case.reason),
        );
    }
    if rest > 0 {
        let _ = writeln!(
            out,
            "     {rest} more count against the host: later ones often follow from earlier ones"
        );
    }
    clean(out.trim_end())
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
            one_line(&problem.sentence())
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

/// A terminal must not obey a stranger's escapes, nor show text in another order than it has or hide some (Unicode TR 36 §2.4-2.5).
fn clean(text: &str) -> String {
    let clean = |char: char| {
        let is_unseen = matches!(char,
            '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        if (char.is_control() && char != '\n') || is_unseen {
            '\u{fffd}'
        } else {
            char
        }
    };
    text.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_reads_in_one_direction_and_hides_nothing() {
        assert_eq!(
            clean("pay\u{202e}lap\u{200b}.\u{1b}[31m\n"),
            "pay\u{fffd}lap\u{fffd}.\u{fffd}[31m\n"
        );
    }
}
