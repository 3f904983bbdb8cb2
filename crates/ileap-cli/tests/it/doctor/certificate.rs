//! The listener's own certificate, before its end keeps everybody out.

use ileap_server::clock::{Clock as _, SystemClock};
use jiff::{ToSpan as _, tz::TimeZone};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

/// A certificate that expires at midnight (UTC) so many days from today, with its key.
fn write_certificate(directory: &Path, days: i32) {
    let today = SystemClock.now().to_zoned(TimeZone::UTC).date();
    let end = today.checked_add(days.days()).unwrap();
    let (year, month, day) = (i32::from(end.year()), end.month(), end.day());
    let mut params = CertificateParams::new(vec!["ileap.example.com".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, month.try_into().unwrap(), day.try_into().unwrap());
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    fs::write(directory.join("cert.pem"), certificate).unwrap();
    write_key(directory, &key);
}

fn write_key(directory: &Path, key: &KeyPair) {
    let path = directory.join("key.pem");
    fs::write(&path, key.serialize_pem()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn with_tls(deployment: &Deployment, arguments: &[&str]) -> Command {
    let directory = deployment.directory.path();
    let mut command = deployment.command(Keys::Secret, arguments);
    command
        .env("ILEAP_LISTENER__TLS_CERT_FILE", directory.join("cert.pem"))
        .env("ILEAP_LISTENER__TLS_KEY_FILE", directory.join("key.pem"));
    command
}

fn doctor(deployment: &Deployment) -> Answer {
    Answer::of(&mut with_tls(deployment, &["--json"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listeners_certificate_is_a_warning_in_its_last_month_and_exit_64_once_it_has_expired()
{
    let deployment = Deployment::new().await;
    for (days, verdict, finding, code) in [
        (32, "ok", "is valid for 3", 0),
        (29, "warning", "expires in 2", 0),
        (2, "warning", "expires in ", 0),
        (0, "problem", "has expired", 64),
        (-3, "problem", "has expired", 64),
    ] {
        write_certificate(deployment.directory.path(), days);
        let answer = doctor(&deployment);
        answer.finds("certificate", verdict, finding);
        assert_eq!(answer.code, code, "{:#}", answer.json);
    }
    // The text says when, of which file, and what to do.
    let (_, text, _) = run(&mut with_tls(&deployment, &[]));
    let file = deployment.directory.path().join("cert.pem");
    let seen = format!("seen: {}: valid until 20", file.display());
    assert!(
        text.contains(&seen) && text.contains("T00:00:00Z"),
        "{text}"
    );
    assert!(text.contains("do:   have it renewed"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_belong_to_its_key_is_exit_64() {
    let deployment = Deployment::new().await;
    write_certificate(deployment.directory.path(), 100);
    write_key(deployment.directory.path(), &KeyPair::generate().unwrap());
    let answer = doctor(&deployment);
    answer.finds("certificate", "problem", "cannot be used");
    assert_eq!(answer.code, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_without_tls_has_no_certificate_to_speak_of() {
    let deployment = Deployment::new().await;
    let answer = deployment.doctor(Keys::Secret, &[]);
    assert_eq!(answer.of_check("certificate"), []);
}
