//! The exported functions of the firewall: a request in, a verdict and the tags of its span out.
//!
//! They are in every library, so that there is one header; where the firewall is not built in, none can be opened.

use std::ffi::{c_char, c_int};
use std::mem::{offset_of, size_of};

use super::agent::{DatadogAgent, found};
use super::error::{DatadogError, Failure};
use super::firewall_request::{self as request, Side};
use super::guard::guard_code;
use super::text::{copied, given};

/// For `datadog_agent_appsec_open`: whoever opens the request answers it as its verdicts say.
pub const DATADOG_APPSEC_OBEYED: u32 = 1;

/// The most that is read at once; a request in all is given 8 MiB at most.
const MAX_BYTES: usize = 8 * 1_024 * 1_024;

/// A request that the firewall looks at. What is behind the pointer is ours alone.
#[derive(Debug)]
pub struct DatadogAppSecRequest {
    _ours: (),
}

/// What should become of a request.
#[repr(C)]
#[allow(non_camel_case_types, reason = "these are the names in C")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatadogAppSecAction {
    /// It goes on.
    DATADOG_APPSEC_ALLOW = 0,
    /// It is answered with a page.
    DATADOG_APPSEC_BLOCK = 1,
    /// It is sent elsewhere.
    DATADOG_APPSEC_REDIRECT = 2,
}

/// A verdict. `datadog_agent_appsec_verdict_free` frees its texts. This struct never changes.
#[repr(C)]
#[derive(Debug)]
pub struct DatadogAppSecVerdict {
    /// What should become of the request.
    pub action: DatadogAppSecAction,
    /// Status of HTTP to answer with; 0 when the request goes on.
    pub status: c_int,
    /// Status of gRPC to answer with; -1 when there is none.
    pub grpc_status: c_int,
    /// Type of the body, such as `text/html`; NULL when there is none. Static, so it must not be freed.
    pub content_type: *const c_char,
    /// Body to answer with, ended by a NUL; NULL when there is none.
    pub body: *mut c_char,
    /// Bytes of the body without its NUL.
    pub body_len: usize,
    /// Where a redirection leads; NULL when it is none.
    pub location: *mut c_char,
    /// What the page and the event both show; NULL when there is none.
    pub security_response_id: *mut c_char,
}

/// The layout that every binding has written down.
const _: () = {
    const P: usize = size_of::<*const c_char>();
    const I: usize = size_of::<c_int>();
    assert!(size_of::<DatadogAppSecAction>() == I);
    assert!(offset_of!(DatadogAppSecVerdict, action) == 0);
    assert!(offset_of!(DatadogAppSecVerdict, status) == I);
    assert!(offset_of!(DatadogAppSecVerdict, grpc_status) == 2 * I);
    assert!(P == 4 || offset_of!(DatadogAppSecVerdict, content_type) == 16);
    assert!(P == 4 || offset_of!(DatadogAppSecVerdict, body) == 24);
    assert!(P == 4 || offset_of!(DatadogAppSecVerdict, body_len) == 32);
    assert!(P == 4 || offset_of!(DatadogAppSecVerdict, location) == 40);
    assert!(P == 4 || offset_of!(DatadogAppSecVerdict, security_response_id) == 48);
    assert!(P == 4 || size_of::<DatadogAppSecVerdict>() == 56);
};

impl DatadogAppSecVerdict {
    /// The request goes on.
    pub(super) const ALLOW: Self = Self {
        action: DatadogAppSecAction::DATADOG_APPSEC_ALLOW,
        status: 0,
        grpc_status: -1,
        content_type: std::ptr::null(),
        body: std::ptr::null_mut(),
        body_len: 0,
        location: std::ptr::null_mut(),
        security_response_id: std::ptr::null_mut(),
    };
}

