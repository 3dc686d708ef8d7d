//! What counts as one source.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The part of an IPv6 address that identifies a network. A customer is assigned at least a /64
/// (RFC 6177), and so can use any address in it.
const NETWORK: u128 = !0 << 64;

/// Returns what a source is counted as. An IP address loses its port, and an IPv6 address is cut to
/// its /64. Any other text counts as it is.
pub(super) fn counted_as(source: &str) -> Cow<'_, str> {
    let text = source.trim();
    let Some(address) = address(text) else {
        return Cow::Borrowed(text);
    };
    Cow::Owned(match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).to_string(),
    })
}

fn address(text: &str) -> Option<IpAddr> {
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    // A zone names the interface through which the address was reached.
    text.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one_source() {
        for (source, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            (" 192.0.2.7\n", "192.0.2.7"),
            ("192.0.2.7:50123", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
            ("[2001:db8:1:2::1]:443", "2001:db8:1:2::"),
            ("[2001:db8:1:2::1]", "2001:db8:1:2::"),
            ("2001:DB8:1:3::1", "2001:db8:1:3::"),
            ("fe80::1%eth0", "fe80::"),
            ("session 7", "session 7"),
            ("", ""),
        ] {
            assert_eq!(counted_as(source), expected, "{source:?}");
        }
    }
}
