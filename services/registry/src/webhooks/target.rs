//! Where a webhook may go: `https://` hosts with public addresses only, unless the installation allows others.
//! The name is looked up when the webhook is stored, and again by every connection, which goes to the very addresses
//! that were found and checked: a name that changes its address in between leads nowhere else.

use artel_platform::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// Seconds that a host name may take to resolve when a webhook is stored.
const LOOKUP_SECONDS: u64 = 5;

/// IPv4 networks that are not the public Internet (IANA's special-purpose registry, multicast added).
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The only IPv6 network with public addresses, and what in it is special.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Is this address on the public Internet? IPv6 addresses that wrap an IPv4 one are judged by it.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|(net, bits)| v4.to_bits() >> (32 - bits) == net.to_bits() >> (32 - bits)),
        IpAddr::V6(v6) => {
            let within = |(net, bits): &(Ipv6Addr, u32)| v6.to_bits() >> (128 - bits) == net.to_bits() >> (128 - bits);
            match wrapped(v6) {
                Some(v4) => is_public(IpAddr::V4(v4)),
                None => within(&GLOBAL_V6) && !SPECIAL_V6.iter().any(within),
            }
        }
    }
}

/// The IPv4 address in an IPv4-mapped, 6to4 or NAT64 address.
fn wrapped(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = v6.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// The parts of a webhook's URL that were checked.
pub(super) fn parse(text: &str, private: bool) -> Result<Url> {
    if text.trim().is_empty() {
        return Err(Error::invalid(format!("Webhook URL cannot be empty or just whitespace: '{text}'")));
    }
    let schemes: &[&str] = if private { &["https", "http"] } else { &["https"] };
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) {
        return Err(Error::invalid(format!("Invalid webhook URL scheme: '{scheme}'. Allowed schemes are: {}.", schemes.join(", "))));
    }
    // the URL standard, which `Url` follows, takes a host from `https:/x` too
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    if rest.is_empty() || rest.starts_with(['/', '\\', '?', '#']) {
        return Err(Error::invalid(format!("Webhook URL must include a hostname: '{text}'")));
    }
    Url::parse(text).map_err(|why| Error::invalid(format!("Invalid webhook URL '{text}': {why}")))
}

/// Checks a webhook's URL, looking its host up unless private targets are allowed.
pub(super) async fn check(text: &str, private: bool) -> Result<()> {
    let url = parse(text, private)?;
    if private {
        return Ok(());
    }
    let (name, addresses) = match url.host() {
        Some(Host::Ipv4(v4)) => (v4.to_string(), vec![IpAddr::V4(v4)]),
        Some(Host::Ipv6(v6)) => (v6.to_string(), vec![IpAddr::V6(v6)]),
        Some(Host::Domain(name)) => (name.to_owned(), lookup(name).await?.iter().map(SocketAddr::ip).collect()),
        None => return Err(Error::invalid(format!("Webhook URL must include a hostname: '{text}'"))),
    };
    match addresses.into_iter().find(|address| !is_public(*address)) {
        None => Ok(()),
        Some(address) => {
            Err(Error::invalid(format!("Webhook URL must not resolve to a non-public IP address. '{name}' resolves to {address}.")))
        }
    }
}

async fn lookup(name: &str) -> Result<Vec<SocketAddr>> {
    let limit = std::time::Duration::from_secs(LOOKUP_SECONDS);
    let unresolved = |why: String| Error::invalid(format!("Cannot resolve Webhook URL hostname '{name}': {why}"));
    match tokio::time::timeout(limit, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(unresolved(error.to_string())),
        Err(_) => Err(unresolved(format!("no answer in {LOOKUP_SECONDS} seconds"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "192.168.0.1",
            "172.31.255.255",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a00:1",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }

    #[tokio::test]
    async fn targets() {
        let refused = async |text: &str| check(text, false).await.unwrap_err().message;
        assert_eq!(refused("http://example.com").await, "Invalid webhook URL scheme: 'http'. Allowed schemes are: https.");
        assert_eq!(refused("  ").await, "Webhook URL cannot be empty or just whitespace: '  '");
        assert_eq!(refused("example.com/hook").await, "Invalid webhook URL scheme: ''. Allowed schemes are: https.");
        for hostless in ["https://", "https:///x", "https:x", "https:\\\\x", "https://?x"] {
            assert_eq!(refused(hostless).await, format!("Webhook URL must include a hostname: '{hostless}'"));
        }
        assert_eq!(
            refused("https://169.254.169.254/latest").await,
            "Webhook URL must not resolve to a non-public IP address. '169.254.169.254' resolves to 169.254.169.254."
        );
        // other spellings of 127.0.0.1
        for local in ["https://127.1/", "https://0x7f000001/", "https://2130706433/", "https://[::ffff:7f00:1]/", "https://localhost/"] {
            assert!(refused(local).await.contains("non-public"), "{local}");
        }
        assert!(refused("https://no-such-host.invalid/").await.starts_with("Cannot resolve Webhook URL hostname 'no-such-host.invalid': "));
        assert!(check("https://8.8.8.8/hook", false).await.is_ok());
        assert!(check("http://127.0.0.1:9/hook", true).await.is_ok() && check("ftp://127.0.0.1/", true).await.is_err());
    }
}
