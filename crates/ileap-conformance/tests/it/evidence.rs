//! Requests as lines for a shell.

use crate::{
    data::conformant,
    host::Host,
    options::{everything, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_puts_the_secret_into_the_lines_of_a_report() {
    for (fault, case, wanted) in [
        (
            "form-refused",
            "auth/form-credentials",
            "--data-raw \"grant_type=client_credentials&client_id=$CLIENT_ID&client_secret=$CLIENT_SECRET\"",
        ),
        (
            "basic-raw-only",
            "auth/percent-encoded-basic",
            "-H \"Authorization: Basic $BOTH_",
        ),
        (
            "stored",
            "auth/no-store",
            "-u \"$CLIENT_ID:$CLIENT_SECRET\"",
        ),
    ] {
        let base = Host::start(conformant(), fault).await;
        let mut options = everything(&base);
        options.cases = vec![case.to_owned()];
        let report = run(&options).await;
        let curl = &report.cases[0].exchange.as_ref().unwrap().curl;
        assert!(curl.contains(wanted), "{curl}");
        assert!(!curl.contains("$("), "nothing is run: {curl}");
    }
}
