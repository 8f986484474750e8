//! What spans tell of a request, beside what was found in it.
//!
//! Keeps no more of a request than spans carry, and cuts it.

use std::net::IpAddr;

use crate::http::{HttpRequest, HttpResponse, target, values};

/// Bytes of a text on a span.
const MAX_TEXT: usize = 4096;

/// Headers of requests that spans always carry.
const ALWAYS: [&str; 11] = [
    "accept",
    "content-type",
    "user-agent",
    "x-amzn-trace-id",
    "cloudfront-viewer-ja3-fingerprint",
    "cf-ray",
    "x-cloud-trace-context",
    "x-appgw-trace-id",
    "akamai-user-risk",
    "x-sigsci-requestid",
    "x-sigsci-tags",
];

/// Headers of requests that spans carry when something was found.
const ON_EVENT: [&str; 18] = [
    "accept-encoding",
    "accept-language",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "content-encoding",
    "content-language",
    "content-length",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "host",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-for",
    "x-real-ip",
];

/// Headers of responses that spans carry.
const OF_RESPONSE: [&str; 4] = [
    "content-length",
    "content-type",
    "content-encoding",
    "content-language",
];

/// What spans tell of a request.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) method: String,
    /// As it was handed over, with host if there was one.
    pub(crate) url: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) route: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) headers_on_event: Vec<(&'static str, String)>,
    pub(crate) response_headers: Vec<(&'static str, String)>,
}

impl Facts {
    pub(crate) fn set_request(
        &mut self,
        request: &HttpRequest,
        peer: Option<IpAddr>,
        client: Option<IpAddr>,
    ) {
        self.set_method(&request.method);
        self.set_uri(&request.uri);
        self.route = request.route.as_deref().map(cut);
        self.peer = peer;
        self.client = client;
        self.set_headers(&request.headers);
    }

    pub(crate) fn set_method(&mut self, method: &str) {
        self.method = cut(method);
    }

    pub(crate) fn set_uri(&mut self, uri: &str) {
        self.url = cut(uri);
        self.target = cut(target(uri));
    }

    pub(crate) fn set_route(&mut self, route: &str) {
        self.route = Some(cut(route));
    }

    pub(crate) fn set_headers(&mut self, headers: &[(String, String)]) {
        self.headers = pick(headers, &ALWAYS);
        self.headers_on_event = pick(headers, &ON_EVENT);
    }

    pub(crate) fn set_response(&mut self, response: &HttpResponse) {
        self.status = Some(response.status_code);
        self.set_response_headers(&response.headers);
    }

    pub(crate) fn set_response_headers(&mut self, headers: &[(String, String)]) {
        self.response_headers = pick(headers, &OF_RESPONSE);
    }

    /// The types that the client accepts.
    pub(crate) fn accept(&self) -> &str {
        let accept = self.headers.iter().find(|(name, _)| *name == "accept");
        accept.map_or("", |(_, value)| value)
    }
}

/// The headers of a list, values of the same name joined.
fn pick(headers: &[(String, String)], names: &[&'static str]) -> Vec<(&'static str, String)> {
    let mut picked = Vec::new();
    for name in names {
        let mut all = values(headers, name);
        let Some(first) = all.next() else {
            continue;
        };
        let mut text = cut(first);
        for more in all {
            if text.len() >= MAX_TEXT {
                break;
            }
            text.push(',');
            text.push_str(&cut(more));
        }
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        picked.push((*name, text));
    }
    picked
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_name_are_joined_and_cut() {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![
            header("Accept", "a".to_owned()),
            header("x-other", "b".to_owned()),
            header("accept", "c".to_owned()),
        ];
        let joined = pick(&headers, &["via", "accept"]);
        assert_eq!(joined, [("accept", "a,c".to_owned())]);
        headers.extend((0..10).map(|_| header("accept", "ä".repeat(1_000))));
        let cut = &pick(&headers, &["accept"])[0].1;
        assert_eq!(cut.len(), MAX_TEXT);
        assert!(cut.starts_with("a,c,ä") && cut.ends_with('ä'));
    }
}
