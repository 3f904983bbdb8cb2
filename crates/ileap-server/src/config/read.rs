//! From values to sections. Every section is read whatever is wrong with the others.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, sync::Arc};

use ipnet::IpNet;
use secrecy::ExposeSecret as _;

use super::{
    base_url::PublicBaseUrl,
    read_clerk::clerk,
    read_data::data,
    read_telemetry::{audit, log, traces},
    reader::Reader,
    secret_file,
    sections::{
        Access, Budget, Config, Events, KeyPlace, Keys, KnownGood, Listener, Profile, StoreSection,
        TlsFiles, Token, Verifier, VerifierKind,
    },
    store_url::StoreUrl,
    violation::Violation,
};
use crate::{http::profile::OauthErrors, identity::Role, token::KeyCipher, verify::static_users};

/// Reads every section. `None` means that violations were noted and a value is missing because of them;
/// every section is read all the same, so that all of them are noted.
pub(super) fn config(reader: &mut Reader) -> Option<Config> {
    let public_base_url = public_base_url(reader);
    let listener = listener(reader);
    let verifier = verifier(reader);
    let access = access(reader);
    let token = token(reader);
    let keys = keys(reader);
    let store = store(reader);
    let data = data(reader);
    let private_networks = reader.boolean("events.private_networks");
    let oauth_errors = reader.parsed("profile.oauth_errors", |text| {
        OauthErrors::ALL
            .into_iter()
            .find(|profile| profile.as_str() == text)
    });
    let audit = audit(reader);
    let log = log(reader);
    let traces = traces(reader);
    Some(Config {
        access: access?,
        audit: audit?,
        data: data?,
        events: Events {
            private_networks: private_networks?,
        },
        keys: keys?,
        listener: listener?,
        log: log?,
        profile: Profile {
            oauth_errors: oauth_errors?,
        },
        public_base_url,
        store: store?,
        token: token?,
        traces,
        verifier: verifier?,
    })
}

fn public_base_url(reader: &mut Reader) -> Option<PublicBaseUrl> {
    let text = reader.text("public_base_url")?;
    let url = PublicBaseUrl::parse(&text);
    url.map_err(|problem| {
        reader.violate_key(
            "public_base_url",
            problem,
            "write the URL partners type, such as \"https://ileap.example.com\"",
        );
    })
    .ok()
}

fn listener(reader: &mut Reader) -> Option<Listener> {
    let bind = reader.parsed("listener.bind", |text| text.parse().ok());
    let admin_bind = reader.parsed("listener.admin_bind", |text| text.parse().ok());
    let trusted_proxies = trusted_proxies(reader);
    let behind_proxy = reader.boolean("listener.behind_proxy");
    let drain_timeout = reader.duration("listener.drain_timeout");
    let max_connections = reader.integer("listener.max_connections");
    let max_connections_per_address = reader.integer("listener.max_connections_per_address");
    let max_requests = reader.integer("listener.max_requests");
    let requests_per_address = reader.integer("listener.requests_per_address");
    let shutdown_delay = reader.duration("listener.shutdown_delay");
    let tls = tls(reader);
    Some(Listener {
        admin_bind: admin_bind?,
        behind_proxy: behind_proxy?,
        bind: bind?,
        drain_timeout: drain_timeout?,
        max_connections: max_connections?.try_into().ok()?,
        max_connections_per_address: max_connections_per_address?.try_into().ok()?,
        max_requests: max_requests?.try_into().ok()?,
        requests_per_address: requests_per_address?,
        shutdown_delay: shutdown_delay?,
        tls,
        trusted_proxies: trusted_proxies?,
    })
}

