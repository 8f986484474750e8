//! A request that is given by the names of its parts, as whoever calls from another language has them.
//!
//! The names are the addresses of rules, and the values JSON. What can be told from them is, as from an
//! [`HttpRequest`](crate::HttpRequest): parameters from the target, cookies and the client from the headers, and all that
//! the span carries. Nothing is evaluated before [`Transaction::decide`], and what is given is bounded.

use std::net::IpAddr;
use std::time::Instant;

use super::Transaction;
use crate::address;
use crate::client_ip;
use crate::config::Blocking;
use crate::form;
use crate::http::{target, values};
use crate::json;
use crate::limits::{ADDRESS_DEPTH, Limits, Shaper};
use crate::value::Value;
use crate::verdict::WafVerdict;

/// Bytes of JSON and of bodies that one request may be given by name, from its beginning to its end.
pub const MAX_GIVEN_BYTES: usize = 8 << 20;

/// Why something is not taken by name. Nothing of the call is taken then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is no JSON; it says where.
    #[error("{0}")]
    Json(String),
    /// The JSON is no object of values by their addresses.
    #[error("an object of values by their addresses is wanted")]
    NoObject,
    /// No rule looks there, and none ever did.
    #[error("there is no address {0:?}")]
    Unknown(String),
    /// What stands at an address can only be of one kind.
    #[error("{address}: {wanted} is wanted")]
    Kind {
        /// The address.
        address: &'static str,
        /// What stands there.
        wanted: &'static str,
    },
    /// The request was given more than [`MAX_GIVEN_BYTES`].
    #[error("more than {MAX_GIVEN_BYTES} bytes of one request")]
    TooMuch,
}

/// Whose body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyOf {
    /// The client's.
    Request,
    /// The application's.
    Response,
}

/// What was given by name.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// All that was given so far.
    bytes: usize,
    /// What waits to be evaluated, each name once.
    waiting: Vec<(String, Value)>,
    /// What parameters are told from, if none are given.
    uri: Option<String>,
    headers: Vec<(String, String)>,
    response_headers: Vec<(String, String)>,
    /// What the program knew itself, so that it is not told from the rest.
    has_query: bool,
    has_cookies: bool,
    has_client: bool,
    /// Whether headers or peer are new.
    may_tell_client: bool,
    may_tell_cookies: bool,
}

/// What stands at an address, of its kind.
enum Part {
    Method(String),
    Uri(String),
    Route(String),
    Peer(String),
    Client(String),
    Headers(Vec<(String, String)>),
    ResponseHeaders(Vec<(String, String)>),
    Status(String),
    Other(String, Value),
}

impl Given {
    fn put(&mut self, name: &str, value: Value) {
        self.waiting.retain(|(known, _)| known != name);
        self.waiting.push((name.to_owned(), value));
    }

