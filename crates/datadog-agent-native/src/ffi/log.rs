//! Where an agent's own log lines go: to the callback of its host, else to standard error.
//!
//! The logger belongs to the agent's threads and to nobody else's. The process keeps its own, if it has one, and every
//! agent has its own level. No lock of the standard library is taken on the way out: a child may have inherited it
//! locked.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fs::File;
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::dispatcher::{self, DefaultGuard};
use tracing::{Dispatch, Level};

use crate::config::Config;
use crate::logger::{self, Sink};

/// Takes one line of the log, without a line feed: its level (1 error, 2 warn, 3 info, 4 debug, 5 trace), its text in
/// UTF-8 that is dead once this returns, and `log_userdata`.
pub type DatadogLogCallback =
    Option<unsafe extern "C" fn(level: c_int, line: *const c_char, userdata: *mut c_void)>;

/// The callback of a host, with what it wants to be given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callback {
    call: unsafe extern "C" fn(level: c_int, line: *const c_char, userdata: *mut c_void),
    userdata: *mut c_void,
}

// SAFETY: the host promises that both may be used on threads of the agent, one at a time.
unsafe impl Send for Callback {}

impl Callback {
    pub(super) fn new(call: DatadogLogCallback, userdata: *mut c_void) -> Option<Self> {
        call.map(|call| Self { call, userdata })
    }
}

impl Callback {
    fn call(self, level: Level, line: &str) {
        let level = match level {
            Level::ERROR => 1,
            Level::WARN => 2,
            Level::INFO => 3,
            Level::DEBUG => 4,
            Level::TRACE => 5,
        };
        // The logger escapes what could not stand in a text of C.
        if let Ok(line) = CString::new(line.trim_end_matches('\n')) {
            // SAFETY: the text lives until the call returns, and the host promises that the callback may be called
            // until the stop returns, after which no thread of the agent is left.
            unsafe { (self.call)(level, line.as_ptr(), self.userdata) };
        }
    }
}

/// A callback for as long as its host wants lines.
struct Gated(Arc<Mutex<Option<Callback>>>);

impl Sink for Gated {
    fn line(&mut self, level: Level, line: &str) {
        let gate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(callback) = *gate {
            callback.call(level, line);
        }
    }
}

/// Standard error, whoever else writes to it.
struct StandardError;

impl Sink for StandardError {
    fn line(&mut self, _level: Level, line: &str) {
        // SAFETY: the descriptor is only borrowed: the file is never dropped, and so never closed.
        let mut file = ManuallyDrop::new(unsafe { File::from_raw_fd(libc::STDERR_FILENO) });
        // Where it is closed there is nobody left to tell.
        file.write_all(line.as_bytes()).ok();
    }
}

/// The logger of one agent. When this is dropped, the callback is called no more, whichever thread still runs.
pub(super) struct Log {
    dispatch: Dispatch,
    gate: Arc<Mutex<Option<Callback>>>,
}

impl Log {
    pub(super) fn new(config: &Config, callback: Option<Callback>) -> Self {
        let config = logger::config_of(config);
        let gate = Arc::new(Mutex::new(callback));
        let dispatch = match callback {
            Some(_) => Dispatch::new(logger::subscriber_to(config, Gated(Arc::clone(&gate)))),
            None => Dispatch::new(logger::subscriber_to(config, StandardError)),
        };
        Self { dispatch, gate }
    }

    /// What threads are given.
    pub(super) const fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Waits for a call that is under way.
        self.gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

thread_local! {
    static OF_THREAD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Makes this thread log to `log` from now on.
pub(super) fn begin(log: &Dispatch) {
    OF_THREAD.set(Some(dispatcher::set_default(log)));
}

/// Ends that.
pub(super) fn end() {
    OF_THREAD.take();
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    unsafe extern "C" fn note(level: c_int, line: *const c_char, userdata: *mut c_void) {
        // SAFETY: the test gives a vector that outlives the logger, and the logger a text that ends with a NUL.
        let (lines, line) = unsafe { (&mut *userdata.cast::<Vec<String>>(), CStr::from_ptr(line)) };
        lines.push(format!("{level} {}", line.to_str().unwrap()));
    }

    #[test]
    fn a_callback_gets_each_line_of_its_thread_with_its_level() {
        let config = Config::from_env_iter([("DD_LOG_LEVEL", "warn")]);
        let mut lines: Vec<String> = Vec::new();
        let callback = Callback::new(Some(note), (&raw mut lines).cast());
        let log = Log::new(&config, callback);
        let writes = std::thread::spawn(move || {
            begin(log.dispatch());
            tracing::info!("not shown");
            tracing::warn!("a\nb\0c");
            tracing::error!("two");
            drop(log);
            tracing::error!("too late");
            end();
            tracing::error!("of nobody");
        });
        writes.join().unwrap();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| {
                let (level, rest) = line.split_once(' ').unwrap();
                let (_time, rest) = rest.split_once(" | ").unwrap();
                format!("{level} {rest}")
            })
            .collect();
        let target = module_path!();
        assert_eq!(
            lines,
            [
                format!("2 DATADOG | WARN | {target} | a\\nb\\u{{0}}c"),
                format!("1 DATADOG | ERROR | {target} | two"),
            ]
        );
    }
}
