//! Whom a request came from, behind proxies.
//!
//! The first header that is present decides, even if it says nothing useful: an attacker may add headers that a proxy
//! does not write. A global address is preferred to a private one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::http::values;

/// Headers that proxies write, in the order in which they are asked.
const HEADERS: [&str; 10] = [
    "x-forwarded-for",
    "x-real-ip",
    "true-client-ip",
    "x-client-ip",
    "forwarded",
    "forwarded-for",
    "x-cluster-client-ip",
    "fastly-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
];

/// Addresses of one header that are looked at; a chain of proxies is shorter.
const MAX_PARTS: usize = 256;

/// The address of the client: from `only`, if a header was configured, else from what proxies say and the peer.
pub(crate) fn of(
    headers: &[(String, String)],
    peer: Option<IpAddr>,
    only: Option<&str>,
) -> Option<IpAddr> {
    if let Some(name) = only {
        return values(headers, name).next().and_then(parse);
    }
    let present = HEADERS
        .iter()
        .find(|name| values(headers, name).next().is_some());
    let mut private = None;
    let lists = present.into_iter().flat_map(|name| values(headers, name));
    for part in lists.flat_map(|list| list.split(',')).take(MAX_PARTS) {
        let Some(address) = part.split(';').find_map(element) else {
            continue;
        };
        if is_global(address) {
            return Some(address);
        }
        private = private.or(Some(address));
    }
    peer.filter(|peer| is_global(*peer)).or(private).or(peer)
}

/// An address alone, or the `for` of a forwarded element.
fn element(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let value = match text.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("for") => value,
        Some(_) => return None,
        None => text,
    };
    parse(value.trim().trim_matches('"'))
}

/// An address with or without brackets and port. One that maps an IPv4 address is that address.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = text
        .strip_prefix('[')
        .and_then(|text| text.split_once(']'))
        .filter(|(_, port)| port.is_empty() || port.starts_with(':'))
        .map(|(address, _)| address);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = bracketed.unwrap_or(text).parse().ok().or_else(with_port)?;
    Some(IpAddr::to_canonical(&address))
}

/// Whether an address can be that of somebody on the internet.
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || is_shared)
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    let is_unique_local = first & 0xfe00 == 0xfc00;
    let is_link_local = first & 0xffc0 == 0xfe80;
    let is_site_local = first & 0xffc0 == 0xfec0;
    !(address.is_loopback()
        || address.is_unspecified()
        || is_unique_local
        || is_link_local
        || is_site_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&str, &str)], peer: &str, wanted: &str) {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let found = of(&headers, parse(peer), None).map(|address| address.to_string());
        assert_eq!(found.unwrap_or_default(), wanted);
    }

    #[test]
    fn a_global_address_goes_before_private_ones() {
        check(
            &[("X-Forwarded-For", "10.0.0.1, 8.8.8.8")],
            "192.168.0.1",
            "8.8.8.8",
        );
        check(&[("x-forwarded-for", "10.0.0.1")], "", "10.0.0.1");
        check(
            &[("x-forwarded-for", "10.0.0.1")],
            "192.168.0.1",
            "10.0.0.1",
        );
        check(&[("x-forwarded-for", "10.0.0.1")], "9.9.9.9:80", "9.9.9.9");
        check(
            &[(
                "x-forwarded-for",
                "100.64.0.1,169.254.1.1,::1,fd00::1,7.7.7.7",
            )],
            "",
            "7.7.7.7",
        );
    }

    #[test]
    fn the_first_header_that_is_present_decides() {
        let headers = [("x-real-ip", "8.8.4.4"), ("x-forwarded-for", "bogus")];
        check(&headers, "192.168.0.1", "192.168.0.1");
        check(&headers, "", "");
        check(
            &[("x-client-ip", "1.1.1.1"), ("x-real-ip", "8.8.4.4")],
            "",
            "8.8.4.4",
        );
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        check(
            &[("forwarded", "for=\"[2001:4860::1]:80\"")],
            "",
            "2001:4860::1",
        );
        check(
            &[("forwarded", "proto=https;For=8.8.8.8;by=x")],
            "",
            "8.8.8.8",
        );
        check(
            &[("forwarded", "for=unknown, for=1.2.3.4:56")],
            "",
            "1.2.3.4",
        );
        check(
            &[("cf-connecting-ipv6", "2606:4700::1")],
            "",
            "2606:4700::1",
        );
        check(&[], "::ffff:8.8.8.8", "8.8.8.8");
        check(&[], "[::1]:80", "::1");
        check(&[], "example.com", "");
    }

    #[test]
    fn a_configured_header_is_the_only_one() {
        let headers = [
            ("x-forwarded-for".to_owned(), "8.8.8.8".to_owned()),
            ("X-Mine".to_owned(), "10.0.0.1".to_owned()),
            ("x-list".to_owned(), "1.1.1.1, 2.2.2.2".to_owned()),
        ];
        let only = |name| of(&headers, parse("9.9.9.9"), Some(name));
        assert_eq!(only("x-mine"), parse("10.0.0.1"));
        assert_eq!(only("x-list"), None, "a list is no address");
        assert_eq!(only("x-none"), None);
    }
}
