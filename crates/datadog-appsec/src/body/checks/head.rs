//! The same for the head of a request: its target, its headers, its cookies, and whom it came from.

use super::{LIMITS, count, largest, within};
use crate::address;
use crate::client_ip;
use crate::http::{HttpRequest, HttpResponse, target};
use crate::limits::Shaper;
use crate::transaction::Facts;

/// The header that is the only one asked, where one is configured.
const ONLY: &str = "x-mine";

/// The first line is the target, then come headers; the bits of `choices` say whether there is a peer, and a header of
/// the user's choice.
pub(super) fn check(choices: u8, data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let uri = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let headers: Vec<_> = lines.map(header).collect();
    let request = HttpRequest {
        method: "GET".to_owned(),
        uri,
        client_ip: (choices & 1 > 0).then(|| "[2001:4860::1]:80".to_owned()),
        headers,
        ..HttpRequest::default()
    };
    addresses(&request, data.len());
    client(&request, (choices & 2 > 0).then_some(ONLY));
    facts(&request);
}

fn header(line: &[u8]) -> (String, String) {
    let line = String::from_utf8_lossy(line);
    let (name, value) = line.split_once(':').unwrap_or((&line, ""));
    (name.to_owned(), value.to_owned())
}

fn addresses(request: &HttpRequest, bytes: usize) {
    let mut shaper = Shaper::new(&LIMITS);
    let made = address::request(request, |_| true, &mut shaper);
    let mut values = 0;
    for (name, value) in &made {
        assert!(address::ALL.contains(name), "no address");
        within(value);
        values += count(value);
        // A name and a list of one for each piece, and the map itself.
        let pieces = match *name {
            address::QUERY => request.uri.split('&').count(),
            address::COOKIES => request
                .headers
                .iter()
                .map(|(_, text)| text.split(';').count())
                .sum(),
            address::HEADERS => request.headers.len(),
            _ => continue,
        };
        assert!(count(value) <= 1 + 2 * pieces, "more than was there");
    }
    assert!(values <= made.len() + LIMITS.values, "too many values");
    largest(shaper.truncated(), bytes);
    let response = HttpResponse {
        headers: request.headers.clone(),
        ..HttpResponse::default()
    };
    let answered = address::response(&response, |_| true, &mut Shaper::new(&LIMITS));
    answered.iter().for_each(|(_, value)| within(value));
}

fn client(request: &HttpRequest, only: Option<&str>) {
    let peer = request.client_ip.as_deref().and_then(client_ip::parse);
    let client = client_ip::of(&request.headers, peer, only);
    if let Some(client) = client {
        assert_eq!(
            client_ip::parse(&client.to_string()),
            Some(client),
            "not the same when it is read again"
        );
        assert_eq!(
            client,
            client.to_canonical(),
            "in another form than the others"
        );
    }
    if only.is_none() {
        assert!(client.is_some() || peer.is_none(), "a peer is somebody");
    }
}

fn facts(request: &HttpRequest) {
    let mut facts = Facts::default();
    facts.set_request(request, None, None);
    assert!(
        request.uri.contains(target(&request.uri)) || facts.target == "/",
        "another target"
    );
    let texts = facts.headers.iter().chain(&facts.headers_on_event);
    let all: usize = request
        .headers
        .iter()
        .map(|(_, value)| value.len() + 1)
        .sum();
    for (name, value) in texts {
        assert!(
            name.bytes().all(|byte| !byte.is_ascii_uppercase()),
            "not in lower case"
        );
        assert!(value.len() <= all, "more than was there");
    }
}
