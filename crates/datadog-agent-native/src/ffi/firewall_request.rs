//! A request of the firewall for hosts that have no types of it: JSON in, JSON and plain structs out.
//!
//! Calls about one request wait for each other. It keeps the rules that it was opened with, whatever becomes of its
//! agent.

use std::borrow::Cow;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub(super) use datadog_appsec::BodyOf as Side;
use datadog_appsec::config::Blocking;
use datadog_appsec::verdict::{Block, Redirect};
use datadog_appsec::{AddressError, AppSec, EntrySpan, SpanTags, Transaction, WafVerdict};
use serde_json::{Map, Value, json};

use super::error::{DatadogError, Failure};
use super::firewall::{DatadogAppSecAction, DatadogAppSecRequest, DatadogAppSecVerdict, invalid};
use super::guest::Guest;
use super::process::{self, Found, keep};
use super::text::given;
use crate::agent::Builder;
use crate::appsec::Opened;

/// Requests that are open in this process at most: an open one may hold what it was given.
const MAX_OPEN: usize = 16_384;

/// A request between its opening and its end.
pub(super) struct Request {
    /// Empty once it ended.
    transaction: Mutex<Option<Transaction>>,
    /// The firewall that counts it; none in tests.
    opened: Option<Opened>,
}

/// Says to an agent whether its host obeys verdicts.
pub(super) fn obeyed(builder: Builder, is_obeyed: bool) -> Builder {
    match is_obeyed {
        true => builder.appsec_blocking(),
        false => builder,
    }
}

/// Opens a request of an agent.
///
/// # Errors
/// Why its firewall takes none.
pub(super) fn open(guest: &Guest, is_obeyed: bool) -> Result<*mut DatadogAppSecRequest, Failure> {
    let (opened, appsec) = (guest.agent().firewall())
        .map_err(|why| Failure::new(DatadogError::DATADOG_NOT_AVAILABLE, why))?;
    begin(&appsec, Some(opened), is_obeyed)
}

fn begin(
    appsec: &AppSec,
    opened: Option<Opened>,
    is_obeyed: bool,
) -> Result<*mut DatadogAppSecRequest, Failure> {
    let transaction = match (is_obeyed, appsec.blocking()) {
        (true, Blocking::Obeyed) => appsec.transaction(),
        (true, Blocking::Ignored) => {
            return Err(Failure::new(
                DatadogError::DATADOG_CONFIG_ERROR,
                "the agent was started without appsec_blocking: nobody obeys its verdicts",
            ));
        }
        (false, _) => appsec.watch(),
    };
    if process::count::<Request>() >= MAX_OPEN {
        return Err(Failure::new(
            DatadogError::DATADOG_SUBMISSION_ERROR,
            format!("{MAX_OPEN} requests are open: free those that are over"),
        ));
    }
    Ok(keep(Request {
        transaction: Mutex::new(Some(transaction)),
        opened,
    }))
}

/// The request behind a pointer.
pub(super) fn found(request: *mut DatadogAppSecRequest) -> Result<Arc<Request>, Failure> {
    match process::find(request) {
        Found::Ours(request) => Ok(request),
        Found::OfParent => Err(Failure::new(
            DatadogError::DATADOG_NOT_AVAILABLE,
            "the request belongs to the process from which this one was forked",
        )),
        Found::Nothing => Err(Failure::null("request")),
    }
}

/// Frees the request behind a pointer.
pub(super) fn free(request: *mut DatadogAppSecRequest) -> Result<(), Failure> {
    match process::take::<Request>(request) {
        Found::Ours(_) | Found::OfParent => Ok(()),
        Found::Nothing => Err(Failure::null("request")),
    }
}

impl Request {
    pub(super) fn give(&self, json: &[u8]) -> Result<(), Failure> {
        self.with(|request| Ok(request.give(json)?))
    }

    pub(super) fn give_value(&self, address: &str, json: &[u8]) -> Result<(), Failure> {
        self.with(|request| Ok(request.give_value(address, json)?))
    }

    pub(super) fn give_body(
        &self,
        side: Side,
        body: &[u8],
        content_type: Option<&str>,
    ) -> Result<(), Failure> {
        self.with(|request| Ok(request.give_body(side, body, content_type)?))
    }

    pub(super) fn decide(&self) -> Result<DatadogAppSecVerdict, Failure> {
        self.with(|request| Ok(verdict(request.decide())))
    }

