//! The threads of an agent: named, few, and deaf to signals, which are the host's.
//!
//! Signals that a thread causes by its own fault stay open, so that the host's crash handler sees them. `SIGPIPE` does
//! not: a host that has not ignored it would die of a client that hangs up while we answer.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};

use tokio::runtime::{self, Runtime};
use tracing::Dispatch;

/// Threads that carry tasks; a guest takes no more of a large host.
const MAX_WORKERS: usize = 2;

thread_local! {
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a thread of an agent, which must not wait for its own work.
pub(super) fn is_ours() -> bool {
    OURS.try_with(Cell::get).unwrap_or(false)
}

/// Starts the thread that owns an agent. Threads that it starts are deaf to signals as it is.
///
/// # Errors
/// Those of the system.
pub(super) fn spawn<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    // A new thread has the mask of the one that starts it, so that there is no moment in which it could be hit.
    let _deaf = Deaf::begin();
    Builder::new().name("dd-agent-0".to_owned()).spawn(|| {
        OURS.set(true);
        body()
    })
}

/// A runtime of one agent, whose threads log to `log`.
///
/// # Errors
/// Those of the system.
pub(super) fn runtime(log: Dispatch) -> io::Result<Runtime> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let count = Arc::new(AtomicUsize::new(1));
    runtime::Builder::new_multi_thread()
        .worker_threads(cpus.clamp(1, MAX_WORKERS))
        .thread_name_fn(move || format!("dd-agent-{}", count.fetch_add(1, Ordering::Relaxed)))
        .on_thread_start(move || {
            OURS.set(true);
            super::log::begin(&log);
        })
        .on_thread_stop(super::log::end)
        .enable_all()
        .build()
}

/// The calling thread, deaf to signals until this is dropped.
struct Deaf {
    before: libc::sigset_t,
}

impl Deaf {
    fn begin() -> Self {
        let faults = [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGABRT,
            libc::SIGSYS,
        ];
        // SAFETY: a set of signals is plain data that `sigfillset` and `pthread_sigmask` write whole; all pointers lead
        // to live locals, and the mask is that of this thread alone.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            for fault in faults {
                libc::sigdelset(&raw mut all, fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that this thread had.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        u64::from_str_radix(mask.unwrap().trim(), 16).unwrap()
    }

    fn has(mask: u64, signal: i32) -> bool {
        mask >> (signal - 1) & 1 == 1
    }

    #[test]
    fn threads_of_an_agent_are_deaf_to_all_signals_but_those_of_faults_and_the_host_is_not() {
        let before = blocked();
        let inside = || {
            let runtime = runtime(Dispatch::none()).unwrap();
            let (worker, blocking) = runtime.block_on(async {
                let worker = tokio::spawn(async { (blocked(), is_ours()) });
                let blocking = tokio::task::spawn_blocking(|| (blocked(), is_ours()));
                (worker.await.unwrap(), blocking.await.unwrap())
            });
            [(blocked(), is_ours()), worker, blocking]
        };
        for (mask, ours) in spawn(inside).unwrap().join().unwrap() {
            assert!(ours);
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGPIPE, libc::SIGUSR1] {
                assert!(has(mask, signal), "signal {signal} in {mask:x}");
            }
            for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT] {
                assert!(!has(mask, signal), "signal {signal} in {mask:x}");
            }
        }
        assert_eq!(blocked(), before);
        assert!(!is_ours());
    }
}