/// Opens a request, for an agent whose AppSec is on. `flags` is 0, and every verdict is to go on; or
/// `DATADOG_APPSEC_OBEYED`, for which the agent must have been started with `appsec_blocking`. `*request` is the request,
/// or NULL. End it with `datadog_agent_appsec_tags`, if there is a span for them, and free it with
/// `datadog_agent_appsec_free`; it outlives its agent. `DATADOG_NOT_AVAILABLE` while AppSec is off or cannot run, or where
/// this library was built without it: `datadog_agent_last_error` says which. `DATADOG_SUBMISSION_ERROR` when 16384
/// requests are open. May be called from any thread.
///
/// # Safety
/// `request` must be NULL or lead to a pointer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_open(
    agent: *mut DatadogAgent,
    flags: u32,
    request: *mut *mut DatadogAppSecRequest,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        // SAFETY: the caller promises that it may be written, if it is not NULL.
        unsafe { put(request, std::ptr::null_mut(), "request")? };
        if flags & !DATADOG_APPSEC_OBEYED != 0 {
            let problem = format!("flags={flags}: must be 0 or DATADOG_APPSEC_OBEYED");
            return Err(Failure::new(DatadogError::DATADOG_CONFIG_ERROR, problem));
        }
        let opened = request::open(&*found(agent)?, flags == DATADOG_APPSEC_OBEYED)?;
        // SAFETY: as above.
        unsafe { put(request, opened, "request") }
    })
}

/// Gives a request values by their addresses, as one JSON object: `{"server.request.method": "GET",
/// "server.request.uri.raw": "/a?x=1", "server.request.headers.no_cookies": {"host": "shop", "accept": ["a", "b"]},
/// "network.client.ip": "10.0.0.1"}`. All or none of it; copied, no NUL is needed. Parameters of the query, cookies and
/// the address of the client are told from these, unless they are given too. `http.route` and `network.client.ip` (who
/// connected) may stand among the addresses. What no rule looks at is taken and left alone; `null` is nothing. Nothing is
/// evaluated yet. `DATADOG_INVALID_DATA_FORMAT` when it is no such JSON, and the text says where, or which address there
/// is not; `DATADOG_SUBMISSION_ERROR` when the request is given more than 8 MiB in all; `DATADOG_NOT_AVAILABLE` after
/// `datadog_agent_appsec_tags`. May be called from any thread; calls about one request wait for each other.
///
/// # Safety
/// `json` must lead to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_add(
    request: *mut DatadogAppSecRequest,
    json: *const c_char,
    len: usize,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        // SAFETY: the caller promises the bytes.
        request::found(request)?.give(unsafe { bytes(json.cast(), len, "json")? })
    })
}

/// Gives a request one value by its address, as JSON: as `datadog_agent_appsec_add`.
///
/// # Safety
/// `address` must be NULL or end with a NUL, and `json` lead to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_add_value(
    request: *mut DatadogAppSecRequest,
    address: *const c_char,
    json: *const c_char,
    len: usize,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        let request = request::found(request)?;
        // SAFETY: the caller promises text and bytes.
        let (address, json) = unsafe {
            (
                copied(address, "address")?,
                bytes(json.cast(), len, "json")?,
            )
        };
        request.give_value(&address.ok_or_else(|| Failure::null("address"))?, json)
    })
}

/// Gives a request a body as it came: that of `server.request.body` or of `server.response.body`. With a
/// `content_type` it is of that, and has no content encoding; with NULL, the headers say what it is, which must have
/// been given before. JSON, forms, parts of forms, XML and text are looked at, up to 1 MiB; others are counted and left
/// alone, which is no failure. Else as `datadog_agent_appsec_add`.
///
/// # Safety
/// `address` and `content_type` must be NULL or end with a NUL, and `data` lead to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_add_body(
    request: *mut DatadogAppSecRequest,
    address: *const c_char,
    data: *const u8,
    len: usize,
    content_type: *const c_char,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        let request = request::found(request)?;
        // SAFETY: the caller promises texts and bytes.
        let (address, data, content_type) = unsafe {
            (
                copied(address, "address")?,
                bytes(data, len, "data")?,
                copied(content_type, "content_type")?,
            )
        };
        let side = match address.as_deref() {
            Some("server.request.body") => Side::Request,
            Some("server.response.body") => Side::Response,
            Some(other) => return Err(invalid(format!("{other:?} is no address of a body"))),
            None => return Err(Failure::null("address")),
        };
        request.give_body(side, data, content_type.as_deref())
    })
}

