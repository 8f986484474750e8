//! Requests as the tags of spans tell of them, for traces whose service has no AppSec of its own.
//!
//! Knows names of tags only; which span is the entry of a service, whoever has the trace knows.

use crate::http::{HttpRequest, HttpResponse, HttpTransaction};

/// What headers of requests begin with, among tags.
const REQUEST_HEADER: &str = "http.request.headers.";
/// The same of responses.
const RESPONSE_HEADER: &str = "http.response.headers.";

/// What a span carries whose service looked at the request itself; metrics, texts and structures alike.
const DONE: [&str; 3] = ["_dd.appsec.enabled", "_dd.appsec.json", "appsec"];

/// Whether the service of a span looked at the request itself. `has` is asked for names in all three kinds of tags.
pub fn is_done(has: impl Fn(&str) -> bool) -> bool {
    DONE.into_iter().any(has)
}

/// The request that the texts of a span tell of; nothing, if they tell of none.
pub fn from_tags<'a>(
    tags: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<HttpTransaction> {
    let mut request = HttpRequest::default();
    let mut response = HttpResponse::default();
    let mut status = None;
    let mut has_agent = false;
    let mut agent = None;
    let mut client = None;
    for (name, value) in tags {
        match name {
            "http.method" => request.method = value.to_owned(),
            "http.url" => request.uri = value.to_owned(),
            "http.route" => request.route = Some(value.to_owned()),
            "http.useragent" => agent = Some(value),
            "http.client_ip" => client = Some(value),
            "network.client.ip" => request.client_ip = Some(value.to_owned()),
            "http.status_code" => status = value.parse().ok(),
            "usr.id" => request.user_id = Some(value.to_owned()),
            "usr.session_id" => request.session_id = Some(value.to_owned()),
            _ => {
                if let Some(name) = name.strip_prefix(REQUEST_HEADER) {
                    has_agent |= name == "user-agent";
                    request.headers.push((name.to_owned(), value.to_owned()));
                } else if let Some(name) = name.strip_prefix(RESPONSE_HEADER) {
                    response.headers.push((name.to_owned(), value.to_owned()));
                }
            }
        }
    }
    if request.method.is_empty() && request.uri.is_empty() {
        return None;
    }
    if let Some(agent) = agent.filter(|_| !has_agent) {
        request
            .headers
            .push(("user-agent".to_owned(), agent.to_owned()));
    }
    // The tracer knew better than what the few headers on the span tell.
    request.client_ip = client.map(str::to_owned).or(request.client_ip);
    response.status_code = status.unwrap_or_default();
    Some(HttpTransaction {
        request,
        response: status.map(|_| response),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_tell_of_a_request() {
        let read = from_tags([
            ("http.method", "GET"),
            ("http.url", "http://shop/a?x=1"),
            ("http.route", "/a"),
            ("http.useragent", "Arachni/v1"),
            ("http.status_code", "404"),
            ("http.client_ip", "8.8.8.8"),
            ("network.client.ip", "10.0.0.1"),
            ("http.request.headers.accept", "*/*"),
            ("http.response.headers.server", "x"),
            ("usr.id", "bob"),
            ("other", "y"),
        ])
        .unwrap();
        let text = |text: &str| text.to_owned();
        let request = HttpRequest {
            method: text("GET"),
            uri: text("http://shop/a?x=1"),
            route: Some(text("/a")),
            client_ip: Some(text("8.8.8.8")),
            headers: vec![
                (text("accept"), text("*/*")),
                (text("user-agent"), text("Arachni/v1")),
            ],
            user_id: Some(text("bob")),
            ..HttpRequest::default()
        };
        let response = HttpResponse {
            status_code: 404,
            headers: vec![(text("server"), text("x"))],
            body: None,
        };
        let wanted = HttpTransaction::from_request(request).with_response(response);
        assert_eq!(read, wanted);
    }

    #[test]
    fn other_spans_tell_of_none() {
        assert_eq!(from_tags([("db.type", "sql"), ("usr.id", "bob")]), None);
    }

    #[test]
    fn a_service_that_looked_itself_is_left_alone() {
        assert!(is_done(|name| name == "_dd.appsec.json"));
        assert!(!is_done(|name| name == "appsec.event"));
    }
}
