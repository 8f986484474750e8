//! SIGINT and SIGTERM, taken from the host only while somebody waits for them.
//!
//! The operating system knows one handler a signal and process, so this is process-wide by nature. When nobody
//! waits, a signal does what it did before: the host's own handler runs (it is chained), or, if there was none,
//! the default action ends the process. The first signal of a wait is consumed, the second is not.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};
use signal_hook::{SigId, flag};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::ShutdownReason;

/// Per signal: whether its default action is due because nobody waits. Made on first use, kept for good.
static DEFAULT_DUE: Mutex<Vec<(i32, Arc<AtomicBool>)>> = Mutex::new(Vec::new());

/// Waits for SIGINT or SIGTERM.
///
/// # Errors
/// When the system refuses a handler or a socket pair.
pub(super) async fn wait() -> io::Result<ShutdownReason> {
    let (mut interrupt, _interrupt_guard) = listen(SIGINT)?;
    let (mut terminate, _terminate_guard) = listen(SIGTERM)?;
    let (mut one, mut other) = ([0_u8; 1], [0_u8; 1]);
    tokio::select! {
        read = interrupt.read(&mut one) => read.map(|_| ShutdownReason::UserInterrupt),
        read = terminate.read(&mut other) => read.map(|_| ShutdownReason::GracefulShutdown),
    }
}

/// Takes the handlers back when the wait ends.
struct Guard {
    ids: Vec<SigId>,
    default_due: Arc<AtomicBool>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.default_due.store(true, Ordering::SeqCst);
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}

fn listen(signal: i32) -> io::Result<(UnixStream, Guard)> {
    let default_due = arm_default(signal)?;
    let (reader, writer) = StdUnixStream::pair()?;
    reader.set_nonblocking(true)?;
    default_due.store(false, Ordering::SeqCst);
    let mut guard = Guard {
        ids: Vec::new(),
        default_due: Arc::clone(&default_due),
    };
    guard.ids.push(pipe::register(signal, writer)?);
    // Set by the handler itself, so that a second signal ends the process however late this task wakes up.
    guard.ids.push(flag::register(signal, default_due)?);
    Ok((UnixStream::from_std(reader)?, guard))
}

/// The flag that makes a signal do its default action; registered before any other handler of ours, so that the
/// flag which the first signal sets is only seen by the second.
fn arm_default(signal: i32) -> io::Result<Arc<AtomicBool>> {
    let mut known = DEFAULT_DUE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, flag)) = known.iter().find(|(number, _)| *number == signal) {
        return Ok(Arc::clone(flag));
    }
    let due = Arc::new(AtomicBool::new(false));
    if !host_handles(signal) {
        flag::register_conditional_default(signal, Arc::clone(&due))?;
    }
    known.push((signal, Arc::clone(&due)));
    Ok(due)
}

/// Whether the host process catches or ignores the signal by itself, from the masks that Linux shows; elsewhere the
/// default action is assumed.
fn host_handles(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ["SigCgt:", "SigIgn:"]
        .iter()
        .any(|mask| mask_has(&status, mask, signal))
}

fn mask_has(status: &str, mask: &str, signal: i32) -> bool {
    let bits = status.lines().find_map(|line| line.strip_prefix(mask));
    let bits = bits
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or(0);
    u32::try_from(signal - 1)
        .ok()
        .and_then(|shift| bits.checked_shr(shift))
        .is_some_and(|rest| rest & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_found_in_the_mask_of_those_that_are_caught() {
        let status = "Name:\tx\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000004002\n";
        assert!(mask_has(status, "SigCgt:", SIGINT));
        assert!(mask_has(status, "SigCgt:", SIGTERM));
        assert!(!mask_has(status, "SigIgn:", SIGTERM));
        assert!(!mask_has("", "SigCgt:", SIGINT));
    }

    #[tokio::test]
    async fn a_signal_ends_the_wait_with_its_reason() {
        let wait = tokio::spawn(wait());
        // The handlers stand once both signals are known here.
        while DEFAULT_DUE.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        signal_hook::low_level::raise(SIGTERM).unwrap();
        assert_eq!(
            wait.await.unwrap().unwrap(),
            ShutdownReason::GracefulShutdown
        );
    }
}
