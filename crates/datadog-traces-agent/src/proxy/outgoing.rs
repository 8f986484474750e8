//! A request as it leaves: path, query and headers as the intake of each product expects them.
//!
//! Only says what is known: there are no tags of containers here, since nobody tells them.

use std::sync::Arc;

use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request};

use super::refusal::Refusal;
use super::target::{self, Target, Targets};
use super::{evp, tags};
use crate::config::{Config, ConfigError};
use crate::server::client::Client;
use crate::server::info::EVP_HEADERS;
use crate::server::route::Product;

const API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
const APPLICATION_KEY: HeaderName = HeaderName::from_static("dd-application-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("dd-request-id");
const ORIGIN: HeaderName = HeaderName::from_static("dd-evp-origin");
const CONTAINER_ID: HeaderName = HeaderName::from_static("datadog-container-id");
const ADDITIONAL_TAGS: HeaderName = HeaderName::from_static("x-datadog-additional-tags");
const HOSTNAME: HeaderName = HeaderName::from_static("x-datadog-hostname");
const DEFAULT_ENV: HeaderName = HeaderName::from_static("x-datadog-agentdefaultenv");
const TIMEOUT: HeaderName = HeaderName::from_static("x-datadog-timeout");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers that mean one connection, besides those that `Connection` names.
const OF_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A request without its body, for each of its intakes.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) product: Product,
    pub(super) targets: Arc<[Target]>,
    method: Method,
    /// Path and query.
    path: String,
    headers: HeaderMap,
}

/// What is said of this agent in every request of a kind; cheap to use for each.
#[derive(Debug)]
pub(super) struct Outgoings {
    targets: Targets,
    /// Tags of the agent.
    tags: String,
    via: HeaderValue,
    agent_tags: HeaderValue,
    profile_tags: HeaderValue,
    hostname: Option<HeaderValue>,
    env: HeaderValue,
    evp_timeout: HeaderValue,
    application_key: Option<HeaderValue>,
    telemetry: HeaderMap,
}

