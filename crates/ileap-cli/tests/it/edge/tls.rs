//! TLS of our own: what outside clients are shown, and what becomes of new certificates.

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

/// Writes a certificate for loopback that is its own authority, with its key.
fn write_certificate(site: &Site, name: &str) -> String {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2036, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    write(site, "key.pem", &key.serialize_pem());
    write(site, "cert.pem", &certificate);
    write(site, name, &certificate);
    site.file(name)
}

fn write(site: &Site, name: &str, text: &str) {
    let (new, file) = (site.file("new.pem"), site.file(name));
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(new, file).unwrap();
}

fn settings(site: &Site) -> String {
    let (cert, key) = (site.file("cert.pem"), site.file("key.pem"));
    format!("[listener]\ntls_cert_file = \"{cert}\"\ntls_key_file = \"{key}\"\n")
}

/// What curl prints of an answer to a client that trusts this certificate alone; nothing where it does not trust.
fn curl(site: &Site, trusted: &str, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args([
            "-sS",
            "-D",
            "-",
            "-w",
            "\n%{http_version} %{http_code}",
            "--cacert",
            trusted,
        ])
        .args(arguments)
        .arg(format!("https://{}/auth/token", site.address))
        .output()
        .unwrap();
    if output.status.success() {
        String::from_utf8(output.stdout).unwrap()
    } else {
        String::new()
    }
}

#[test]
fn partners_are_spoken_to_in_http_1_and_2_and_browsers_told_to_stay_with_tls() {
    let site = Site::new("");
    let trusted = write_certificate(&site, "trusted.pem");
    site.write_config(&settings(&site));
    let mut server = site.up(site.serve().spawn().unwrap());
    let login = [
        "-u",
        &format!("acme:{}", site::SECRET),
        "-d",
        "grant_type=client_credentials",
    ];
    for (protocol, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let answer = curl(&site, &trusted, &[[protocol].as_slice(), &login].concat());
        assert!(answer.ends_with(&format!("\n{version} 200")), "{answer}");
        assert!(
            answer.contains("strict-transport-security: max-age=31536000"),
            "{answer}"
        );
        assert!(!answer.contains("connection:"));
        let refusal = curl(
            &site,
            &trusted,
            &[protocol, "-d", "grant_type=client_credentials"],
        );
        assert!(
            refusal.contains(r#"{"error":"invalid_client""#),
            "{refusal}"
        );
    }
    for old in ["--tls-max=1.1", "--tls-max=1.0"] {
        assert_eq!(curl(&site, &trusted, &[old]), "");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let site = Site::new("");
    let first = write_certificate(&site, "first.pem");
    site.write_config(&settings(&site));
    let server = site.up(site.serve().spawn().unwrap());
    assert!(!curl(&site, &first, &[]).is_empty());
    assert_eq!(
        site.count("tls_certificate_not_after_timestamp_seconds"),
        2_082_758_400
    );
    // Its files are followed.
    let second = write_certificate(&site, "second.pem");
    eventually(|| !curl(&site, &second, &[]).is_empty());
    assert_eq!(curl(&site, &first, &[]), "");
    // A key that belongs to another certificate.
    write(
        &site,
        "key.pem",
        &KeyPair::generate().unwrap().serialize_pem(),
    );
    eventually(|| site.count("tls_certificate_reloads_total{outcome=\"refused\"}") == 1);
    assert!(!curl(&site, &second, &[]).is_empty());
    // Nor by a signal, with anything else that is in the configuration.
    site.write_config(&format!(
        "{}[profile]\noauth_errors = \"rfc6749\"\n",
        settings(&site)
    ));
    server.signal("HUP");
    eventually(|| site.count("config_reloads_total{outcome=\"refused\"}") == 1);
    assert!(curl(&site, &second, &["-d", "grant_type=client_credentials"]).ends_with("400"));
    let third = write_certificate(&site, "third.pem");
    server.signal("HUP");
    eventually(|| site.count("config_reloads_total{outcome=\"taken_on\"}") == 1);
    assert!(curl(&site, &third, &["-d", "grant_type=client_credentials"]).ends_with("401"));
}
