//! Where the database is; with PostgreSQL, also the password for it.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::store::sql;

/// What may follow the `?` of a PostgreSQL URL. The driver would log the value of any other.
const PARAMETERS: [&str; 10] = [
    "dbname",
    "host",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// `sqlite:FILE`, `sqlite::memory:` or `postgres://USER:PASSWORD@HOST/DATABASE`. Prints without what may be
/// secret.
#[derive(Clone)]
pub struct StoreUrl {
    shown: String,
    text: SecretString,
}

impl StoreUrl {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let shown = if text
            .strip_prefix("sqlite:")
            .is_some_and(|rest| !rest.is_empty())
        {
            text.to_owned()
        } else {
            without_secrets(text)?
        };
        Some(Self {
            shown,
            text: text.into(),
        })
    }

    /// Whether it is in PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        sql::is_postgres(self.expose())
    }

    /// All of it; for the call that opens the database.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Whether a password stands in the URL of a database.
pub(super) fn has_password(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
    })
}

/// A PostgreSQL URL without password and parameters; `None` when it is none.
fn without_secrets(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    let is_known = url
        .query_pairs()
        .all(|(name, _)| PARAMETERS.contains(&name.as_ref()));
    if !sql::is_postgres(text) || !is_known {
        return None;
    }
    if url.password().is_some() {
        url.set_password(None).ok()?;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_print() {
        for (text, shown) in [
            (
                "postgres://ileap:canary@db.example.com:5433/ileap?sslmode=require",
                "postgres://ileap@db.example.com:5433/ileap",
            ),
            (
                "postgresql:///ileap?host=/run/postgresql&user=ileap&password=canary",
                "postgresql:///ileap",
            ),
            ("sqlite:ileap.db", "sqlite:ileap.db"),
        ] {
            let url = StoreUrl::parse(text).unwrap();
            assert_eq!(url.expose(), text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"));
        }
    }

    #[test]
    fn what_is_no_database_is_refused() {
        for text in [
            "sqlite:",
            "ileap.db",
            "mysql://db/ileap",
            "postgres:ileap",
            "postgres://db/ileap?passwort=canary",
            "postgres://ileap:ca/nary@db/ileap",
        ] {
            assert!(StoreUrl::parse(text).is_none(), "{text}");
        }
    }
}
