//! The exported functions that hand traces and logs to a running agent without a socket.

use std::ffi::c_char;

use bytes::Bytes;

use super::agent::{DatadogAgent, found};
use super::error::{DatadogError, Failure};
use super::guard::guard_code;

/// The most that is copied before the agent's own limits are asked.
const MAX_BYTES: usize = 64 * 1_024 * 1_024;

/// Hands traces over, as a tracer would post them to `/v0.4/traces`: an array of traces, each an array of spans, in
/// msgpack or JSON; or the map of `/v0.7/traces`. All or none; copied. `DATADOG_INVALID_DATA_FORMAT` when they cannot
/// be read, `DATADOG_SUBMISSION_ERROR` when there is no room for them now, `DATADOG_NOT_AVAILABLE` when traces are off.
/// May be called from any thread.
///
/// # Safety
/// `data` must lead to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_submit_traces(
    agent: *mut DatadogAgent,
    data: *const u8,
    len: usize,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        // SAFETY: the caller promises the bytes.
        found(agent)?.submit_traces(unsafe { taken(data, len)? })
    })
}

/// Hands logs over as JSON, as they are posted to `/v1/input`: an array of objects and strings, one object, or objects
/// on lines of their own. All or none; copied, no NUL is needed. `DATADOG_INVALID_DATA_FORMAT` when they cannot be
/// read, `DATADOG_SUBMISSION_ERROR` when there is no room for them now, `DATADOG_NOT_AVAILABLE` when logs are off. May
/// be called from any thread.
///
/// # Safety
/// `json` must lead to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_submit_logs(
    agent: *mut DatadogAgent,
    json: *const c_char,
    len: usize,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        // SAFETY: the caller promises the bytes.
        found(agent)?.submit_logs(unsafe { taken(json.cast(), len)? })
    })
}

/// Copies what the host hands over.
///
/// # Safety
/// `data` must be NULL or lead to `len` bytes.
unsafe fn taken(data: *const u8, len: usize) -> Result<Bytes, Failure> {
    if data.is_null() {
        return Err(Failure::null("data"));
    }
    if len > MAX_BYTES {
        return Err(Failure::new(
            DatadogError::DATADOG_INVALID_DATA_FORMAT,
            format!("{len} bytes at once are more than {MAX_BYTES}"),
        ));
    }
    // SAFETY: it is not NULL, and the caller promises its length.
    Ok(Bytes::copy_from_slice(unsafe {
        std::slice::from_raw_parts(data, len)
    }))
}
