//! Takes the place of requests of the firewall in libraries without one: none is ever opened.

use super::error::{DatadogError, Failure};
use super::firewall::{DatadogAppSecRequest, DatadogAppSecVerdict};
use super::guest::Guest;
use crate::agent::Builder;

/// Whose body.
pub(super) enum Side {
    Request,
    Response,
}

/// There is none.
pub(super) enum Request {}

pub(super) fn obeyed(builder: Builder, _is_obeyed: bool) -> Builder {
    builder
}

pub(super) fn open(_guest: &Guest, _is_obeyed: bool) -> Result<*mut DatadogAppSecRequest, Failure> {
    Err(Failure::new(
        DatadogError::DATADOG_NOT_AVAILABLE,
        "this library was built without AppSec",
    ))
}

pub(super) fn found(_request: *mut DatadogAppSecRequest) -> Result<Request, Failure> {
    Err(Failure::null("request"))
}

pub(super) fn free(request: *mut DatadogAppSecRequest) -> Result<(), Failure> {
    found(request).map(drop)
}

impl Request {
    pub(super) fn give(&self, _json: &[u8]) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn give_value(&self, _address: &str, _json: &[u8]) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn give_body(
        &self,
        _side: Side,
        _body: &[u8],
        _content_type: Option<&str>,
    ) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn decide(&self) -> Result<DatadogAppSecVerdict, Failure> {
        match *self {}
    }

    pub(super) fn finish(&self, _span: Option<&[u8]>) -> Result<String, Failure> {
        match *self {}
    }
}
