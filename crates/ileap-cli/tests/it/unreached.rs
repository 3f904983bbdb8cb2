//! What commands say of a database in PostgreSQL that they cannot reach: which, what was found, what to do.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    commands::{ileap, run},
    postgres::Postgres,
    static_users::free_address,
    upstream_tls::{Shown, authority},
};

/// What PostgreSQL answers to the wish for TLS.
const TAKES_TLS: &[u8] = b"S";
const TAKES_NO_TLS: &[u8] = b"N";

/// A server that answers to the wish for TLS, and shows its certificate; no more.
async fn server(answer: &'static [u8], acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let _ = stream.read_exact(&mut [0; 8]).await;
                let _ = stream.write_all(answer).await;
                let _ = acceptor.accept(stream).await;
            });
        }
    });
    port
}

fn command(arguments: &[&str], url: &str, directory: &Path) -> Command {
    let mut command = ileap(arguments);
    let within = |name: &str| directory.join(name);
    fs::write(
        within("secret"),
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    )
    .unwrap();
    fs::set_permissions(within("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    command
        .env("ILEAP_STORE__URL", url)
        .env("ILEAP_KEYS__LOCATION", "store")
        .env("ILEAP_KEYS__ENCRYPTION_KEY_FILE", within("secret"))
        .env(
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            "http://127.0.0.1:9",
        )
        .env("ILEAP_LISTENER__BIND", free_address())
        .env("ILEAP_LISTENER__ADMIN_BIND", free_address());
    command
}

/// Every command says all of `expected`, and none the password.
fn say(url: &str, directory: &Path, expected: &[&str]) {
    for (arguments, exit) in [
        (["serve"].as_slice(), 69),
        (&["keys", "list"], 69),
        (&["access", "list"], 69),
        (&["doctor"], 1),
    ] {
        let (code, stdout, stderr) = run(&mut command(arguments, url, directory));
        let said = stdout + &stderr;
        assert_eq!(code, exit, "{arguments:?}: {said}");
        for expected in expected {
            assert!(
                said.contains(expected),
                "{arguments:?}: {expected} in {said}"
            );
        }
        assert!(!said.contains("canary"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_look_at() {
    let directory = tempfile::tempdir().unwrap();
    for (url, place, finding) in [
        (
            "postgres://ileap:canary@127.0.0.1:1/data",
            "PostgreSQL at 127.0.0.1:1 (database data, user ileap)",
            "nobody listens there",
        ),
        (
            "postgres://ileap:canary@db.invalid/data",
            "PostgreSQL at db.invalid:5432 (database data, user ileap)",
            "the host's name has no address here",
        ),
        (
            "postgres:///data?host=/nowhere&user=ileap&password=canary",
            "PostgreSQL at /nowhere/.s.PGSQL.5432 (database data, user ileap)",
            "the socket takes no connection",
        ),
    ] {
        say(url, directory.path(), &[place, finding]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_its_name_is_named_with_the_certificate_that_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let within = |name: &str| directory.path().join(name).display().to_string();
    let (ours, theirs) = (authority(), authority());
    fs::write(within("ours.pem"), ours.pem()).unwrap();
    fs::write(within("theirs.pem"), theirs.pem()).unwrap();
    fs::write(
        within("broken.pem"),
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let good = Shown {
        name: "localhost",
        until: 2036,
    };
    let expired = Shown {
        until: 2021,
        ..good
    };
    let other = Shown {
        name: "db.example.com",
        ..good
    };
    let (ours_pem, theirs_pem) = (within("ours.pem"), within("theirs.pem"));
    let (broken, missing) = (within("broken.pem"), within("missing.pem"));
    for (shown, answer, root, expected) in [
        (
            good,
            TAKES_TLS,
            None,
            [
                "no authority that is trusted here vouches",
                "append ?sslrootcert=FILE",
            ],
        ),
        (
            good,
            TAKES_TLS,
            Some(&theirs_pem),
            ["no authority that is trusted here vouches", &theirs_pem],
        ),
        (
            good,
            TAKES_TLS,
            Some(&missing),
            ["sslrootcert is", &missing],
        ),
        (
            good,
            TAKES_TLS,
            Some(&broken),
            ["cannot be read as certificates", &broken],
        ),
        (
            expired,
            TAKES_TLS,
            Some(&ours_pem),
            ["the server's certificate has expired", "ssl_cert_file"],
        ),
        (
            other,
            TAKES_TLS,
            Some(&ours_pem),
            ["is not for the name localhost", "as the certificate does"],
        ),
        (
            good,
            TAKES_NO_TLS,
            Some(&ours_pem),
            ["the server does not take TLS", "ssl = on"],
        ),
    ] {
        let port = server(answer, TlsAcceptor::from(shown.config(&ours))).await;
        let root = root.map_or(String::new(), |root| format!("&sslrootcert={root}"));
        let url =
            format!("postgres://ileap:canary@localhost:{port}/data?sslmode=verify-full{root}");
        let place = format!("PostgreSQL at localhost:{port} (database data, user ileap)");
        say(
            &url,
            directory.path(),
            &[&[place.as_str()], expected.as_slice()].concat(),
        );
    }
}

#[test]
fn a_server_that_lets_nobody_in_is_named_with_what_it_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let postgres = Postgres::start();
    let socket = postgres.directory();
    postgres.execute("CREATE DATABASE foreign_one");
    postgres.execute(
        "CREATE ROLE ileap LOGIN PASSWORD 'right';
         COPY (VALUES ('local data ileap scram-sha-256'), ('local kept all reject'), ('local all all trust'))
             TO PROGRAM 'cat >pg_hba.conf';
         SELECT pg_reload_conf()",
    );
    for (database, user, finding, remedy) in [
        (
            "data",
            "ileap",
            "it does not take the password",
            "ALTER ROLE ileap PASSWORD",
        ),
        (
            "absent",
            "ileap",
            "there is no such database",
            "createdb --owner ileap absent",
        ),
        (
            "kept",
            "ileap",
            "it does not let this user in",
            "pg_hba.conf",
        ),
        (
            "postgres",
            "stranger",
            "it does not let this user in",
            "the role stranger",
        ),
    ] {
        let url = format!("postgres:///{database}?host={socket}&user={user}&password=canary");
        let place = format!("(database {database}, user {user})");
        say(&url, directory.path(), &[&place, finding, remedy]);
    }
    let url = format!("postgres:///data?host={socket}&user=ileap");
    let expected = [
        "it wants a password: store.url has none",
        "the service's environment",
    ];
    say(&url, directory.path(), &expected);
    let url = format!("postgres:///foreign_one?host={socket}&user=ileap");
    let (code, _, stderr) = run(&mut command(&["serve"], &url, directory.path()));
    assert_eq!(code, 69, "{stderr}");
    let remedy = "ALTER DATABASE foreign_one OWNER TO ileap";
    assert!(
        stderr.contains("may not") && stderr.contains(remedy),
        "{stderr}"
    );
}
