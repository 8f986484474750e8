//! The names under which the firewall knows the parts of a request, and the values that stand there.
//!
//! Only addresses that some rule looks at are made: the rest costs time for nothing.

use crate::form;
use crate::http::{HttpRequest, HttpResponse, target, values};
use crate::limits::Shaper;
use crate::value::Value;

/// The method.
pub(crate) const METHOD: &str = "server.request.method";
/// The path with the query, as received.
pub(crate) const URI: &str = "server.request.uri.raw";
/// The parameters of the query.
pub(crate) const QUERY: &str = "server.request.query";
/// The parameters of the path.
pub(crate) const PATH_PARAMS: &str = "server.request.path_params";
/// The headers without cookies.
pub(crate) const HEADERS: &str = "server.request.headers.no_cookies";
/// The cookies.
pub(crate) const COOKIES: &str = "server.request.cookies";
/// The body.
pub(crate) const BODY: &str = "server.request.body";
/// The names of files that were uploaded.
pub(crate) const FILENAMES: &str = "server.request.body.filenames";
/// What those files hold.
pub(crate) const FILES_CONTENT: &str = "server.request.body.files_content";
/// Who asks.
pub(crate) const CLIENT_IP: &str = "http.client_ip";
/// Who is logged in.
pub(crate) const USER_ID: &str = "usr.id";
/// With which session.
pub(crate) const SESSION_ID: &str = "usr.session_id";
/// The status of the response: a text, because rules compare it with one.
pub(crate) const STATUS: &str = "server.response.status";
/// The headers of the response.
pub(crate) const RESPONSE_HEADERS: &str = "server.response.headers.no_cookies";
/// The body of the response.
pub(crate) const RESPONSE_BODY: &str = "server.response.body";
/// What to do beside evaluating rules.
pub(crate) const PROCESSOR: &str = "waf.context.processor";

/// All that a transaction may send.
pub(crate) const ALL: [&str; 16] = [
    METHOD,
    URI,
    QUERY,
    PATH_PARAMS,
    HEADERS,
    COOKIES,
    BODY,
    FILENAMES,
    FILES_CONTENT,
    CLIENT_IP,
    USER_ID,
    SESSION_ID,
    STATUS,
    RESPONSE_HEADERS,
    RESPONSE_BODY,
    PROCESSOR,
];

/// The status that another service answered this one with: a text too.
pub(crate) const OUTGOING_STATUS: &str = "server.io.net.response.status";

/// What tags of spans call the route; beside the addresses, a program may give it.
pub(crate) const ROUTE: &str = "http.route";
/// The same of where the connection came from.
pub(crate) const PEER: &str = "network.client.ip";

/// What programs may give beside [`ALL`], for rules that look at it.
const FURTHER: [&str; 23] = [
    ROUTE,
    PEER,
    "server.request.jwt",
    "usr.login",
    "grpc.server.method",
    "grpc.server.request.message",
    "grpc.server.request.metadata",
    "grpc.server.response.message",
    "grpc.server.response.metadata.headers",
    "grpc.server.response.metadata.trailers",
    "grpc.server.response.status",
    "graphql.server.all_resolvers",
    "graphql.server.resolver",
    "server.db.statement",
    "server.db.system",
    "server.io.fs.file",
    "server.io.fs.file_write",
    "server.io.net.url",
    "server.io.net.request.headers",
    "server.io.net.response.headers",
    OUTGOING_STATUS,
    "server.sys.exec.cmd",
    "server.sys.shell.cmd",
];

/// Begins the addresses of what applications say about their own business, which are many.
const BUSINESS: &str = "server.business_logic.";

/// Whether a program may give a value by this name, whatever the rules of the moment look at. What to do beside
/// evaluating rules is not the program's to say.
pub(crate) fn may_be_given(name: &str) -> bool {
    let is_ours = ALL.contains(&name) && name != PROCESSOR;
    is_ours || FURTHER.contains(&name) || name.starts_with(BUSINESS)
}

