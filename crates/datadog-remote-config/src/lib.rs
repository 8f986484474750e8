//! Remote configuration: fetched, verified before anybody sees it, kept, and served to tracers and to this process.
//!
//! The pure part knows no clock, socket, thread or environment: [`Trusted`] is what is believed at one moment; [`Trusted::update`] makes of it and of what the backend sent the
//! next state, or an [`Error`].

mod answer;
pub mod backend;
pub mod capabilities;
pub mod checks;
pub mod cjson;
mod client_json;
pub mod consumer;
mod core;
pub mod endpoint;
mod error;
pub mod path;
pub mod predicate;
pub mod product;
mod rc_key;
mod registry;
pub mod roots;
pub mod schedule;
pub mod service;
mod store;
pub mod tuf;
mod validate;
pub mod verify;

pub use core::{Identity, RefreshError};
pub use error::Error;
pub use rc_key::{RcKey, RcKeyError};
pub use service::{RemoteConfigHandle, RemoteConfigService, ServiceConfig};
pub use store::StoreMode;
pub use validate::Invalid;
pub use verify::{Trusted, Update};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
