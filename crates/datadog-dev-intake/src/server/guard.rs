//! Keeps web pages of other sites out of what this intake shows and lets be changed.
//!
//! A page elsewhere can point a name of its own at a loopback address ("DNS rebinding") or post without being able to read.
//! Hence: only hosts that are ours by name, and no writing from a foreign origin. Telemetry itself may come from anywhere.

use std::net::IpAddr;

use hyper::Request;
use hyper::header::{HOST, ORIGIN};

/// Whether `request` was made to us by a name that is ours, and not by a page of somebody else.
pub(super) fn admits<B>(request: &Request<B>, allowed_hosts: &[String]) -> bool {
    let authority = match request.headers().get(HOST) {
        Some(value) => value.to_str().ok(),
        None => request
            .uri()
            .authority()
            .map(|authority| authority.as_str()),
    };
    let Some(authority) = authority else {
        // Browsers always name the host.
        return !request.headers().contains_key(ORIGIN);
    };
    is_ours(host_of(authority), allowed_hosts) && origin_is(request, authority)
}

/// An origin, where a browser sends one, must be the page that we served.
fn origin_is<B>(request: &Request<B>, authority: &str) -> bool {
    match request.headers().get(ORIGIN) {
        None => true,
        Some(origin) => origin
            .to_str()
            .is_ok_and(|origin| origin.strip_prefix("http://") == Some(authority)),
    }
}

/// Names that no stranger can point elsewhere: an address itself, `localhost`, and what the user allowed.
fn is_ours(host: &str, allowed_hosts: &[String]) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || allowed_hosts
            .iter()
            .any(|allowed| host.eq_ignore_ascii_case(allowed))
}

/// An authority without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&str, &str)], admitted: bool) {
        let mut request = Request::get("/inspect/logs");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        assert_eq!(
            admits(&request, &["intake".to_owned()]),
            admitted,
            "{headers:?}"
        );
    }

    #[test]
    fn addresses_localhost_and_allowed_names_are_ours() {
        check(&[("host", "127.0.0.1:8282")], true);
        check(&[("host", "[::1]:8282")], true);
        check(&[("host", "LocalHost")], true);
        check(&[("host", "intake:8282")], true);
        check(&[], true);
    }

    #[test]
    fn a_name_that_could_be_rebound_is_refused() {
        check(&[("host", "evil.example:8282")], false);
        check(&[("host", "localhost.evil.example")], false);
        check(&[("host", "127.0.0.1.evil.example")], false);
    }

    #[test]
    fn http_2_names_the_host_in_its_uri() {
        let admitted = |uri: &str| admits(&Request::get(uri).body(()).unwrap(), &[]);
        assert!(admitted("http://127.0.0.1:8282/inspect/logs"));
        assert!(!admitted("http://evil.example/inspect/logs"));
    }

    #[test]
    fn only_our_own_page_may_write() {
        check(
            &[
                ("host", "127.0.0.1:8282"),
                ("origin", "http://127.0.0.1:8282"),
            ],
            true,
        );
        check(
            &[
                ("host", "127.0.0.1:8282"),
                ("origin", "http://evil.example"),
            ],
            false,
        );
        check(&[("host", "127.0.0.1:8282"), ("origin", "null")], false);
        check(&[("origin", "http://evil.example")], false);
    }
}
