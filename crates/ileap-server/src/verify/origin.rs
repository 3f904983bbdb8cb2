//! Where logins come from, as far as it counts.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// An address, or the /64 network of an IPv6 address: whoever holds one address there holds them all.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Self(Ipv6Addr::from(network).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> String {
        Origin::from(address.parse::<IpAddr>().unwrap()).to_string()
    }

    #[test]
    fn an_ipv6_caller_is_its_network_and_an_ipv4_caller_its_address() {
        assert_eq!(origin("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(origin("2001:db8:1:2:ffff::1"), "2001:db8:1:2::/64");
        assert_ne!(origin("2001:db8:1:3::1"), "2001:db8:1:2::/64");
        assert_eq!(origin("203.0.113.9"), "203.0.113.9");
        assert_eq!(origin("::ffff:203.0.113.9"), "203.0.113.9");
    }
}