/// Evaluates what a request was given since the last time, within the time that `DD_APPSEC_WAF_TIMEOUT` leaves for one
/// request, and fills in the verdict, of which nothing has to be initialised. Ask as often as something new is known:
/// after the head, the body, the answer. A request that was not to go on is not evaluated any more, so that its answer
/// goes on. On failure the verdict is to go on. May be called from any thread; it takes time of the processor, and waits
/// for nothing.
///
/// # Safety
/// `verdict` must be NULL or lead to a verdict that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_verdict(
    request: *mut DatadogAppSecRequest,
    verdict: *mut DatadogAppSecVerdict,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        // SAFETY: the caller promises that it may be written, if it is not NULL.
        unsafe { put(verdict, DatadogAppSecVerdict::ALLOW, "verdict")? };
        let decided = request::found(request)?.decide()?;
        // SAFETY: as above.
        unsafe { put(verdict, decided, "verdict") }
    })
}

/// Frees the texts of a verdict, which then is to go on. NULL is fine.
///
/// # Safety
/// `verdict` must be NULL or one that `datadog_agent_appsec_verdict` filled in, whose texts are as they were.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_verdict_free(verdict: *mut DatadogAppSecVerdict) {
    if verdict.is_null() {
        return;
    }
    // SAFETY: the caller promises a verdict, whose texts were given out by us and are given back once: what is left has
    // none.
    unsafe {
        let old = verdict.replace(DatadogAppSecVerdict::ALLOW);
        for text in [old.body, old.location, old.security_response_id] {
            super::text::datadog_free_string(text);
        }
    }
}

/// Ends a request, and gives what its service's entry span is to carry, as JSON:
/// `{"meta": {…}, "metrics": {…}, "priority": 2}`; `priority` is that of the whole chunk, or `null` if it keeps what it
/// has. `span` says what the span carries already, as `{"meta": {…}, "priority": 1}`, for `span_len` bytes: then texts
/// that it has are not told again, but where there is more to say. NULL is a span that says nothing. `*tags` belongs to
/// the caller, who frees it with `datadog_free_string`; NULL on failure. The request is freed all the same by
/// `datadog_agent_appsec_free` alone; what else is asked of it is `DATADOG_NOT_AVAILABLE`. May be called from any thread.
///
/// # Safety
/// `span` must be NULL or lead to `span_len` bytes, and `tags` be NULL or lead to a pointer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_appsec_tags(
    request: *mut DatadogAppSecRequest,
    span: *const c_char,
    span_len: usize,
    tags: *mut *mut c_char,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        // SAFETY: the caller promises that it may be written, if it is not NULL.
        unsafe { put(tags, std::ptr::null_mut(), "tags")? };
        let request = request::found(request)?;
        let span = match span.is_null() {
            true => None,
            // SAFETY: the caller promises the bytes.
            false => Some(unsafe { bytes(span.cast(), span_len, "span")? }),
        };
        let text = given(Some(request.finish(span)?));
        // SAFETY: as above.
        unsafe { put(tags, text, "tags") }
    })
}

/// Frees a request, wherever it stands. The pointer is dead afterwards; a second call with it is
/// `DATADOG_NULL_POINTER`. NULL is fine, and so is a forked child, where nothing is done.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_appsec_free(request: *mut DatadogAppSecRequest) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        match request.is_null() {
            true => Ok(()),
            false => request::free(request),
        }
    })
}

/// Something that cannot be read.
pub(super) fn invalid(problem: String) -> Failure {
    Failure::new(DatadogError::DATADOG_INVALID_DATA_FORMAT, problem)
}

/// Writes what is given out, `name` being that of the parameter.
///
/// # Safety
/// `place` must be NULL or may be written.
unsafe fn put<T>(place: *mut T, value: T, name: &str) -> Result<(), Failure> {
    if place.is_null() {
        return Err(Failure::null(name));
    }
    // SAFETY: it is not NULL, and the caller promises that it may be written.
    unsafe { place.write(value) };
    Ok(())
}