/// Values by their addresses.
pub(crate) type Addresses = Vec<(&'static str, Value)>;

/// What a request says without its body, as far as `knows` asks for it.
pub(crate) fn request(
    request: &HttpRequest,
    knows: impl Fn(&str) -> bool,
    shaper: &mut Shaper<'_>,
) -> Addresses {
    let mut out = Addresses::new();
    let mut put = |address, make: &mut dyn FnMut() -> Option<Value>| {
        if knows(address) {
            out.extend(make().map(|value| (address, value)));
        }
    };
    let uri = target(&request.uri);
    put(METHOD, &mut || text(&request.method, shaper));
    put(URI, &mut || text(uri, shaper));
    put(QUERY, &mut || query(request, uri, shaper));
    put(PATH_PARAMS, &mut || {
        let pairs = request.path_params.iter();
        let mut map = Map::new();
        for (name, value) in pairs {
            map.push(name.as_bytes(), shaper, |shaper| {
                shaper.text(value.as_bytes())
            });
        }
        map.into_value(shaper)
    });
    put(HEADERS, &mut || headers(&request.headers, shaper));
    put(COOKIES, &mut || cookies(request, shaper));
    put(USER_ID, &mut || {
        request.user_id.as_ref().and_then(|id| text(id, shaper))
    });
    put(SESSION_ID, &mut || {
        request.session_id.as_ref().and_then(|id| text(id, shaper))
    });
    out
}

/// What a response says without its body.
pub(crate) fn response(
    response: &HttpResponse,
    knows: impl Fn(&str) -> bool,
    shaper: &mut Shaper<'_>,
) -> Addresses {
    let mut out = Addresses::new();
    if knows(STATUS) {
        out.push((STATUS, Value::text(response.status_code.to_string())));
    }
    if knows(RESPONSE_HEADERS) {
        let headers = headers(&response.headers, shaper);
        out.extend(headers.map(|headers| (RESPONSE_HEADERS, headers)));
    }
    out
}

fn text(text: &str, shaper: &mut Shaper<'_>) -> Option<Value> {
    (!text.is_empty()).then(|| shaper.text(text.as_bytes()))
}

fn query(request: &HttpRequest, uri: &str, shaper: &mut Shaper<'_>) -> Option<Value> {
    if !request.query_params.is_empty() {
        return lists(request.query_params.iter(), shaper);
    }
    let (_, query) = uri.split_once('?')?;
    let lists = form::parse(query.as_bytes(), shaper);
    (!lists.is_empty()).then(|| lists.into_value())
}

fn cookies(request: &HttpRequest, shaper: &mut Shaper<'_>) -> Option<Value> {
    if !request.cookies.is_empty() {
        return lists(request.cookies.iter(), shaper);
    }
    let lists = form::cookies(values(&request.headers, "cookie"), shaper);
    (!lists.is_empty()).then(|| lists.into_value())
}

fn lists<'a>(
    pairs: impl Iterator<Item = (&'a String, &'a Vec<String>)>,
    shaper: &mut Shaper<'_>,
) -> Option<Value> {
    let mut lists = form::Lists::new();
    for (name, values) in pairs {
        for value in values {
            let value = shaper.text(value.as_bytes());
            lists.push(name.as_bytes(), value, shaper);
        }
    }
    (!lists.is_empty()).then(|| lists.into_value())
}

/// Names in lower case to lists of values, without cookies.
pub(crate) fn headers(headers: &[(String, String)], shaper: &mut Shaper<'_>) -> Option<Value> {
    let mut lists = form::Lists::new();
    for (name, value) in headers {
        let name = name.trim().to_ascii_lowercase();
        if !matches!(name.as_str(), "cookie" | "set-cookie") {
            let value = shaper.text(value.trim().as_bytes());
            lists.push(name.as_bytes(), value, shaper);
        }
    }
    (!lists.is_empty()).then(|| lists.into_value())
}

/// A map that keeps to the limit of a container.
struct Map {
    pairs: Vec<(Vec<u8>, Value)>,
    members: usize,
}

impl Map {
    fn new() -> Self {
        Self {
            pairs: Vec::new(),
            members: 0,
        }
    }

    fn push(
        &mut self,
        name: &[u8],
        shaper: &mut Shaper<'_>,
        make: impl FnOnce(&mut Shaper<'_>) -> Value,
    ) {
        self.members += 1;
        if shaper.admits_member(self.pairs.len()) {
            let pair = (shaper.cut(name), make(shaper));
            self.pairs.push(pair);
        }
    }

    fn into_value(self, shaper: &mut Shaper<'_>) -> Option<Value> {
        if self.members > self.pairs.len() {
            shaper.too_wide(self.members);
        }
        (!self.pairs.is_empty()).then_some(Value::Map(self.pairs))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::limits::Limits;

    fn as_json(addresses: Addresses) -> Json {
        Value::map(addresses).to_json()
    }

    fn example() -> HttpRequest {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        HttpRequest {
            method: "GET".to_owned(),
            uri: "http://shop/a%20b?q=1%27&q=2+x".to_owned(),
            headers: vec![
                header("User-Agent", "curl"),
                header("Cookie", "s=1; t=2"),
                header("Accept", "a"),
                header("accept", "b"),
            ],
            path_params: [("id".to_owned(), "42".to_owned())].into(),
            user_id: Some("bob".to_owned()),
            ..HttpRequest::default()
        }
    }

    #[test]
    fn a_request_stands_under_its_addresses() {
        let limits = Limits::default();
        let made = request(&example(), |_| true, &mut Shaper::new(&limits));
        let wanted = json!({
            "server.request.method": "GET",
            "server.request.uri.raw": "/a%20b?q=1%27&q=2+x",
            "server.request.query": {"q": ["1'", "2 x"]},
            "server.request.path_params": {"id": "42"},
            "server.request.headers.no_cookies": {"user-agent": ["curl"], "accept": ["a", "b"]},
            "server.request.cookies": {"s": ["1"], "t": ["2"]},
            "usr.id": "bob",
        });
        assert_eq!(as_json(made), wanted);
    }

    #[test]
    fn what_no_rule_looks_at_is_not_made() {
        let limits = Limits::default();
        let made = request(&example(), |name| name == METHOD, &mut Shaper::new(&limits));
        assert_eq!(as_json(made), json!({"server.request.method": "GET"}));
    }

    #[test]
    fn the_status_is_a_text_and_cookies_stay_out() {
        let limits = Limits::default();
        let answer = HttpResponse {
            status_code: 404,
            headers: vec![
                ("Set-Cookie".to_owned(), "a=b".to_owned()),
                ("Server".to_owned(), "x".to_owned()),
            ],
            body: None,
        };
        let made = response(&answer, |_| true, &mut Shaper::new(&limits));
        let wanted = json!({
            "server.response.status": "404",
            "server.response.headers.no_cookies": {"server": ["x"]},
        });
        assert_eq!(as_json(made), wanted);
    }
}
