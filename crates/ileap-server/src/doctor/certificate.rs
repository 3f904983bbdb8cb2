//! The certificate that the public listener shows, where it ends TLS itself.

use jiff::{SignedDuration, Timestamp};

use super::judgement::{Blame, Check, Moment};
use crate::{clock::Clock, config::Config, server::Pair};

const CERTIFICATE: &str = "certificate";
/// From when on its end is worth a warning: what renews itself has done so by then.
const DAYS_TO_RENEW: i64 = 30;

/// Reads certificate and key as the next start would, and judges how long they last.
pub(super) fn check(config: &Config, clock: &dyn Clock) -> Option<Check> {
    let files = config.listener.tls.as_ref()?;
    let file = files.cert_file.display();
    let problem = |finding| Check::problem(CERTIFICATE, Blame::Configuration, finding);
    let check = match Pair::read(files) {
        Err(error) => problem("the listener's certificate cannot be used")
            .seen(error.to_string())
            .advise("write certificate and key, PEM, that belong together and that the server's user may read"),
        Ok(pair) => match pair.not_after {
            Some(end) => judge(end, clock.now()).seen(format!("{file}: valid until {}", Moment(end))),
            None => problem("until when the listener's certificate is valid cannot be read")
                .seen(file.to_string())
                .advise("have it issued anew"),
        },
    };
    Some(check)
}

fn judge(end: Timestamp, now: Timestamp) -> Check {
    const RENEW: &str = "have it renewed, and write the new certificate and key to the same files: a running server \
         shows them within seconds";
    let left = end.duration_since(now);
    let days = left.as_hours() / 24;
    if left <= SignedDuration::ZERO {
        let finding = "the listener's certificate has expired: no partner trusts it";
        return Check::problem(CERTIFICATE, Blame::Configuration, finding).advise(RENEW);
    }
    let for_days = match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    if days < DAYS_TO_RENEW {
        let finding = format!("the listener's certificate expires in {for_days}");
        return Check::warning(CERTIFICATE, finding).advise(RENEW);
    }
    Check::ok(
        CERTIFICATE,
        format!("the listener's certificate is valid for {for_days}"),
    )
}