impl Outgoings {
    /// Reads what never changes.
    ///
    /// # Errors
    /// A URL or key that cannot be used.
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let (identity, proxies) = (&config.identity, &config.proxies);
        let agent = tags::of_agent(identity);
        let profile = std::iter::once(agent.as_str());
        let profile = profile.chain(proxies.profiling_tags.iter().map(String::as_str));
        let application_key = proxies.application_key.as_deref().map(str::trim);
        let application_key = application_key.filter(|key| !key.is_empty());
        let application_key = application_key.map(HeaderValue::from_str).transpose();
        Ok(Self {
            targets: Targets::new(config)?,
            via: tags::header(format!("trace-agent {}", identity.version).as_bytes()),
            agent_tags: tags::header(agent.as_bytes()),
            profile_tags: tags::header(&tags::join(profile.map(str::as_bytes))),
            hostname: known(&identity.hostname),
            env: tags::header(identity.env.as_bytes()),
            evp_timeout: HeaderValue::from(proxies.timeout.as_secs()),
            application_key: application_key.map_err(|_| ConfigError::BadHeader {
                name: "the application key",
            })?,
            telemetry: of_telemetry(config),
            tags: agent,
        })
    }

    /// The request of a client as it leaves; `rest` is its path behind the prefix of its product, `container` that of the
    /// process at the other end.
    ///
    /// # Errors
    /// A product that is turned off, or a request that cannot be passed on.
    pub(super) fn of(
        &self,
        product: Product,
        rest: &str,
        head: &Parts,
        container: Option<String>,
    ) -> Result<Outgoing, Refusal> {
        if product == Product::Evp {
            return self.evp(rest, head, container);
        }
        let targets = self.targets.of(product);
        if targets.is_empty() {
            return Err(Refusal::Disabled(product));
        }
        let mut headers = end_to_end(&head.headers);
        let query = head.uri.query();
        let path = self.path(product, rest, query, &head.headers);
        match product {
            Product::Profiling => self.sign(&mut headers, &self.profile_tags),
            Product::PipelineStats => self.sign(&mut headers, &self.agent_tags),
            Product::Lineage => {
                self.sign(&mut headers, &self.agent_tags);
                headers.remove(AUTHORIZATION);
            }
            Product::Telemetry => self.telemetry(&mut headers, &head.headers, container),
            Product::DebuggerLogs | Product::Debugger => event(&mut headers, "agent-debugger"),
            Product::SymbolDatabase => {
                event(&mut headers, "agent-symdb");
                let of_client = additional_tags(&head.headers);
                let joined = tags::join([self.tags.as_bytes(), &of_client]);
                headers.insert(ADDITIONAL_TAGS, tags::header(&joined));
            }
            Product::Flare | Product::Evp => {}
        }
        if targets.iter().any(|target| target.uri(&path).is_none()) {
            return Err(Refusal::BadUrl);
        }
        Ok(Outgoing {
            product,
            targets,
            method: head.method.clone(),
            path,
            headers,
        })
    }

    /// The path and query at the intake.
    fn path(
        &self,
        product: Product,
        rest: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> String {
        let path = match product {
            Product::Profiling => target::PROFILE,
            Product::PipelineStats => target::PIPELINE_STATS,
            Product::DebuggerLogs => target::LOGS,
            Product::Debugger | Product::SymbolDatabase => target::DEBUGGER,
            Product::Lineage => target::LINEAGE,
            Product::Flare => target::FLARE,
            Product::Telemetry | Product::Evp => &format!("/{rest}"),
        };
        let query = match product {
            Product::DebuggerLogs | Product::Debugger => {
                let of_client = additional_tags(headers);
                Some(tags::with_tags(query, &[self.tags.as_bytes(), &of_client]))
            }
            Product::Lineage => Some(tags::with_parameter(query, "api-version", "2")),
            _ => query.map(str::to_owned),
        };
        match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    fn sign(&self, headers: &mut HeaderMap, tags: &HeaderValue) {
        headers.insert(VIA, self.via.clone());
        headers.insert(ADDITIONAL_TAGS, tags.clone());
    }

    fn telemetry(&self, headers: &mut HeaderMap, given: &HeaderMap, container: Option<String>) {
        headers.insert(VIA, self.via.clone());
        for (name, value) in &self.telemetry {
            headers.insert(name, value.clone());
        }
        name_container(headers, given, container);
    }

    fn evp(
        &self,
        rest: &str,
        head: &Parts,
        container: Option<String>,
    ) -> Result<Outgoing, Refusal> {
        if !self.targets.has_evp() {
            return Err(Refusal::Disabled(Product::Evp));
        }
        let query = head.uri.query();
        let subdomain = evp::check(&head.headers, rest, query)?;
        let targets = self.targets.evp(subdomain);
        let mut headers = HeaderMap::new();
        for name in EVP_HEADERS {
            for value in head.headers.get_all(name) {
                // Each of them is one: they stand in this source.
                if let Ok(name) = HeaderName::try_from(name) {
                    headers.append(name, value.clone());
                }
            }
        }
        headers.insert(VIA, self.via.clone());
        if let Some(hostname) = &self.hostname {
            headers.insert(HOSTNAME, hostname.clone());
        }
        headers.insert(DEFAULT_ENV, self.env.clone());
        headers.insert(TIMEOUT, self.evp_timeout.clone());
        name_container(&mut headers, &head.headers, container);
        if evp::needs_application_key(&head.headers) {
            let key = self.application_key.clone();
            let mut key = key.ok_or(evp::Invalid::NoApplicationKey)?;
            key.set_sensitive(true);
            headers.insert(APPLICATION_KEY, key);
        }
        let path = match query {
            Some(query) => format!("/{rest}?{query}"),
            None => format!("/{rest}"),
        };
        if targets.iter().any(|target| target.uri(&path).is_none()) {
            return Err(evp::Invalid::Subdomain.into());
        }
        Ok(Outgoing {
            product: Product::Evp,
            targets,
            method: head.method.clone(),
            path,
            headers,
        })
    }
}

impl Outgoing {
    /// The request to one of its intakes with this key; `None` if there can be no such request.
    pub(super) fn request<B>(&self, target: &Target, key: &str, body: B) -> Option<Request<B>> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = target.uri(&self.path)?;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if !key.is_empty() {
            let (name, value) = match self.product {
                Product::Lineage => (AUTHORIZATION, format!("Bearer {key}")),
                _ => (API_KEY, key.to_owned()),
            };
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Some(request)
    }

    /// What it takes in memory, roughly and without its body.
    pub(super) fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        size_of::<Self>() + self.path.len() + headers
    }
}

