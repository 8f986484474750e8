//! Decides which hosts are reached without a proxy, by their name or address alone: no name is looked up.

use std::net::IpAddr;

use ipnet::IpNet;

use super::NoProxyMatch;

/// The hosts that are reached without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Everything,
    /// A host by its name or address.
    Host(String),
    /// A host on one port.
    HostAndPort(String, u16),
    /// A name and all names below it.
    Domain(String),
    /// All names below a name.
    Subdomains(String),
    Network(IpNet),
}

impl Bypass {
    /// Reads a bypass list. Blank items are ignored; an item that looks like a network and is none matches nothing
    /// and is warned of.
    #[must_use]
    pub fn new<'a>(items: impl IntoIterator<Item = &'a str>, mode: NoProxyMatch) -> Self {
        let items = items
            .into_iter()
            .map(str::trim)
            .filter(|item| !item.is_empty());
        Self {
            items: items.filter_map(|item| Item::read(item, mode)).collect(),
        }
    }

    /// Whether a target is reached without a proxy. `host` is a name or an address, with or without brackets.
    #[must_use]
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = normal(host);
        let address = address(&host);
        self.items
            .iter()
            .any(|item| item.covers(&host, address, port))
    }
}

impl Item {
    fn read(text: &str, mode: NoProxyMatch) -> Option<Self> {
        if let (NoProxyMatch::Exact, Some((host, port))) = (mode, with_port(text)) {
            return Some(Self::HostAndPort(host, port));
        }
        if mode == NoProxyMatch::Exact {
            return Some(Self::Host(normal(text)));
        }
        if text == "*" {
            return Some(Self::Everything);
        }
        if text.contains('/') {
            let network = text.parse().ok().map(Self::Network);
            if network.is_none() {
                tracing::warn!(
                    item = text,
                    "item of the proxy bypass list is not a network"
                );
            }
            return network;
        }
        if let Some((host, port)) = with_port(text) {
            return Some(Self::HostAndPort(host, port));
        }
        let name = normal(text);
        if let Some(parent) = name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            return Some(Self::Subdomains(parent.to_owned()));
        }
        if address(&name).is_some() {
            return Some(Self::Host(name));
        }
        Some(Self::Domain(name))
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Self::Everything => true,
            Self::Host(item) => same_host(item, host, address),
            Self::HostAndPort(item, item_port) => {
                *item_port == port && same_host(item, host, address)
            }
            Self::Domain(item) => host == item || is_below(host, item),
            Self::Subdomains(item) => is_below(host, item),
            Self::Network(network) => address.is_some_and(|address| network.contains(&address)),
        }
    }
}

fn same_host(item: &str, host: &str, address: Option<IpAddr>) -> bool {
    item == host || (address.is_some() && self::address(item) == address)
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent)
        .is_some_and(|rest| rest.ends_with('.'))
}

/// Splits `host:port` and `[address]:port`; `None` for a host alone, an IPv6 address included.
fn with_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if bare_ipv6 {
        return None;
    }
    Some((normal(host), port.parse().ok()?))
}

/// Lower case, without brackets or the dot at the end of a full name.
fn normal(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host).to_ascii_lowercase()
}