/// What the host hands over, as long as the call lasts.
///
/// # Safety
/// `data` must be NULL or lead to `len` bytes, which nobody changes meanwhile.
unsafe fn bytes<'a>(data: *const u8, len: usize, name: &str) -> Result<&'a [u8], Failure> {
    match data.is_null() {
        true if len == 0 => return Ok(&[]),
        true => return Err(Failure::null(name)),
        false => {}
    }
    if len > MAX_BYTES {
        let problem = format!("{name}: {len} bytes at once are more than {MAX_BYTES}");
        return Err(invalid(problem));
    }
    // SAFETY: it is not NULL, and the caller promises its length.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;

    use super::super::agent::datadog_agent_stop;
    use super::super::error::datadog_agent_last_error;
    use super::super::options_v2::{
        DatadogAgentOptionsV2, DatadogEnvVar, datadog_agent_options_init_v2, datadog_agent_start_v2,
    };
    use super::*;

    /// What opening says of an agent with these variables.
    fn refusal(variables: &[(&CStr, &CStr)], flags: u32) -> (DatadogError, String) {
        let variables: Vec<DatadogEnvVar> = variables
            .iter()
            .map(|(name, value)| DatadogEnvVar {
                name: name.as_ptr(),
                value: value.as_ptr(),
            })
            .collect();
        let mut options = MaybeUninit::uninit();
        let mut request = std::ptr::dangling_mut();
        let mut text = [0_u8; 1_024];
        // SAFETY: the options have their size and are whole once they are initialised, texts are literals, and
        // everything else may be written.
        let code = unsafe {
            datadog_agent_options_init_v2(options.as_mut_ptr(), size_of::<DatadogAgentOptionsV2>());
            let mut options: DatadogAgentOptionsV2 = options.assume_init();
            options.api_key = c"0123456789abcdef0123456789abcdef".as_ptr();
            options.operational_mode = 1;
            (options.extra_env, options.extra_env_len) = (variables.as_ptr(), variables.len());
            let started = datadog_agent_start_v2(&raw const options);
            assert_eq!(started.error, DatadogError::DATADOG_OK);
            let code = datadog_agent_appsec_open(started.agent, flags, &raw mut request);
            datadog_agent_last_error(text.as_mut_ptr().cast(), text.len());
            assert_eq!(datadog_agent_stop(started.agent), DatadogError::DATADOG_OK);
            code
        };
        assert!(request.is_null());
        let text = CStr::from_bytes_until_nul(&text).unwrap();
        (code, text.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_request_needs_a_firewall_and_the_text_says_what_is_missing() {
        let off = (c"DD_APPSEC_ENABLED", c"false");
        let (code, text) = refusal(&[off], 0);
        assert_eq!(code, DatadogError::DATADOG_NOT_AVAILABLE);
        let wanted = match cfg!(feature = "appsec") {
            true => "AppSec is off: DD_APPSEC_ENABLED turns it on",
            false => "this library was built without AppSec",
        };
        assert_eq!(text, wanted);
        let nowhere = (c"DD_APPSEC_LIBDDWAF_PATH", c"/nowhere/libddwaf.so");
        let (code, text) = refusal(&[(c"DD_APPSEC_ENABLED", c"true"), nowhere], 0);
        assert_eq!(code, DatadogError::DATADOG_NOT_AVAILABLE);
        let wanted = match cfg!(feature = "appsec") {
            true => "AppSec cannot run: libddwaf was not found (tried: /nowhere/libddwaf.so",
            false => wanted,
        };
        assert!(text.starts_with(wanted), "{text}");
        let (code, text) = refusal(&[off], 2);
        assert_eq!(code, DatadogError::DATADOG_CONFIG_ERROR);
        assert_eq!(text, "flags=2: must be 0 or DATADOG_APPSEC_OBEYED");
    }
}