/// The headers that are meant for the other end, without those that this agent writes itself: the length, which may
/// change its form, and the key.
pub(super) fn end_to_end(given: &HeaderMap) -> HeaderMap {
    let mut headers = without_connection(given);
    for name in [HOST, EXPECT, CONTENT_LENGTH, API_KEY, FORWARDED_FOR] {
        headers.remove(name);
    }
    headers
}

/// The headers without those of one connection.
pub(super) fn without_connection(given: &HeaderMap) -> HeaderMap {
    let mut headers = given.clone();
    for named in given.get_all(CONNECTION) {
        for name in named.to_str().unwrap_or_default().split(',') {
            headers.remove(name.trim());
        }
    }
    for name in OF_CONNECTION {
        headers.remove(name);
    }
    headers
}

/// Names the container that the client runs in, if it is known.
fn name_container(headers: &mut HeaderMap, given: &HeaderMap, container: Option<String>) {
    let client = Client::of(given, container);
    if let Some(id) = known(&client.container_id) {
        headers.insert(CONTAINER_ID, id);
    }
}

/// Marks a request as an event of this origin.
fn event(headers: &mut HeaderMap, origin: &'static str) {
    let id = uuid(fastrand::u128(..));
    headers.insert(REQUEST_ID, tags::header(id.as_bytes()));
    headers.insert(ORIGIN, HeaderValue::from_static(origin));
}

/// The tags that a client adds.
fn additional_tags(headers: &HeaderMap) -> Vec<u8> {
    let values = headers.get_all(ADDITIONAL_TAGS).iter();
    tags::join(values.map(HeaderValue::as_bytes))
}

fn known(text: &str) -> Option<HeaderValue> {
    (!text.is_empty()).then(|| tags::header(text.as_bytes()))
}

/// What is said of this agent and its machine in telemetry, as far as it is known.
fn of_telemetry(config: &Config) -> HeaderMap {
    let install = config.proxies.install.as_ref();
    let cloud = config.proxies.cloud.as_ref();
    let fields = [
        ("dd-agent-hostname", Some(&config.identity.hostname)),
        ("dd-agent-env", Some(&config.identity.env)),
        ("dd-agent-install-id", install.map(|it| &it.id)),
        ("dd-agent-install-type", install.map(|it| &it.kind)),
        ("dd-agent-install-time", install.map(|it| &it.time)),
        ("dd-cloud-provider", cloud.map(|it| &it.provider)),
        ("dd-cloud-resource-type", cloud.map(|it| &it.resource_type)),
        (
            "dd-cloud-resource-identifier",
            cloud.map(|it| &it.identifier),
        ),
    ];
    let known = fields.into_iter().filter_map(|(name, value)| {
        let value = known(value?)?;
        Some((HeaderName::from_static(name), value))
    });
    known.collect()
}

/// A UUID of version 4 of these random bits.
fn uuid(random: u128) -> String {
    let version = 0x4_u128 << 76;
    let variant = 0x2_u128 << 62;
    let bits = random & !(0xf << 76) & !(0x3 << 62) | version | variant;
    let hex = format!("{bits:032x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts = parts.map(|(from, to)| hex.get(from..to).unwrap_or_default());
    parts.join("-")
}

#[cfg(test)]
mod tests;
