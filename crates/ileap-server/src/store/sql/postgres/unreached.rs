//! Why a database in PostgreSQL cannot be reached, and what to do about it.

use std::{io::ErrorKind, time::Duration};

use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, pem::PemObject as _};
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::{distrust::Distrust, store::StoreError};

/// How long a name may take to be looked up.
const LOOKUP: Duration = Duration::from_secs(2);

const CHECK_PORT: &str = "check host and port in store.url, that PostgreSQL runs there and listens on that address \
    (listen_addresses), and that firewalls let this machine connect";

/// `insufficient_privilege` and `read_only_sql_transaction`.
const MAY_NOT: &str = "42501";
const READS_ONLY: &str = "25006";

/// What connecting to the database at `url` ended with, in words for the operator.
pub(in crate::store::sql) async fn unreached(url: &str, error: sqlx::Error) -> StoreError {
    let Ok(options) = super::options(url) else {
        return StoreError::Unreached {
            place: "the database in store.url".to_owned(),
            finding: "the URL cannot be read".to_owned(),
            remedy: "correct it: sslmode is disable, prefer, require, verify-ca or verify-full, and port a number"
                .to_owned(),
            source: Box::new(error),
        };
    };
    let (finding, remedy) = Attempt {
        url,
        options: &options,
    }
    .judge(&error)
    .await;
    StoreError::Unreached {
        place: place(&options),
        finding,
        remedy,
        source: Box::new(error),
    }
}

/// Whether the server refuses to let us change the schema, which is for the operator to mend, too.
pub(super) fn may_not_change(error: &sqlx::Error) -> bool {
    let refusal = error.as_database_error();
    let code = refusal.and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == MAY_NOT || code == READS_ONLY)
}

/// Where it is, and as whom we come. Never the URL: there may be a password in it.
fn place(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    let host =
        socket(options).unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port()));
    format!("PostgreSQL at {host} (database {database}, user {user})")
}

/// The socket's path, where it is one on this machine.
fn socket(options: &PgConnectOptions) -> Option<String> {
    let host = options.get_host();
    let named = options.get_socket().map(|path| path.display().to_string());
    let directory = named.or_else(|| host.starts_with('/').then(|| host.to_owned()))?;
    Some(format!("{directory}/.s.PGSQL.{}", options.get_port()))
}

/// A finding, and its remedy.
type Judgement = (String, String);

fn judgement(finding: impl Into<String>, remedy: impl Into<String>) -> Judgement {
    (finding.into(), remedy.into())
}

struct Attempt<'a> {
    url: &'a str,
    options: &'a PgConnectOptions,
}

