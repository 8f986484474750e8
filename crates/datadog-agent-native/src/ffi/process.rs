//! The agents of this process, by handles that are never given out twice.
//!
//! A handle is a number in the shape of a pointer that nobody follows: one that is stale, or was never ours, finds
//! nothing. What a process inherits by `fork` is never touched, not even a lock, which another thread may have held.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::agent::DatadogAgent;
use super::guest::Guest;

/// The agents that were started by the process that this is, or by the one from which it was forked.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// The next handle; counts on through forks.
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// The agents of one process.
struct Process {
    id: u32,
    /// Handles below this one are of a process from which this one was forked.
    first: usize,
    agents: Mutex<BTreeMap<usize, Arc<Guest>>>,
}

/// What a handle leads to.
pub(super) enum Found {
    /// An agent of this process.
    Agent(Arc<Guest>),
    /// One that the process from which this one was forked had started.
    OfParent,
    /// Nothing.
    Nothing,
}

/// Keeps an agent; returns its handle.
pub(super) fn keep(guest: Guest) -> *mut DatadogAgent {
    let process = own();
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut agents = process
        .agents
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    agents.insert(handle, Arc::new(guest));
    to_pointer(handle)
}

/// Looks a handle up.
pub(super) fn find(agent: *mut DatadogAgent) -> Found {
    look(agent, |agents, handle| agents.get(&handle).cloned())
}

/// Looks a handle up for the last time.
pub(super) fn take(agent: *mut DatadogAgent) -> Found {
    look(agent, |agents, handle| agents.remove(&handle))
}

fn look(
    agent: *mut DatadogAgent,
    find: impl FnOnce(&mut BTreeMap<usize, Arc<Guest>>, usize) -> Option<Arc<Guest>>,
) -> Found {
    let (Some(handle), Some(process)) = (to_handle(agent), current()) else {
        return Found::Nothing;
    };
    if handle >= NEXT.load(Ordering::Relaxed) {
        return Found::Nothing;
    }
    if process.id != std::process::id() || handle < process.first {
        return Found::OfParent;
    }
    let mut agents = process
        .agents
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    find(&mut agents, handle).map_or(Found::Nothing, Found::Agent)
}

/// Odd, so that it is like no pointer to anything that a host has.
fn to_pointer(handle: usize) -> *mut DatadogAgent {
    std::ptr::without_provenance_mut(handle << 1 | 1)
}

fn to_handle(agent: *mut DatadogAgent) -> Option<usize> {
    let number = agent.addr();
    (number & 1 == 1 && number > 1).then_some(number >> 1)
}

fn current() -> Option<&'static Process> {
    // SAFETY: what `CURRENT` leads to was leaked, so that it lives as long as the process.
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}

/// What this process keeps; made anew after a fork, leaving what was inherited as it is.
fn own() -> &'static Process {
    loop {
        let seen = current();
        if let Some(process) = seen
            && process.id == std::process::id()
        {
            return process;
        }
        let new = Box::into_raw(Box::new(Process {
            id: std::process::id(),
            first: NEXT.load(Ordering::Relaxed),
            agents: Mutex::default(),
        }));
        let seen = seen.map_or(std::ptr::null_mut(), |seen| {
            std::ptr::from_ref(seen).cast_mut()
        });
        let swapped = CURRENT.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire);
        if swapped.is_err() {
            // SAFETY: another thread was first, so that nobody else has seen ours.
            drop(unsafe { Box::from_raw(new) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_given_out_leads_to_nothing() {
        let on_the_stack = 7_u64;
        let aligned = std::ptr::from_ref(&on_the_stack).cast_mut().cast();
        for pointer in [
            std::ptr::null_mut(),
            aligned,
            to_pointer(usize::MAX >> 1),
            to_pointer(0),
        ] {
            assert!(matches!(find(pointer), Found::Nothing));
        }
    }

    #[test]
    fn handle_and_pointer_are_one() {
        for handle in [1, 2, usize::MAX >> 1] {
            assert_eq!(to_handle(to_pointer(handle)), Some(handle));
        }
    }
}