    /// Ends it; the tags as JSON.
    pub(super) fn finish(&self, span: Option<&[u8]>) -> Result<String, Failure> {
        // What cannot be read leaves the request as it is.
        let span = Span::read(span)?;
        let transaction = self.lock().take().ok_or_else(ended)?;
        let tags = transaction.finish(&span, Instant::now());
        if let Some(opened) = &self.opened {
            opened.tell();
        }
        Ok(to_json(tags))
    }

    fn with<T>(
        &self,
        act: impl FnOnce(&mut Transaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        act(self.lock().as_mut().ok_or_else(ended)?)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Transaction>> {
        (self.transaction.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended() -> Failure {
    Failure::new(
        DatadogError::DATADOG_NOT_AVAILABLE,
        "the request has ended: its tags were taken",
    )
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        let code = match error {
            AddressError::TooMuch => DatadogError::DATADOG_SUBMISSION_ERROR,
            _ => DatadogError::DATADOG_INVALID_DATA_FORMAT,
        };
        Self::new(code, error.to_string())
    }
}

fn verdict(verdict: WafVerdict) -> DatadogAppSecVerdict {
    match verdict {
        WafVerdict::Allow => DatadogAppSecVerdict::ALLOW,
        WafVerdict::Block(block) => blocked(block),
        WafVerdict::Redirect(redirect) => redirected(redirect),
    }
}

fn blocked(block: Block) -> DatadogAppSecVerdict {
    // A page of the user's might have a NUL in it, which no text of C can.
    let body = block.body.replace('\0', "");
    DatadogAppSecVerdict {
        action: DatadogAppSecAction::DATADOG_APPSEC_BLOCK,
        status: block.status.into(),
        grpc_status: block.grpc_status.into(),
        content_type: block.content_type.map_or(std::ptr::null(), content_type),
        body_len: body.len(),
        body: given(Some(body).filter(|body| !body.is_empty())),
        security_response_id: text(block.security_response_id),
        ..DatadogAppSecVerdict::ALLOW
    }
}

fn redirected(redirect: Redirect) -> DatadogAppSecVerdict {
    DatadogAppSecVerdict {
        action: DatadogAppSecAction::DATADOG_APPSEC_REDIRECT,
        status: redirect.status.into(),
        location: text(redirect.location),
        security_response_id: text(redirect.security_response_id),
        ..DatadogAppSecVerdict::ALLOW
    }
}

/// Pages are of two types.
fn content_type(text: &str) -> *const std::ffi::c_char {
    let text: &'static CStr = match text {
        "text/html" => c"text/html",
        _ => c"application/json",
    };
    text.as_ptr()
}

/// A text for the host; NULL for none.
fn text(text: String) -> *mut std::ffi::c_char {
    given(Some(text).filter(|text| !text.is_empty()))
}

/// What a host says of its span.
#[derive(Debug, Default)]
struct Span {
    meta: Map<String, Value>,
    priority: Option<i32>,
}

impl Span {
    fn read(json: Option<&[u8]>) -> Result<Self, Failure> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        let span: Value = serde_json::from_slice(json)
            .map_err(|error| invalid(format!("span: no JSON: {error}")))?;
        let wrong = |what: &str| invalid(format!("span: {what}"));
        let meta = match span.get("meta") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(meta)) => meta.clone(),
            Some(_) => return Err(wrong("meta must be an object of texts")),
        };
        let priority = match span.get("priority") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let number = value.as_i64().and_then(|it| i32::try_from(it).ok());
                Some(number.ok_or_else(|| wrong("priority must be a whole number"))?)
            }
        };
        match span.is_object() {
            true => Ok(Self { meta, priority }),
            false => Err(wrong("an object is wanted")),
        }
    }
}

impl EntrySpan for Span {
    fn meta(&self, name: &str) -> Option<Cow<'_, str>> {
        self.meta.get(name)?.as_str().map(Cow::from)
    }

    fn priority(&self) -> Option<i32> {
        self.priority
    }
}

/// The tags as hosts read them. Events stand among the texts: nothing here asks for structures.
fn to_json(tags: SpanTags) -> String {
    let meta = tags.meta.into_iter();
    let meta: Map<String, Value> = meta
        .map(|(name, value)| (name.into_owned(), value.into()))
        .collect();
    let metrics = tags.metrics.into_iter();
    let metrics: Map<String, Value> = metrics
        .map(|(name, value)| (name.into_owned(), value.into()))
        .collect();
    json!({ "meta": meta, "metrics": metrics, "priority": tags.priority }).to_string()
}

#[cfg(test)]
#[path = "firewall_request/tests.rs"]
mod tests;
