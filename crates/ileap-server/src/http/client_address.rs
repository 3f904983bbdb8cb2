//! Who is at the other end, through the proxies we trust and no others.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The client's address: the peer, or, when the peer is a trusted proxy, the rightmost address in
/// `X-Forwarded-For` that is none.
pub(crate) fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let mut client = peer;
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    // A line that is no text is one hop that nobody can read: what stands before it is not believed.
    let hops = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for hop in hops {
        let Some(address) = parse_hop(hop) else { break };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// Whether `address` belongs to a proxy whose headers we believe.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// One entry of the header: an address, possibly with a port, possibly in brackets.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address
        .or_else(bracketed)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_name_its_own_address() {
        assert_eq!(
            address_of("203.0.113.9:1", &["198.51.100.1"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn behind_trusted_proxies_the_rightmost_untrusted_address_counts() {
        assert_eq!(
            address_of("10.0.0.1:1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(
            address_of("10.0.0.1:1", &["6.6.6.6", "198.51.100.1:4711"]),
            "198.51.100.1"
        );
        assert_eq!(address_of("[::1]:1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(
            address_of("[::ffff:10.0.0.1]:1", &["198.51.100.1"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn nonsense_ends_the_walk() {
        assert_eq!(
            address_of("10.0.0.1:1", &["198.51.100.1, unknown, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(address_of("10.0.0.1:1", &[]), "10.0.0.1");
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6".parse().unwrap());
        let unreadable = http::HeaderValue::from_bytes(b"198.51.100.1, \xff").unwrap();
        headers.append("x-forwarded-for", unreadable);
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let peer = "10.0.0.1:1".parse().unwrap();
        assert_eq!(
            client_address(peer, &headers, &trusted).to_string(),
            "10.0.0.1"
        );
    }
}