    fn put_some(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

impl Transaction {
    /// Takes a JSON object of values by their addresses, such as
    /// `{"server.request.method":"GET","server.request.headers.no_cookies":{"host":"shop"}}`; all or none of it. A value
    /// that is `null` is none. Beside addresses of rules, `http.route` and `network.client.ip` (the peer) are taken for
    /// the span. What no rule of the moment looks at is taken and left alone.
    ///
    /// # Errors
    /// When it is no such object, names something that is no address, or is too much.
    pub fn give(&mut self, json: &[u8]) -> Result<(), AddressError> {
        let started = Instant::now();
        let Value::Map(members) = self.read(json, 1)? else {
            return Err(AddressError::NoObject);
        };
        let mut parts = Vec::with_capacity(members.len());
        for (name, value) in members {
            let name = String::from_utf8_lossy(&name).into_owned();
            parts.extend(self.part(name, value)?);
        }
        self.take(parts, json.len(), started);
        Ok(())
    }

    /// Takes one value, as JSON, by its address.
    ///
    /// # Errors
    /// When it is no JSON, not what stands there, or too much, or there is no such address.
    pub fn give_value(&mut self, address: &str, json: &[u8]) -> Result<(), AddressError> {
        let started = Instant::now();
        let value = self.read(json, ADDRESS_DEPTH)?;
        let part = self.part(address.to_owned(), value)?;
        self.take(part.into_iter().collect(), json.len(), started);
        Ok(())
    }

    /// Takes a body as it came. With a content type it is of that type and has no content encoding; without one, the
    /// headers that were given before say what it is. One that is not looked at is counted, as any other.
    ///
    /// # Errors
    /// When it is too much.
    pub fn give_body(
        &mut self,
        of: BodyOf,
        body: &[u8],
        content_type: Option<&str>,
    ) -> Result<(), AddressError> {
        let started = Instant::now();
        // What is larger is not read.
        let bytes = match body.len() > self.shared.config.max_body_bytes {
            true => 0,
            false => self.counted(body.len())?,
        };
        let known = match of {
            BodyOf::Request => &self.given.headers,
            BodyOf::Response => &self.given.response_headers,
        };
        let headers = match content_type {
            Some(text) => vec![("content-type".to_owned(), text.to_owned())],
            None => known.clone(),
        };
        let addresses = match of {
            BodyOf::Request => self.body(body, &headers),
            BodyOf::Response => {
                let limits = self.shared.config.limits;
                let mut shaper = Shaper::new(&limits);
                let address = self.response_body(body, &headers, &mut shaper);
                self.truncated(shaper.truncated());
                address.into_iter().collect()
            }
        };
        for (name, value) in addresses {
            self.given.put(name, value);
        }
        self.given.bytes += bytes;
        self.findings.duration_ext += started.elapsed();
        Ok(())
    }

    /// Evaluates what was given since the last time, and says what should become of the request. Once that was not to
    /// go on, nothing of it is evaluated any more: the answer to it goes on.
    pub fn decide(&mut self) -> WafVerdict {
        let mut started = Instant::now();
        if self.findings.blocked.is_some() {
            self.given.waiting.clear();
            return WafVerdict::Allow;
        }
        self.tell();
        let mut waiting = std::mem::take(&mut self.given.waiting);
        waiting.retain(|(name, _)| self.rules.knows(name));
        let client = waiting
            .iter()
            .position(|(name, _)| name == address::CLIENT_IP);
        if let Some(client) = client
            && self.blocking == Blocking::Obeyed
        {
            // Most requests that are blocked are so by their address: the rest need not be looked at.
            let client = waiting.remove(client);
            let verdict = self.evaluate(vec![client], started);
            if verdict != WafVerdict::Allow {
                return verdict;
            }
            started = Instant::now();
        }
        self.evaluate(waiting, started)
    }

    /// Tells what the program did not know itself.
    fn tell(&mut self) {
        let limits = self.shared.config.limits;
        let mut shaper = Shaper::new(&limits);
        let uri = self.given.uri.take().filter(|_| !self.given.has_query);
        if let Some((_, query)) = uri.as_deref().and_then(|uri| uri.split_once('?')) {
            let lists = form::parse(query.as_bytes(), &mut shaper);
            if !lists.is_empty() {
                self.given.put(address::QUERY, lists.into_value());
            }
        }
        if std::mem::take(&mut self.given.may_tell_cookies) && !self.given.has_cookies {
            let lists = form::cookies(values(&self.given.headers, "cookie"), &mut shaper);
            if !lists.is_empty() {
                self.given.put(address::COOKIES, lists.into_value());
            }
        }
        if std::mem::take(&mut self.given.may_tell_client) && !self.given.has_client {
            let only = self.shared.config.client_ip_header.as_deref();
            self.set_client(client_ip::of(&self.given.headers, self.facts.peer, only));
        }
        self.truncated(shaper.truncated());
    }

    fn set_client(&mut self, client: Option<IpAddr>) {
        self.facts.client = client;
        if let Some(client) = client {
            let value = Value::text(client.to_string());
            self.given.put(address::CLIENT_IP, value);
        }
    }

    /// What the request has been given with so much more.
    fn counted(&self, bytes: usize) -> Result<usize, AddressError> {
        let is_within = self.given.bytes.saturating_add(bytes) <= MAX_GIVEN_BYTES;
        is_within.then_some(bytes).ok_or(AddressError::TooMuch)
    }

    /// Reads JSON that stands at a depth, its texts whole: what is told from them is cut later.
    fn read(&mut self, json: &[u8], depth: usize) -> Result<Value, AddressError> {
        self.counted(json.len())?;
        let limits = Limits {
            text: MAX_GIVEN_BYTES,
            ..self.shared.config.limits
        };
        let mut shaper = Shaper::new(&limits);
        let value = json::parse_with(json, &mut shaper, depth).map_err(AddressError::Json)?;
        self.truncated(shaper.truncated());
        Ok(value)
    }

    /// What stands at an address; nothing for `null`.
    fn part(&self, name: String, value: Value) -> Result<Option<Part>, AddressError> {
        if !address::may_be_given(&name) && (name == address::PROCESSOR || !self.rules.knows(&name))
        {
            return Err(AddressError::Unknown(name));
        }
        if value == Value::Null {
            return Ok(None);
        }
        Ok(Some(match name.as_str() {
            address::METHOD => Part::Method(text(address::METHOD, &value)?),
            address::URI => Part::Uri(text(address::URI, &value)?),
            address::ROUTE => Part::Route(text(address::ROUTE, &value)?),
            address::PEER => Part::Peer(text(address::PEER, &value)?),
            address::CLIENT_IP => Part::Client(text(address::CLIENT_IP, &value)?),
            address::STATUS => Part::Status(text(address::STATUS, &value)?),
            address::HEADERS => Part::Headers(headers(address::HEADERS, value)?),
            address::RESPONSE_HEADERS => {
                Part::ResponseHeaders(headers(address::RESPONSE_HEADERS, value)?)
            }
            // Rules compare it with texts.
            address::OUTGOING_STATUS => {
                let status = text(address::OUTGOING_STATUS, &value)?;
                Part::Other(name, Value::text(status))
            }
            _ => Part::Other(name, value),
        }))
    }

    fn take(&mut self, parts: Vec<Part>, bytes: usize, started: Instant) {
        let limits = self.shared.config.limits;
        let mut shaper = Shaper::new(&limits);
        for part in parts {
            self.take_one(part, &mut shaper);
        }
        self.truncated(shaper.truncated());
        self.given.bytes += bytes;
        self.findings.duration_ext += started.elapsed();
    }

    fn take_one(&mut self, part: Part, shaper: &mut Shaper<'_>) {
        let (facts, given) = (&mut self.facts, &mut self.given);
        match part {
            Part::Method(method) => {
                facts.set_method(&method);
                given.put(address::METHOD, shaper.text(method.as_bytes()));
            }
            Part::Uri(uri) => {
                facts.set_uri(&uri);
                let target = target(&uri);
                given.put(address::URI, shaper.text(target.as_bytes()));
                given.uri = Some(target.to_owned());
            }
            Part::Route(route) => facts.set_route(&route),
            Part::Peer(peer) => {
                facts.peer = client_ip::parse(&peer);
                given.may_tell_client = true;
            }
            Part::Client(client) => {
                given.has_client = true;
                self.set_client(client_ip::parse(&client));
            }
            Part::Headers(headers) => {
                facts.set_headers(&headers);
                let value = address::headers(&headers, shaper);
                given.put_some(address::HEADERS, value);
                given.headers = headers;
                (given.may_tell_client, given.may_tell_cookies) = (true, true);
            }
            Part::ResponseHeaders(headers) => {
                facts.set_response_headers(&headers);
                let value = address::headers(&headers, shaper);
                given.put_some(address::RESPONSE_HEADERS, value);
                given.response_headers = headers;
            }
            Part::Status(status) => {
                facts.status = status.trim().parse().ok();
                given.put(address::STATUS, shaper.text(status.as_bytes()));
            }
            Part::Other(name, value) => {
                given.has_query |= name == address::QUERY;
                given.has_cookies |= name == address::COOKIES;
                let value = shaper.shape(value);
                given.put(&name, value);
            }
        }
    }
}

/// A text, or a number as one.
fn text(address: &'static str, value: &Value) -> Result<String, AddressError> {
    match value {
        Value::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        Value::Unsigned(number) => Ok(number.to_string()),
        Value::Signed(number) => Ok(number.to_string()),
        _ => Err(AddressError::Kind {
            address,
            wanted: "a text",
        }),
    }
}

/// Names with a text or a list of them, as the lines that they came in.
fn headers(address: &'static str, value: Value) -> Result<Vec<(String, String)>, AddressError> {
    const WANTED: &str = "an object of names with a text or a list of texts";
    let wrong = || AddressError::Kind {
        address,
        wanted: WANTED,
    };
    let Value::Map(members) = value else {
        return Err(wrong());
    };
    let mut lines = Vec::with_capacity(members.len());
    for (name, value) in members {
        let name = String::from_utf8_lossy(&name).into_owned();
        let list = match value {
            Value::Null => continue,
            Value::Array(items) => items,
            one => vec![one],
        };
        for item in &list {
            let item = text(address, item).map_err(|_| wrong())?;
            lines.push((name.clone(), item));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
