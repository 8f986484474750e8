//! What a start gives back to C.

use std::ffi::{c_char, c_int};
use std::mem::{offset_of, size_of};

use super::agent::DatadogAgent;
use super::error::DatadogError;
use super::guest::Started;
use super::text::{VERSION, given};

/// What a start gave. This struct never changes.
#[repr(C)]
#[derive(Debug)]
pub struct DatadogAgentStartResult {
    /// The agent; `datadog_agent_stop` ends and frees it. NULL on error.
    pub agent: *mut DatadogAgent,
    /// `DATADOG_OK`, or why there is no agent; `datadog_agent_last_error` has the text.
    pub error: DatadogError,
    /// The version of this library. Never NULL; static, so it must not be freed.
    pub version: *const c_char,
    /// The TCP port on which traces are taken; -1 when there is none.
    pub bound_port: c_int,
    /// The UDP port on which DogStatsD listens; -1 when there is none.
    pub dogstatsd_port: c_int,
    /// The path of the Unix socket on which traces are taken; NULL unless it was asked for. It belongs to the caller,
    /// who frees it with `datadog_free_string`.
    pub uds_path: *mut c_char,
}

/// The layout that every binding has written down.
const _: () = {
    const P: usize = size_of::<*const c_char>();
    const I: usize = size_of::<c_int>();
    assert!(offset_of!(DatadogAgentStartResult, agent) == 0);
    assert!(offset_of!(DatadogAgentStartResult, error) == P);
    assert!(size_of::<DatadogError>() == I);
    assert!(offset_of!(DatadogAgentStartResult, version) == 2 * P);
    assert!(offset_of!(DatadogAgentStartResult, bound_port) == 3 * P);
    assert!(offset_of!(DatadogAgentStartResult, dogstatsd_port) == 3 * P + I);
    assert!(offset_of!(DatadogAgentStartResult, uds_path) == 3 * P + 2 * I);
    assert!(size_of::<DatadogAgentStartResult>() == 4 * P + 2 * I);
    assert!(P == 4 || size_of::<DatadogAgentStartResult>() == 40);
};

impl DatadogAgentStartResult {
    pub(super) fn of(result: Result<(*mut DatadogAgent, Started), DatadogError>) -> Self {
        let none = Self {
            agent: std::ptr::null_mut(),
            error: DatadogError::DATADOG_OK,
            version: VERSION.as_ptr(),
            bound_port: -1,
            dogstatsd_port: -1,
            uds_path: std::ptr::null_mut(),
        };
        match result {
            Ok((agent, started)) => Self {
                agent,
                bound_port: port(started.bound_port),
                dogstatsd_port: port(started.dogstatsd_port),
                uds_path: given(started.uds_path),
                ..none
            },
            Err(error) => Self { error, ..none },
        }
    }
}

fn port(port: Option<u16>) -> c_int {
    port.map_or(-1, c_int::from)
}