impl Attempt<'_> {
    async fn judge(&self, error: &sqlx::Error) -> Judgement {
        if let Some(distrust) = Distrust::behind(error) {
            return self.distrusted(distrust);
        }
        match error {
            sqlx::Error::Database(refusal) => self.refused(refusal.code().as_deref()),
            sqlx::Error::Io(error) => self.broken(error.kind()).await,
            sqlx::Error::Tls(error) if error.is::<InvalidDnsNameError>() => judgement(
                "the host in store.url is no name that a certificate can be for",
                "name the host as its certificate does",
            ),
            sqlx::Error::Tls(_) => self.unusable_file().unwrap_or_else(|| {
                judgement(
                    "the server does not take TLS",
                    "turn it on there (ssl = on, ssl_cert_file, ssl_key_file), or append ?sslmode=disable to store.url \
                     where the network between is your own",
                )
            }),
            _ => self.unusable_file().unwrap_or_else(|| {
                judgement("it gives no usable answer", format!("{CHECK_PORT}; see its log"))
            }),
        }
    }

    fn refused(&self, code: Option<&str>) -> Judgement {
        let user = self.options.get_username();
        let database = self.options.get_database().unwrap_or(user);
        match code {
            // invalid_password
            Some("28P01") if !self.names_password() => judgement(
                "it wants a password: store.url has none, and it takes none that PGPASSFILE or PGPASSWORD gives",
                format!(
                    "set ILEAP_STORE__URL with that of {user}, or mend PGPASSFILE; beside a service, take over the \
                     service's environment first"
                ),
            ),
            Some("28P01") => judgement(
                "it does not take the password",
                format!(
                    "set the password of {user} in ILEAP_STORE__URL (with %2F for a /) or in PGPASSFILE, or give {user} \
                     that one: ALTER ROLE {user} PASSWORD '...'"
                ),
            ),
            // invalid_authorization_specification
            Some("28000") => judgement(
                "it does not let this user in from here",
                format!(
                    "check that the role {user} exists and may log in, and that pg_hba.conf there has a line for it, the \
                     database {database} and this machine's address (hostssl for connections over TLS, host for others)"
                ),
            ),
            // invalid_catalog_name
            Some("3D000") => judgement(
                "there is no such database",
                format!(
                    "make it there (createdb --owner {user} {database}), or correct its name in store.url"
                ),
            ),
            Some(READS_ONLY) => judgement(
                "the server lets nothing be written: it is a standby, or read-only",
                "name the primary in store.url, or end default_transaction_read_only",
            ),
            Some(MAY_NOT) => judgement(
                "the user may not use this database, or make tables in it",
                format!("let it own the database: ALTER DATABASE {database} OWNER TO {user}"),
            ),
            // too_many_connections
            Some("53300") => judgement(
                "it has no connection left",
                "raise max_connections there (each ileap takes up to 16), or end what else is connected",
            ),
            // cannot_connect_now, admin_shutdown, crash_shutdown
            Some("57P01" | "57P02" | "57P03") => judgement(
                "it is starting, stopping or recovering",
                "wait until it takes connections; its log says how far it is",
            ),
            _ => judgement("it refuses the connection", "see its words, and its log"),
        }
    }

    fn names_password(&self) -> bool {
        let url = Url::parse(self.url);
        url.is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }

    async fn broken(&self, kind: ErrorKind) -> Judgement {
        if let Some(path) = socket(self.options) {
            let remedy = format!(
                "check that PostgreSQL runs on this machine, that {path} is its socket, and that this user may open it"
            );
            return judgement("the socket takes no connection", remedy);
        }
        match kind {
            ErrorKind::ConnectionRefused => judgement("nobody listens there", CHECK_PORT),
            ErrorKind::TimedOut => judgement("it does not answer in time", CHECK_PORT),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                judgement("no way leads there", CHECK_PORT)
            }
            _ if !self.has_address().await => judgement(
                "the host's name has no address here",
                "correct the host in store.url, or this machine's name servers or /etc/hosts",
            ),
            _ => self.unusable_file().unwrap_or_else(|| {
                judgement(
                    "the connection breaks off",
                    format!("{CHECK_PORT}; see its log"),
                )
            }),
        }
    }

    async fn has_address(&self) -> bool {
        let host = self.options.get_host().trim_matches(['[', ']']);
        let looked = tokio::net::lookup_host((host, self.options.get_port()));
        let looked = tokio::time::timeout(LOOKUP, looked).await;
        looked.is_ok_and(|found| found.is_ok_and(|mut found| found.next().is_some()))
    }

    fn distrusted(&self, distrust: Distrust) -> Judgement {
        let host = self.options.get_host();
        let root = self.file("sslrootcert");
        match distrust {
            Distrust::Expired => judgement(
                "the server's certificate has expired",
                "renew it there (ssl_cert_file) and reload PostgreSQL; compare this machine's clock, too",
            ),
            Distrust::NotYetValid => judgement(
                "the server's certificate is not valid yet",
                "set this machine's clock, or wait until the certificate's time begins",
            ),
            Distrust::OtherName => judgement(
                format!("the server's certificate is not for the name {host}"),
                format!("name the host in store.url as the certificate does, or have one issued for {host}"),
            ),
            Distrust::UnknownIssuer => judgement(
                "no authority that is trusted here vouches for the server's certificate",
                match root {
                    Some(path) => format!(
                        "let sslrootcert in store.url name the certificate of the authority that issued it: {path} is \
                         another's, or empty"
                    ),
                    None => "append ?sslrootcert=FILE to store.url, with the certificate (PEM) of the authority that \
                             issued it"
                        .to_owned(),
                },
            ),
            Distrust::Unusable => self.unusable_file().unwrap_or_else(|| {
                judgement(
                    "the TLS handshake goes wrong",
                    "check ssl_cert_file and ssl_key_file of the server, and its log",
                )
            }),
        }
    }

    /// What is wrong with the files of certificates and keys that the URL names.
    fn unusable_file(&self) -> Option<Judgement> {
        let reads_certificate = |path: &str| {
            let found: Result<Vec<_>, _> =
                CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            found.is_ok_and(|found| !found.is_empty())
        };
        let reads_key = |path: &str| PrivateKeyDer::from_pem_file(path).is_ok();
        let found = |name: &'static str, holds: &'static str, can_read: &dyn Fn(&str) -> bool| {
            let path = self.file(name).filter(|path| !can_read(path))?;
            Some(judgement(
                format!("{name} is {path}, which cannot be read as {holds}"),
                format!(
                    "copy the right file there, PEM, readable by the user that runs ileap, or correct {name} in store.url"
                ),
            ))
        };
        found("sslrootcert", "certificates", &reads_certificate)
            .or_else(|| found("sslcert", "certificates", &reads_certificate))
            .or_else(|| found("sslkey", "a private key", &reads_key))
    }

    /// The file that a parameter of the URL names; not one whose content stands there itself.
    fn file(&self, parameter: &str) -> Option<String> {
        let url = Url::parse(self.url).ok()?;
        let (_, value) = url.query_pairs().find(|(name, _)| name == parameter)?;
        (!value.contains("-----BEGIN")).then(|| value.into_owned())
    }
}
