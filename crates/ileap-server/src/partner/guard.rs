//! Which addresses a partner's host may have: events name hosts, and a host's name may point anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Where clouds keep their metadata and credentials beside what is link-local: Azure's host beneath the machine,
/// public as it looks; Alibaba's and Oracle's IPv4; IPv6 of AWS (instances, pods), Google, Oracle and Scaleway.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
];

/// Where partners' hosts may be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reach {
    /// On this machine alone, over plain HTTP too: for the demo.
    Loopback,
    /// In private networks too, and on this machine; there, over plain HTTP too.
    Private,
    /// On the public Internet, over HTTPS.
    #[default]
    Public,
}

impl Reach {
    /// Whether an address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if METADATA.contains(&address) {
            return false;
        }
        match self {
            Self::Loopback => address.is_loopback(),
            Self::Private => address.is_loopback() || is_private(address) || is_public(address),
            Self::Public => is_public(address),
        }
    }

    /// Whether a URL may be asked, as far as it tells by itself: its names are looked at when they are resolved.
    pub(super) fn allows_url(self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return false,
        };
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            _ => address.is_some_and(|address| address.to_canonical().is_loopback()),
        };
        let may_be_plain = self != Self::Public && is_here;
        let scheme = url.scheme();
        (scheme == "https" || (scheme == "http" && may_be_plain))
            && address.is_none_or(|address| self.allows(address))
            && url.username().is_empty()
            && url.password().is_none()
    }
}

/// Whether a base is one of this machine or of a private network, by its URL or by what its name leads to now.
pub(super) async fn is_inside(base: &Url) -> bool {
    match base.host() {
        Some(Host::Ipv4(address)) => !Reach::Public.allows(address.into()),
        Some(Host::Ipv6(address)) => !Reach::Public.allows(address.into()),
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, 0)).await;
            found.is_ok_and(|mut found| found.any(|found| !Reach::Public.allows(found.ip())))
        }
        None => false,
    }
}

/// Addresses of the public Internet (IANA special-purpose registries, RFC 6890); what embeds an IPv4 address is
/// none: it would have to be judged twice.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared(address)
        || matches!((a, b, c), (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _)))
}

/// RFC 6598: between carriers and their customers.
fn is_shared(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 100 && (64..128).contains(&b)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // 2000::/3 without IETF protocols and Teredo, documentation, and 6to4.
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || is_shared(address),
        // RFC 4193.
        IpAddr::V6(address) => address.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// Resolves names to the addresses that are allowed: what was judged is what is connected to.
#[derive(Debug)]
pub(super) struct GuardedResolver(pub(super) Reach);

/// No address of a host may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the host has no address that may be connected to")]
pub(super) struct Guarded;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Guarded.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(reach: Reach, address: &str) -> bool {
        reach.allows(address.parse().unwrap())
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2001:1ff::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!verdict(Reach::Public, address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2001:200::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
        ] {
            assert!(verdict(Reach::Public, address), "{address}");
            assert!(verdict(Reach::Private, address), "{address}");
            assert!(!verdict(Reach::Loopback, address), "{address}");
        }
    }

    #[test]
    fn private_networks_can_be_opened_but_never_where_clouds_keep_their_metadata() {
        for address in [
            "10.0.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(verdict(Reach::Private, address), "{address}");
        }
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "::ffff:169.254.169.254",
            "fe80::1",
            "0.0.0.0",
            "224.0.0.1",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(!verdict(Reach::Private, address), "{address}");
        }
    }

    #[test]
    fn a_url_is_https_to_the_public_however_its_address_is_written() {
        let allows = |reach: Reach, url: &str| reach.allows_url(&url.parse().unwrap());
        for url in [
            "http://partner.example",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/",
            "https://user@partner.example/",
            "https://:password@partner.example/",
            "ftp://partner.example/",
        ] {
            assert!(!allows(Reach::Public, url), "{url}");
        }
        assert!(allows(Reach::Public, "https://partner.example:8443/base"));
        assert!(allows(Reach::Loopback, "http://localhost:1234"));
        assert!(allows(Reach::Private, "http://127.0.0.1:1234"));
        assert!(!allows(Reach::Private, "http://10.0.0.1"));
        assert!(!allows(Reach::Loopback, "http://partner.example"));
        assert!(!allows(Reach::Loopback, "https://1.1.1.1"));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        let resolve = async |reach| {
            let name = "localhost".parse().unwrap();
            GuardedResolver(reach)
                .resolve(name)
                .await
                .map(Iterator::count)
        };
        assert!(resolve(Reach::Public).await.is_err());
        assert!(resolve(Reach::Loopback).await.unwrap() > 0);
    }
}