fn trusted_proxies(reader: &mut Reader) -> Option<Vec<IpNet>> {
    const KEY: &str = "listener.trusted_proxies";
    let network = |text: String| {
        let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(single)
    };
    let networks = reader.list(KEY)?;
    let networks: Option<Vec<IpNet>> = networks.into_iter().map(network).collect();
    if networks.is_none() {
        reader.violate_key(
            KEY,
            "an entry is no network",
            "write CIDR, such as \"10.0.0.0/8\"",
        );
    }
    let networks = networks?;
    for given in &networks {
        let (meant, address) = (given.trunc(), given.addr());
        if meant != *given {
            reader.violate_key(
                KEY,
                format!("{given} is an address in the network {meant}, which has every address of it trusted"),
                format!("write \"{meant}\" for the whole network, or \"{address}\" for this address alone"),
            );
        }
    }
    Some(networks)
}

fn tls(reader: &mut Reader) -> Option<TlsFiles> {
    const CERT: &str = "listener.tls_cert_file";
    const KEY: &str = "listener.tls_key_file";
    if reader.is_set(CERT) != reader.is_set(KEY) {
        reader.violate_key(
            CERT,
            "only one of certificate and key is named",
            "set both listener.tls_cert_file and listener.tls_key_file",
        );
    }
    secret_file::check_public(reader, CERT);
    secret_file::check(reader, KEY);
    Some(TlsFiles {
        cert_file: reader.text(CERT)?.into(),
        key_file: reader.text(KEY)?.into(),
    })
}

fn verifier(reader: &mut Reader) -> Option<Verifier> {
    let kind = if reader.is_set("verifier.kind") {
        reader.parsed("verifier.kind", |text| match text {
            "clerk_backend" => Some(VerifierKind::ClerkBackend),
            "clerk_frontend" => Some(VerifierKind::ClerkFrontend),
            "static_users" => Some(VerifierKind::StaticUsers),
            _ => None,
        })
    } else if reader.is_set("verifier.clerk.secret_key_file") {
        Some(VerifierKind::ClerkBackend)
    } else {
        Some(VerifierKind::ClerkFrontend)
    };
    let clerk = clerk(reader, kind);
    let static_users_file = static_users_file(reader, kind);
    let fresh_for = reader.duration("verifier.known_good.fresh_for");
    let stale_for = reader.duration("verifier.known_good.stale_for");
    let known_good = KnownGood {
        fresh_for: fresh_for?,
        stale_for: stale_for?,
    };
    let budget = budget(reader);
    Some(Verifier {
        budget: budget?,
        clerk: clerk?,
        kind: kind?,
        known_good,
        static_users_file,
    })
}

fn budget(reader: &mut Reader) -> Option<Budget> {
    let enabled = reader.boolean("verifier.budget.enabled");
    let failures_in_all = reader.integer("verifier.budget.failures_in_all");
    let failures_per_address = reader.integer("verifier.budget.failures_per_address");
    let queue_for = reader.duration("verifier.budget.queue_for");
    let calls = "verifier.budget.calls_per_10s";
    let calls_per_10s = reader
        .is_set(calls)
        .then(|| reader.integer(calls))
        .flatten();
    Some(Budget {
        calls_per_10s,
        enabled: enabled?,
        failures_in_all: failures_in_all?,
        failures_per_address: failures_per_address?,
        queue_for: queue_for?,
    })
}

/// The file of users, where it is asked for; everything that is wrong with it is a violation here, too.
fn static_users_file(reader: &mut Reader, kind: Option<VerifierKind>) -> Option<PathBuf> {
    const FILE: &str = "verifier.static_users.file";
    if kind != Some(VerifierKind::StaticUsers) {
        if reader.is_set(FILE) {
            reader.warn(
                "verifier.static_users.file has no effect without verifier.kind = \"static_users\"",
            );
        }
        return None;
    }
    if !reader.is_set(FILE) {
        reader.violate_key(
            FILE,
            "verifier.kind is \"static_users\", and no file is named",
            "set it to a TOML file of [[user]] tables",
        );
    }
    let path = PathBuf::from(reader.text(FILE)?);
    for Violation {
        place,
        problem,
        remedy,
    } in static_users::judge_file(&path)
    {
        reader.violate(place, problem, remedy);
    }
    Some(path)
}