/// The address that a host is, with IPv4 in IPv6 as IPv4.
fn address(host: &str) -> Option<IpAddr> {
    host.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// Whether a host is this machine, or can only be reached on its link.
pub(super) fn is_local(host: &str) -> bool {
    let host = normal(host);
    match address(&host) {
        Some(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        None => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standard(items: &[&str]) -> Bypass {
        Bypass::new(items.iter().copied(), NoProxyMatch::Standard)
    }

    #[track_caller]
    fn check(item: &str, covered: &[&str], proxied: &[&str]) {
        let bypass = standard(&[item]);
        for host in covered {
            assert!(bypass.covers(host, 443), "{item} covers {host}");
        }
        for host in proxied {
            assert!(!bypass.covers(host, 443), "{item} does not cover {host}");
        }
    }

    #[test]
    fn domain_covers_itself_and_its_subdomains() {
        check(
            "datadoghq.com",
            &[
                "datadoghq.com",
                "api.datadoghq.com",
                "trace.agent.datadoghq.com",
            ],
            &["notdatadoghq.com", "datadoghq.com.evil.io"],
        );
    }

    #[test]
    fn leading_dot_or_star_covers_subdomains_only() {
        for item in [".datadoghq.com", "*.datadoghq.com"] {
            check(
                item,
                &["api.datadoghq.com", "trace.agent.datadoghq.com"],
                &["datadoghq.com", "notdatadoghq.com"],
            );
        }
    }

    #[test]
    fn single_label_covers_names_that_end_in_it() {
        check("datadoghq", &["x.datadoghq"], &["www.datadoghq.com"]);
    }

    #[test]
    fn item_with_a_port_covers_that_host_on_that_port() {
        let bypass = standard(&["host:8443", "[fd00::1]:8443"]);
        assert!(bypass.covers("host", 8443));
        assert!(!bypass.covers("host", 443));
        assert!(!bypass.covers("other.host", 8443));
        assert!(bypass.covers("[fd00::1]", 8443));
        assert!(!bypass.covers("[fd00::1]", 443));
    }

    #[test]
    fn network_covers_addresses_within_and_no_name() {
        check(
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.1.2", "[::ffff:10.1.2.3]"],
            &["11.0.0.1", "10.example.com", "[fd00::1]"],
        );
        check(
            "fd00::/8",
            &["[fd00::1]", "fdff::"],
            &["[fe00::1]", "10.0.0.1"],
        );
        check("10.0.0.0/99", &[], &["10.0.0.1", "10.0.0.0/99"]);
    }

    #[test]
    fn address_covers_itself() {
        check("10.1.2.3", &["10.1.2.3"], &["10.1.2.30", "x.10.1.2.3"]);
        check("fd00::1", &["[fd00::1]", "[fd00:0::1]"], &["[fd00::2]"]);
    }

    #[test]
    fn star_covers_everything() {
        check("*", &["datadoghq.com", "10.1.2.3", "[fd00::1]"], &[]);
    }

    #[test]
    fn case_blanks_and_dots_at_the_end_do_not_matter() {
        check(
            " DataDogHQ.com. ",
            &["datadoghq.COM", "api.datadoghq.com."],
            &["datadoghq.org"],
        );
        assert_eq!(standard(&["", "  "]), standard(&[]));
        assert!(!standard(&["", "  "]).covers("", 443));
    }

    #[test]
    fn exact_mode_compares_host_or_host_and_port() {
        let bypass = Bypass::new(
            ["datadoghq.com", "host:8443", "10.0.0.0/8", "*", ".x.org"],
            NoProxyMatch::Exact,
        );
        assert!(bypass.covers("datadoghq.com", 443));
        assert!(!bypass.covers("api.datadoghq.com", 443));
        assert!(bypass.covers("host", 8443));
        assert!(!bypass.covers("host", 443));
        assert!(!bypass.covers("10.1.2.3", 443));
        assert!(!bypass.covers("a.x.org", 443));
    }

    proptest! {
        #[test]
        fn no_list_and_no_host_makes_it_panic(items: Vec<String>, host: String, port: u16) {
            for mode in [NoProxyMatch::Standard, NoProxyMatch::Exact] {
                let bypass = Bypass::new(items.iter().map(String::as_str), mode);
                prop_assert!(!bypass.covers(&host, port) || !items.is_empty());
            }
        }

        #[test]
        fn domain_covers_a_longer_name_only_behind_a_dot(before in "[a-z0-9-]{1,9}", dot: bool) {
            let host = format!("{before}{}datadoghq.com", if dot { "." } else { "" });
            assert_eq!(standard(&["datadoghq.com"]).covers(&host, 443), dot);
        }
    }
}
