//! The C ABI: an agent that any language starts, waits for, flushes and stops.
//!
//! The header `include/datadog_agent_native.h` is generated from these files, and its comments are theirs.
//! An exported function checks its pointers, enters the guard, which turns errors into codes and keeps panics from the
//! host, and calls safe code. All unsafe code of the crate is here; nothing here knows what a pipeline does.
//! Nothing is taken from the host that it did not offer: no thread, no signal but while it waits, no logger, no
//! allocator, no panic hook.

#![allow(
    unsafe_code,
    reason = "a C ABI is made of pointers; each block says why it is sound"
)]

mod agent;
mod error;
mod firewall;
#[cfg(feature = "appsec")]
mod firewall_request;
#[cfg(not(feature = "appsec"))]
#[path = "ffi/no_firewall.rs"]
mod firewall_request;
mod guard;
mod guest;
#[cfg(feature = "ffi-test-hooks")]
mod hooks;
#[cfg(not(feature = "ffi-test-hooks"))]
#[path = "ffi/no_hooks.rs"]
mod hooks;
mod log;
mod options;
mod options_v2;
mod process;
mod result;
mod settings;
mod submit;
mod text;
mod threads;

pub use agent::{
    DatadogAgent, datadog_agent_flush, datadog_agent_request_shutdown, datadog_agent_start,
    datadog_agent_start_ptr, datadog_agent_stop, datadog_agent_wait_for_shutdown,
    datadog_agent_wait_for_shutdown_timeout,
};
pub use error::{DatadogError, datadog_agent_last_error};
pub use firewall::{
    DATADOG_APPSEC_OBEYED, DatadogAppSecAction, DatadogAppSecRequest, DatadogAppSecVerdict,
    datadog_agent_appsec_add, datadog_agent_appsec_add_body, datadog_agent_appsec_add_value,
    datadog_agent_appsec_free, datadog_agent_appsec_open, datadog_agent_appsec_tags,
    datadog_agent_appsec_verdict, datadog_agent_appsec_verdict_free,
};
#[cfg(feature = "ffi-test-hooks")]
#[doc(hidden)]
pub use hooks::datadog_agent_test_panic;
pub use log::DatadogLogCallback;
pub use options::DatadogAgentOptions;
pub use options_v2::{
    DatadogAgentOptionsV2, DatadogEnvVar, datadog_agent_options_init_v2, datadog_agent_start_v2,
};
pub use result::DatadogAgentStartResult;
pub use submit::{datadog_agent_submit_logs, datadog_agent_submit_traces};
pub use text::{datadog_agent_abi_version, datadog_agent_version, datadog_free_string};