fn access(reader: &mut Reader) -> Option<Access> {
    let default_role = reader.parsed("access.default_role", |text| text.parse().ok());
    let mut role_keys = BTreeMap::new();
    for (path, role) in [
        ("access.role_keys.user", Role::User),
        ("access.role_keys.organizer", Role::Organizer),
        ("access.role_keys.operator", Role::Operator),
        ("access.role_keys.all", Role::All),
    ] {
        for key in reader.list(path).unwrap_or_default() {
            if role_keys
                .insert(key, role)
                .is_some_and(|other| other != role)
            {
                reader.violate_key(
                    path,
                    "a role key has two meanings",
                    "name every role key under one role",
                );
            }
        }
    }
    Some(Access {
        allowed_clients: reader.list("access.allowed_clients")?,
        default_role,
        role_keys,
        resource_servers: reader.list("access.resource_servers")?,
    })
}

fn token(reader: &mut Reader) -> Option<Token> {
    let algorithm = reader.parsed("token.algorithm", |text| text.parse().ok());
    let lifetime = reader.duration("token.lifetime");
    let typ = reader.parsed("token.typ", |text| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-./".contains(&byte);
        (!text.is_empty() && text.bytes().all(is_word)).then(|| text.to_owned())
    });
    let reuse = reader.boolean("token.reuse");
    Some(Token {
        algorithm: algorithm?,
        audience: reader.text("token.audience"),
        lifetime: lifetime?,
        reuse: reuse?,
        typ: typ?,
    })
}

fn keys(reader: &mut Reader) -> Option<Keys> {
    let rotate_every = reader.duration("keys.rotate_every");
    let publish_before = reader.duration("keys.publish_before");
    let location = reader.parsed("keys.location", |text| match text {
        "directory" => Some(KeyPlace::Directory),
        "store" => Some(KeyPlace::Store),
        _ => None,
    });
    let cipher = cipher(reader, location);
    Some(Keys {
        cipher,
        directory: reader.text("keys.directory")?.into(),
        location: location?,
        publish_before: publish_before?,
        rotate_every: rotate_every?,
    })
}

/// What seals keys in the store. Where they are in a directory, it opens those that were in the store before.
fn cipher(reader: &mut Reader, location: Option<KeyPlace>) -> Option<Arc<KeyCipher>> {
    const FILE: &str = "keys.encryption_key_file";
    const REMEDY: &str =
        "make one with `openssl rand -base64 32` in a file of mode 600, and keep a copy elsewhere";
    if !reader.is_set(FILE) {
        if location == Some(KeyPlace::Store) {
            let problem =
                "keys.location is \"store\", and no file with the key that encrypts them is named";
            reader.violate_key(FILE, problem, REMEDY);
        }
        return None;
    }
    if !reader.is_set("keys.location") {
        reader.violate_key(
            "keys.location",
            "it is not said, and keys.encryption_key_file is: keys in the database would move into files of this server's",
            "say \"store\" where the database has the keys, or \"directory\" to move them into files",
        );
    }
    let text = secret_file::read(reader, FILE)?;
    let cipher = KeyCipher::from_base64(text.expose_secret().trim());
    if cipher.is_none() {
        reader.violate_key(FILE, "the file does not hold 32 bytes in base64", REMEDY);
    }
    cipher.map(Arc::new)
}

/// The text is not shown where it cannot be read: there may be a password in it.
fn store(reader: &mut Reader) -> Option<StoreSection> {
    const URL: &str = "store.url";
    let url = StoreUrl::parse(&reader.text(URL)?);
    if url.is_none() {
        reader.violate_key(
            URL,
            "it names no database",
            "write \"sqlite:FILE\" or \"postgres://USER:PASSWORD@HOST/DATABASE\", with %2F for a / in the password; \
             parameters are sslmode, sslrootcert, sslcert, sslkey, host, port, dbname, user, password, options",
        );
    }
    url.map(|url| StoreSection { url })
}
