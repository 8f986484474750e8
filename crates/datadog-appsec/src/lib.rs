//! A request in, the verdict of the firewall and the tags of its span out.
//!
//! [`AppSec`] holds rules and counters, [`Transaction`] one request; both know nothing of sockets, traces' formats or
//! configuration files. The firewall itself is libddwaf, a shared library that is loaded at run time and that this
//! crate neither contains nor needs to compile; everything around it is tested without it.
//! Whoever embeds this says whether its verdicts are obeyed: nothing is blocked otherwise.

pub(crate) mod address;
mod appsec;
pub mod body;
mod client_ip;
pub mod config;
pub mod counts;
pub mod engine;
mod error;
mod fake;
mod form;
pub mod http;
pub mod inspect;
mod json;
mod limits;
mod obfuscator;
mod processor;
mod rate;
pub mod remote;
pub mod rules;
mod schema;
pub mod tags;
mod transaction;
mod value;
pub mod verdict;
#[allow(
    unsafe_code,
    reason = "the functions of a C library are called; each call says why it is sound"
)]
mod waf;

pub use appsec::AppSec;
pub use config::Config;
pub use counts::Counts;
pub use engine::{WafBuilder, WafContext, WafEngine, WafError, WafInstance};
pub use error::Error;
pub use fake::FakeEngine;
pub use http::{HttpRequest, HttpResponse, HttpTransaction};
pub use limits::{Limits, Truncated};
pub use obfuscator::Obfuscator;
pub use processor::{Outcome, Processor};
pub use tags::{EntrySpan, NewSpan, SpanTags};
pub use transaction::{AddressError, BodyOf, MAX_GIVEN_BYTES, Rasp, Transaction};
pub use value::Value;
pub use verdict::WafVerdict;
pub use waf::DdwafEngine;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
