//! Addresses of peers, of which one word is left: each would be a series of its own in stats.
//!
//! Looks at what an entry begins with; addresses in the midst of a name are not found.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// What is written in place of an address.
const BLOCKED: &str = "blocked-ip-address";
/// Addresses that mean the same on every host: this host itself, and metadata services of clouds.
const ALLOWED: [&str; 5] = [
    "127.0.0.1",
    "::1",
    "169.254.169.254",
    "fd00:ec2::254",
    "169.254.170.2",
];
/// Entries among which repetitions are looked for; what follows stays.
const MAX_ENTRIES: usize = 1_000;

/// A list of peers, separated by commas, with one word for each address, and no entry twice.
///
/// Ports and schemes stay, and so does the order.
pub fn quantize_peers(peers: &str) -> Cow<'_, str> {
    if !peers.contains(',') {
        return quantize(peers);
    }
    let mut entries: Vec<Cow<'_, str>> = Vec::new();
    let mut has_changed = false;
    for (index, peer) in peers.split(',').enumerate() {
        let entry = quantize(peer);
        has_changed |= matches!(entry, Cow::Owned(_));
        if index < MAX_ENTRIES && entries.contains(&entry) {
            has_changed = true;
        } else {
            entries.push(entry);
        }
    }
    if has_changed {
        Cow::Owned(entries.join(","))
    } else {
        Cow::Borrowed(peers)
    }
}

fn quantize(peer: &str) -> Cow<'_, str> {
    let (prefix, rest) = split_prefix(peer);
    let (host, port) = split_port(rest).unwrap_or((rest, ""));
    let Some((address, suffix)) = split_address(host) else {
        return Cow::Borrowed(peer);
    };
    if ALLOWED.contains(&address) {
        return Cow::Borrowed(peer);
    }
    let colon = if port.is_empty() { "" } else { ":" };
    Cow::Owned([prefix, BLOCKED, colon, port, suffix].concat())
}

/// Splits `ip-`, as in names of hosts on EC2, or a scheme from what follows it.
fn split_prefix(peer: &str) -> (&str, &str) {
    const SCHEMES: [&str; 5] = ["dnspoll", "ftp", "file", "http", "https"];
    if let Some(rest) = peer.strip_prefix("ip-") {
        return ("ip-", rest);
    }
    let Some((scheme, rest)) = peer.split_once("://") else {
        return ("", peer);
    };
    if !SCHEMES.contains(&scheme) {
        return ("", peer);
    }
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    peer.split_at_checked(peer.len() - rest.len())
        .unwrap_or(("", peer))
}

/// Splits `host:port` or `[host]:port`.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    if let Some(inner) = host.strip_prefix('[') {
        return Some((inner.strip_suffix(']')?, port));
    }
    let is_plain = !host.contains([':', '[', ']']) && !port.contains(['[', ']']);
    is_plain.then_some((host, port))
}

/// Splits a text that begins with an address into that and what follows.
fn split_address(text: &str) -> Option<(&str, &str)> {
    let first = text.bytes().next()?;
    if !first.is_ascii_hexdigit() && first != b':' {
        return None;
    }
    let separator = text
        .bytes()
        .find(|byte| matches!(byte, b'.' | b'_' | b'-' | b':' | b'%'))?;
    match separator {
        b':' => is_ipv6(text).then_some((text, "")),
        b'%' => None,
        _ => text.split_at_checked(ipv4_bytes(text, separator)?),
    }
}

fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "zone"));
    !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok()
}

/// How long the IPv4 address is that a text begins with, its numbers separated by this byte.
fn ipv4_bytes(text: &str, separator: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    for part in 0..4 {
        let digits = bytes
            .get(at..)?
            .iter()
            .take(4)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = text.get(at..at + digits)?;
        let is_padded = digits > 1 && number.starts_with('0');
        if is_padded || number.parse::<u8>().is_err() {
            return None;
        }
        at += digits;
        if part < 3 {
            if bytes.get(at) != Some(&separator) {
                return None;
            }
            at += 1;
        }
    }
    // `1.2.3.4.` is not an address, `1.2.3.4.com` begins with one.
    let ends_in_separator = bytes.get(at) == Some(&separator) && at + 1 == bytes.len();
    (!ends_in_separator).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peers: &str, expect: &str) {
        assert_eq!(quantize_peers(peers), expect);
        assert_eq!(quantize_peers(expect), expect, "again");
    }

    #[test]
    fn addresses_become_one_word() {
        check("10.1.2.3", "blocked-ip-address");
        check("10.1.2.3:80", "blocked-ip-address:80");
        check("10-1-2-3", "blocked-ip-address");
        check("10_1_2_3:80", "blocked-ip-address:80");
        check(
            "ip-10-1-2-3.ec2.internal",
            "ip-blocked-ip-address.ec2.internal",
        );
        check("2001:db8::1", "blocked-ip-address");
        check("[2001:db8::1]:443", "blocked-ip-address:443");
        check("fe80::1%eth0", "blocked-ip-address");
        check("http://10.0.0.1:80/x", "http://blocked-ip-address:80/x");
        check("dnspoll:///10.0.0.1:80", "dnspoll:///blocked-ip-address:80");
        check("10.0.0.1.example.com", "blocked-ip-address.example.com");
    }

    #[test]
    fn what_is_no_address_stays() {
        for peer in [
            "",
            "host1",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.01",
            "10.0.0.1.",
            "10..0.1",
            "10-0.0.1",
            "abc.def",
            "dead:beef",
            "example.com:80",
            "ftp.example.com",
            "unknown://10.0.0.1",
            "fe80::1%",
        ] {
            check(peer, peer);
        }
    }

    #[test]
    fn addresses_that_mean_the_same_everywhere_stay() {
        for peer in [
            "127.0.0.1",
            "127.0.0.1:80",
            "::1",
            "169.254.169.254",
            "[fd00:ec2::254]:80",
            "http://169.254.170.2/x",
        ] {
            check(peer, peer);
        }
    }

    #[test]
    fn lists_hold_each_entry_once_in_their_order() {
        check("host1,10.0.0.1,10.0.0.2", "host1,blocked-ip-address");
        check(
            "10.0.0.1,host1,10.0.0.2:80",
            "blocked-ip-address,host1,blocked-ip-address:80",
        );
        check("a,b,a", "a,b");
        check("a,b", "a,b");
        assert!(matches!(quantize_peers("a,b"), Cow::Borrowed(_)));
    }
}
