//! Whether this machine's clock agrees with Clerk's.

use jiff::SignedDuration;

use super::judgement::{Blame, Check};

const NAME: &str = "clock";
/// More than this may show: tokens are accepted with a little leeway only.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(5);
/// More than this makes partners refuse our tokens, and us refuse webhooks.
const HARMFUL: SignedDuration = SignedDuration::from_secs(30);

/// Judges by how much this machine's clock is ahead; `None` where no answer of Clerk's says.
pub(super) fn check(ahead: Option<SignedDuration>) -> Check {
    let Some(ahead) = ahead else {
        return Check::note(
            NAME,
            "this machine's clock could not be compared with Clerk's",
        )
        .seen("no answer of Clerk's with a Date header");
    };
    let seconds = ahead.abs().as_secs();
    let direction = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let evidence = format!(
        "this machine's clock against the Date header of Clerk's answer: {seconds} s {direction} it"
    );
    let finding = format!("this machine's clock is {seconds} seconds {direction} Clerk's");
    let check = if ahead.abs() > HARMFUL {
        Check::problem(NAME, Blame::Other, finding)
    } else if ahead.abs() > NOTICEABLE {
        Check::warning(NAME, finding)
    } else {
        return Check::ok(NAME, "this machine's clock agrees with Clerk's")
            .seen(format!("Date header of Clerk's answer: {seconds} s apart"));
    };
    check.seen(evidence).advise(
        "let this machine follow a time server (chrony, systemd-timesyncd): partners judge the times in tokens by \
         their own clocks",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::judgement::Severity, *};

    #[test]
    fn more_than_five_seconds_are_worth_a_warning_and_more_than_thirty_are_a_problem() {
        let severity = |seconds| check(Some(SignedDuration::from_secs(seconds))).severity;
        for (seconds, expected) in [
            (0, Severity::Ok),
            (5, Severity::Ok),
            (6, Severity::Warning),
            (-30, Severity::Warning),
            (31, Severity::Problem),
            (-31, Severity::Problem),
        ] {
            assert_eq!(severity(seconds), expected, "{seconds}");
        }
        assert_eq!(check(None).severity, Severity::Note);
    }
}
