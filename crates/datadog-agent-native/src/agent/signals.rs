//! SIGINT and SIGTERM, taken from the host only while somebody waits for them; SIGHUP is ignored meanwhile.
//!
//! The operating system knows one handler a signal and process, so this is process-wide by nature. When nobody
//! waits, a signal does what it did before: the host's own handler runs (it is chained), or, if there was none,
//! the default action ends the process. The first signal of a wait is consumed, the second is not.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};
use signal_hook::{SigId, flag};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::ShutdownReason;

/// The signals that were ever listened to; made on first use, kept for good.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// What is kept of one signal.
struct Known {
    signal: i32,
    /// Whether its default action is due because nobody waits.
    default_due: Arc<AtomicBool>,
    waiting: usize,
}

/// SIGINT and SIGTERM, taken from the process until this is dropped.
#[derive(Debug)]
pub struct Signals {
    interrupt: Line,
    terminate: Line,
    /// A terminal that goes away is no reason to stop.
    _hangup: Hold,
}

impl Signals {
    /// Takes them, now: a signal that comes before [`Signals::next`] is called is not missed.
    ///
    /// # Errors
    /// When the system refuses a handler or a socket pair.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: Line::open(SIGINT)?,
            terminate: Line::open(SIGTERM)?,
            _hangup: Hold::begin(SIGHUP)?.0,
        })
    }

    /// Waits for the first of them, and gives both back: a second one does what it did before, which is to end the
    /// process unless the host has a handler of its own.
    ///
    /// # Errors
    /// Those of reading from a socket pair.
    pub async fn next(mut self) -> io::Result<ShutdownReason> {
        tokio::select! {
            read = self.interrupt.read() => read.map(|()| ShutdownReason::UserInterrupt),
            read = self.terminate.read() => read.map(|()| ShutdownReason::GracefulShutdown),
        }
    }
}

/// One signal, as bytes in a socket; given back on drop.
#[derive(Debug)]
struct Line {
    stream: UnixStream,
    ids: Vec<SigId>,
    _hold: Hold,
}

impl Line {
    fn open(signal: i32) -> io::Result<Self> {
        let (reader, writer) = StdUnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let stream = UnixStream::from_std(reader)?;
        let (hold, default_due) = Hold::begin(signal)?;
        let mut line = Self {
            stream,
            ids: Vec::new(),
            _hold: hold,
        };
        line.ids.push(pipe::register(signal, writer)?);
        // Set by the handler itself, so that a second signal ends the process however late this task wakes up.
        line.ids.push(flag::register(signal, default_due)?);
        Ok(line)
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut byte = [0_u8; 1];
        self.stream.read_exact(&mut byte).await.map(drop)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}

/// Holds back the default action of a signal; with the last of them, it is due again.
#[derive(Debug)]
struct Hold {
    signal: i32,
}

impl Hold {
    /// Returns also the flag that makes the signal do its default action. The handler that looks at it is registered
    /// before any other of ours, so that the flag which the first signal sets is only seen by the second.
    fn begin(signal: i32) -> io::Result<(Self, Arc<AtomicBool>)> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = known.iter_mut().find(|held| held.signal == signal) {
            held.waiting += 1;
            held.default_due.store(false, Ordering::SeqCst);
            return Ok((Self { signal }, Arc::clone(&held.default_due)));
        }
        let default_due = Arc::new(AtomicBool::new(false));
        if !host_handles(signal) {
            flag::register_conditional_default(signal, Arc::clone(&default_due))?;
        }
        known.push(Known {
            signal,
            default_due: Arc::clone(&default_due),
            waiting: 1,
        });
        Ok((Self { signal }, default_due))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = known.iter_mut().find(|held| held.signal == self.signal) {
            held.waiting = held.waiting.saturating_sub(1);
            if held.waiting == 0 {
                held.default_due.store(true, Ordering::SeqCst);
            }
        }
    }
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
}
