//! What can go wrong, as C sees it: a code, and a text that the thread keeps until its next failure.

use std::cell::RefCell;
use std::ffi::c_char;

use crate::agent::{AgentError, SubmitError};

/// What became of a call.
#[repr(C)]
#[allow(non_camel_case_types, reason = "these are the names in C")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatadogError {
    /// All went well.
    DATADOG_OK = 0,
    /// A pointer was NULL, or led to an agent that was stopped already.
    DATADOG_NULL_POINTER = 1,
    /// A text was not UTF-8, or longer than 64 KiB.
    DATADOG_INVALID_STRING = 2,
    /// The configuration cannot be used.
    DATADOG_CONFIG_ERROR = 3,
    /// Something that is needed before any listener could not be made.
    DATADOG_INIT_ERROR = 4,
    /// A listener or pipeline could not be started.
    DATADOG_STARTUP_ERROR = 5,
    /// The agent stopped, but not everything was delivered in time.
    DATADOG_SHUTDOWN_ERROR = 6,
    /// The operating system refused something, or a blocking function was called on a thread of the agent.
    DATADOG_RUNTIME_ERROR = 7,
    /// What was submitted or given cannot be read.
    DATADOG_INVALID_DATA_FORMAT = 8,
    /// Something could not be sent in time, or a buffer is full.
    DATADOG_SUBMISSION_ERROR = 9,
    /// What was asked for is off, not built in or over, or the agent or the request belongs to the process from which this one was forked.
    DATADOG_NOT_AVAILABLE = 10,
    /// None of the above.
    DATADOG_UNKNOWN_ERROR = 99,
}

/// A code with its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: DatadogError,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(code: DatadogError, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// A setting that cannot be used.
    pub(super) fn config(problem: &str) -> Self {
        AgentError::ConfigError(format!("{problem}; agent not started")).into()
    }

    /// A pointer to nothing; `what` names the parameter.
    pub(super) fn null(what: &str) -> Self {
        Self::new(
            DatadogError::DATADOG_NULL_POINTER,
            format!("{what} is NULL"),
        )
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let code = match &error {
            AgentError::ConfigError(_) | AgentError::RemoteConfigError(_) => {
                DatadogError::DATADOG_CONFIG_ERROR
            }
            AgentError::InitError(_) => DatadogError::DATADOG_INIT_ERROR,
            AgentError::StartupError(_) => DatadogError::DATADOG_STARTUP_ERROR,
            AgentError::ShutdownError(_) => DatadogError::DATADOG_SHUTDOWN_ERROR,
            AgentError::IoError(_) => DatadogError::DATADOG_RUNTIME_ERROR,
        };
        Self::new(code, error.to_string())
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        let code = match &error {
            SubmitError::Invalid(_) => DatadogError::DATADOG_INVALID_DATA_FORMAT,
            SubmitError::Full(_) => DatadogError::DATADOG_SUBMISSION_ERROR,
            SubmitError::Off(_) => DatadogError::DATADOG_NOT_AVAILABLE,
        };
        Self::new(code, error.to_string())
    }
}

thread_local! {
    /// The text of this thread's last failure.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the text of a failure for this thread, and gives its code.
pub(super) fn remember(failure: Failure) -> DatadogError {
    let Failure { code, text } = failure;
    // A thread that is about to end keeps nothing.
    LAST.try_with(|last| *last.borrow_mut() = text).ok();
    code
}

/// Copies the text of the last failure on this thread into `buf`, which holds `len` bytes: as much as fits, in whole
/// characters, always ended by a NUL when `len > 0`. Returns the bytes of the whole text without its NUL; 0 when
/// nothing has failed on this thread. `buf` may be NULL when `len` is 0.
///
/// # Safety
/// `buf` must be NULL or lead to `len` bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_last_error(buf: *mut c_char, len: usize) -> usize {
    let text = LAST
        .try_with(|last| last.borrow().clone())
        .unwrap_or_default();
    if !buf.is_null() && len > 0 {
        let kept = text.floor_char_boundary(len - 1);
        // SAFETY: the caller gives `len` bytes; `kept` is below `len` and within the text, which is a copy of ours.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), buf.cast::<u8>(), kept);
            *buf.add(kept) = 0;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(len: usize) -> (usize, Vec<u8>) {
        let mut buffer = vec![0xAA_u8; len];
        // SAFETY: the buffer has as many bytes as are said.
        let needed = unsafe { datadog_agent_last_error(buffer.as_mut_ptr().cast(), len) };
        (needed, buffer)
    }

    #[test]
    fn text_of_the_last_failure_is_cut_between_characters_and_always_ended() {
        let failure = Failure::new(DatadogError::DATADOG_CONFIG_ERROR, "né");
        assert_eq!(remember(failure), DatadogError::DATADOG_CONFIG_ERROR);
        assert_eq!(last(0), (3, vec![]));
        assert_eq!(last(1), (3, vec![0]));
        assert_eq!(last(3), (3, vec![b'n', 0, 0xAA]));
        assert_eq!(last(4), (3, "né\0".as_bytes().to_vec()));
        assert_eq!(last(5), (3, [&b"n\xC3\xA9\0"[..], &[0xAA]].concat()));
    }

    #[test]
    fn another_thread_has_no_failure_of_this_one() {
        remember(Failure::new(DatadogError::DATADOG_CONFIG_ERROR, "ours"));
        let other = std::thread::spawn(|| last(0).0).join().unwrap();
        assert_eq!((other, last(0).0), (0, 4));
    }

    #[test]
    fn every_error_of_the_agent_has_its_code() {
        let text = || "x".to_owned();
        for (error, code, shown) in [
            (AgentError::ConfigError(text()), 3, "Configuration error: x"),
            (AgentError::InitError(text()), 4, "Initialization error: x"),
            (AgentError::StartupError(text()), 5, "Startup error: x"),
            (AgentError::ShutdownError(text()), 6, "Shutdown error: x"),
            (
                AgentError::RemoteConfigError(text()),
                3,
                "Remote Config error: x",
            ),
            (
                AgentError::IoError(std::io::Error::other("x")),
                7,
                "I/O error: x",
            ),
        ] {
            let failure = Failure::from(error);
            assert_eq!((failure.code as i32, failure.text.as_str()), (code, shown));
        }
    }
}
