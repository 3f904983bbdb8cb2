//! Saved logins: one file that nobody but its owner may read.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use ileap_client::{BasicEncoding, Credentials};
use ileap_types::oauth2::AccessToken;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::exit::Failed;

/// What nobody but the owner may do with the file: anything.
const FORBIDDEN: u32 = 0o077;

/// All logins of this user on this machine.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Logins {
    /// The one that was made last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// By name.
    #[serde(default)]
    pub(crate) logins: BTreeMap<String, Login>,
}

/// A host, who we are there, and the token that was got there.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Login {
    pub(crate) url: String,
    pub(crate) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_url: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) basic_rfc6749: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) danger_plain_http: bool,
    #[serde(serialize_with = "write_token")]
    pub(crate) access_token: AccessToken,
    /// Seconds since 1970.
    #[serde(default)]
    pub(crate) expires_at_second: i64,
    /// Only where the user asked for it.
    #[serde(
        default,
        deserialize_with = "read_secret",
        serialize_with = "write_secret",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) client_secret: Option<SecretString>,
}

impl Login {
    /// When the token ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.expires_at_second).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(crate) fn basic_encoding(&self) -> BasicEncoding {
        if self.basic_rfc6749 {
            BasicEncoding::Rfc6749
        } else {
            BasicEncoding::Raw
        }
    }

    /// With the saved secret, or none: then only the token counts.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let secret = self.client_secret.clone()?;
        Some(Credentials::new(&self.client_id, secret))
    }
}

impl Logins {
    /// What is saved; nothing where there is no file.
    pub(crate) fn load() -> Result<Self, Failed> {
        let path = path()?;
        let failed = |error: &dyn std::fmt::Display| {
            Failed::new(
                format!("reading the saved logins in {}", path.display()),
                error,
            )
        };
        let mode = match fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(&error)),
        };
        if mode & FORBIDDEN != 0 {
            return Err(failed(
                &"others may read it: run `chmod 600` on it, or remove it and log in again",
            ));
        }
        let text = SecretString::from(fs::read_to_string(&path).map_err(|error| failed(&error))?);
        serde_json::from_str(text.expose_secret())
            .map_err(|_| failed(&"it is damaged: remove it and log in again"))
    }

    /// Changes what is saved, whole or not at all, while no other `ileap` does.
    pub(crate) fn update<R>(change: impl FnOnce(&mut Self) -> R) -> Result<R, Failed> {
        let path = path()?;
        let failed =
            |error: io::Error| Failed::new(format!("saving logins in {}", path.display()), error);
        let directory = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed)?;
        let lock = File::create(directory.join("logins.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut logins = Self::load()?;
        let changed = change(&mut logins);
        let text = serde_json::to_string_pretty(&logins).map_err(|error| failed(error.into()))?;
        let text = SecretString::from(text);
        // Made 0600, and in place of the old one only when it is whole.
        let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(text.expose_secret().as_bytes())
            .map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(changed)
    }

    /// The login of that name, or the one that was made last.
    pub(crate) fn choose(&self, name: Option<&str>) -> Option<(&str, &Login)> {
        let name = name.or(self.current.as_deref())?;
        self.logins
            .get_key_value(name)
            .map(|(name, login)| (name.as_str(), login))
    }
}

/// Where this platform keeps an application's data: `~/.local/share/ileap` on Linux.
fn path() -> Result<PathBuf, Failed> {
    let strategy = etcetera::choose_base_strategy();
    let strategy =
        strategy.map_err(|error| Failed::new("finding the directory for saved logins", error))?;
    Ok(strategy.data_dir().join("ileap").join("logins.json"))
}

fn write_token<S: serde::Serializer>(
    token: &AccessToken,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

fn read_secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(SecretString::from))
}

#[expect(
    clippy::ref_option,
    reason = "serde hands over a reference to the field"
)]
fn write_secret<S: serde::Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_str(secret.expose_secret()),
        None => serializer.serialize_none(),
    }
}
