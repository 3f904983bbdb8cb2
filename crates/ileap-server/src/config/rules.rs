//! What must hold between keys.
//!
//! Rules look at values one by one: a value that could not be read silences the rules about it, not the others.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;

use super::{
    keys::{self, Kind},
    reader::Reader,
    values,
};

/// Verifiers exist that keep keys for ten minutes, whatever they are told.
const COMFORTABLE_WINDOW: Duration = Duration::from_hours(1);

/// Notes what contradicts itself, and warns about what is odd.
pub(super) fn judge(reader: &mut Reader) {
    listener(reader);
    proxies(reader);
    pages(reader);
    signing_keys(reader);
    let allowed_clients = reader.list("access.allowed_clients").unwrap_or_default();
    if !allowed_clients.is_empty() && !reader.is_set("access.default_role") {
        reader.violate_key(
            "access.allowed_clients",
            "it narrows access.default_role, which is not set",
            "set access.default_role, or leave this out",
        );
    }
}

fn listener(reader: &mut Reader) {
    let bind: Option<SocketAddr> = reader.peek("listener.bind");
    let admin_bind: Option<SocketAddr> = reader.peek("listener.admin_bind");
    let is_public = bind.is_some_and(|bind| !is_loopback(bind));
    if is_public && !reader.is_set("public_base_url") {
        reader.violate_key(
            "listener.bind",
            "it is not on loopback, and public_base_url is not set",
            "set public_base_url to the URL partners type",
        );
    }
    let has_tls = reader.is_set("listener.tls_cert_file") || reader.is_set("listener.tls_key_file");
    if is_public && !has_tls && reader.peek("listener.behind_proxy") == Some(false) {
        reader.violate_key(
            "listener.bind",
            "it would serve secrets over plain HTTP",
            "set listener.tls_cert_file and listener.tls_key_file, or listener.behind_proxy = true when a proxy ends TLS",
        );
    }
    if bind == admin_bind && bind.is_some_and(|bind| bind.port() != 0) {
        reader.violate_key(
            "listener.admin_bind",
            "it is the public listener's address",
            "give it a port of its own",
        );
    }
    if admin_bind.is_some_and(|bind| !is_loopback(bind)) {
        reader
            .warn("listener.admin_bind is not on loopback: keep strangers from it by other means");
    }
}

fn proxies(reader: &mut Reader) {
    let proxies = reader.list("listener.trusted_proxies").unwrap_or_default();
    let is_everyone = |text: &String| {
        text.parse::<IpNet>()
            .is_ok_and(|network| network.prefix_len() == 0)
    };
    if proxies.iter().any(is_everyone) {
        reader.warn(
            "listener.trusted_proxies has every address in it: any caller may claim to be any other",
        );
    }
    if proxies.is_empty() && reader.peek("listener.behind_proxy") == Some(true) {
        reader.warn(
            "listener.behind_proxy is set and listener.trusted_proxies is empty: all callers have the proxy's address, and \
             share its limits",
        );
    }
}

fn pages(reader: &mut Reader) {
    let default_page: Option<u32> = reader.peek("data.default_page");
    let max_page: Option<u32> = reader.peek("data.max_page");
    if default_page
        .zip(max_page)
        .is_some_and(|(one, all)| one > all)
    {
        reader.violate_key(
            "data.default_page",
            "it is above data.max_page",
            "lower it, or raise data.max_page",
        );
    }
}

fn signing_keys(reader: &mut Reader) {
    let publish_before = duration(reader, "keys.publish_before");
    let rotate_every = duration(reader, "keys.rotate_every");
    let lifetime = duration(reader, "token.lifetime");
    let is_shorter =
        |one: Option<Duration>| one.zip(rotate_every).is_none_or(|(one, other)| one < other);
    if !is_shorter(publish_before) {
        reader.violate_key(
            "keys.publish_before",
            "it is not shorter than keys.rotate_every",
            "publish a key for less time than it signs",
        );
    }
    if !is_shorter(lifetime) {
        reader.violate_key(
            "keys.rotate_every",
            "it is not longer than token.lifetime",
            "let a key sign for longer than its tokens live",
        );
    }
    if publish_before.is_some_and(|window| window < COMFORTABLE_WINDOW) {
        reader.warn(
            "keys.publish_before is below 1h: verifiers that keep our keys longer than they are told may refuse tokens \
             for a while after each rotation",
        );
    }
}

fn duration(reader: &Reader, path: &'static str) -> Option<Duration> {
    let Kind::Duration(low, high) = keys::find(path)?.kind else {
        return None;
    };
    let bounds = values::duration(low)..=values::duration(high);
    let duration = values::duration(&reader.text(path)?);
    duration.filter(|_| bounds.contains(&duration))
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
