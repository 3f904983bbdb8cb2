//! XML for `JUnit`'s readers, as continuous integration reads it.

use std::fmt::Write as _;

use super::{CaseReport, Report, escaped, text::plain};
use crate::case::Verdict;

/// What did not run has not passed.
const INTERRUPTED: &str = r#"  <testsuite name="run" tests="1" failures="1" skipped="0" errors="0">
    <testcase classname="run" name="run: It goes to its end." time="0.000">
      <failure type="interrupted" message="the run was interrupted: these are the cases that ran before"/>
    </testcase>
  </testsuite>
"#;

/// One suite for each group, one test for each case.
pub fn junit(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let against = report.cases.iter().filter(|case| case.is_against()).count();
    let unfinished = usize::from(report.is_partial);
    let _ = writeln!(
        out,
        "<testsuites name=\"ileap conformance\" tests=\"{}\" failures=\"{}\">",
        report.cases.len() + unfinished,
        against + unfinished
    );
    if report.is_partial {
        out.push_str(INTERRUPTED);
    }
    for group in report.groups() {
        let of_group = || report.cases.iter().filter(|case| case.group() == group);
        let failures = of_group().filter(|case| case.is_against()).count();
        let skipped = of_group()
            .filter(|case| case.verdict == Verdict::Skip)
            .count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{group}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\" timestamp=\"{}\">",
            of_group().count(),
            escaped(&report.started_at),
        );
        for case in of_group() {
            one(&mut out, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn one(out: &mut String, case: &CaseReport) {
    let _ = writeln!(
        out,
        "    <testcase classname=\"{}\" name=\"{}: {}\" time=\"{:.3}\">",
        case.group(),
        case.address,
        escaped(case.requirement),
        case.seconds
    );
    let reason = escaped(&case.reason);
    if case.is_against() {
        let kind = case.verdict.as_str();
        let text = escaped(&plain(case));
        let _ = writeln!(
            out,
            "      <failure type=\"{kind}\" message=\"{reason}\">{text}</failure>"
        );
    } else if case.verdict == Verdict::Skip {
        let _ = writeln!(out, "      <skipped message=\"{reason}\"/>");
    } else if case.verdict != Verdict::Pass {
        let kind = case.verdict.as_str();
        let _ = writeln!(out, "      <system-out>{kind}: {reason}</system-out>");
    }
    out.push_str("    </testcase>\n");
}
