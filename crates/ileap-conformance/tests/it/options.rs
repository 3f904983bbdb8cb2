//! Runs of the suite in a hurry.

use std::time::Duration;

use ileap_conformance::{Options, Profile, Report, Timing};
use url::Url;

use crate::host::{EXPIRED_TOKEN, tls};

/// Everything, with patience for a host in this process.
pub(crate) fn everything(base: &str) -> Options {
    let base = Url::parse(base).unwrap();
    let now = "2024-11-26T12:00:00Z".parse().unwrap();
    let mut options = Options::new(base, "hello".to_owned(), "pathfinder".into(), now);
    options.profiles = vec![
        Profile::Ileap,
        Profile::Pact21,
        Profile::Pact23,
        Profile::Act,
        Profile::Hardening,
    ];
    if options.base.scheme() == "https" {
        options.authorities = vec![tls::certificate()];
    }
    options.is_intrusive = true;
    options.expired_token = Some(EXPIRED_TOKEN.into());
    options.timing = Timing {
        call: Duration::from_secs(20),
        callback: Duration::from_millis(1500),
        throttle: Duration::from_secs(2),
        run: Duration::from_secs(600),
    };
    options
}

pub(crate) async fn run(options: &Options) -> Report {
    let report = ileap_conformance::run(options, |_| {}, std::future::pending()).await;
    report.unwrap()
}
