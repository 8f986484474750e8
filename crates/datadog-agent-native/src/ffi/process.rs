//! What this process was given handles to, which are never given out twice: agents, and requests of the firewall.
//!
//! A handle is a number in the shape of a pointer that nobody follows: one that is stale, or was never ours, finds
//! nothing. What a process inherits by `fork` is never touched, not even a lock, which another thread may have held.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::agent::DatadogAgent;
#[cfg(feature = "appsec")]
use super::firewall::DatadogAppSecRequest;
#[cfg(feature = "appsec")]
use super::firewall_request::Request;
use super::guest::Guest;

/// What was begun by the process that this is, or by the one from which it was forked.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// The next handle; counts on through forks.
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// What one process has.
pub(super) struct Process {
    id: u32,
    /// Handles below this one are of a process from which this one was forked.
    first: usize,
    agents: Shelf<Guest>,
    #[cfg(feature = "appsec")]
    requests: Shelf<Request>,
}

/// Things of one kind by their handles.
type Shelf<T> = Mutex<BTreeMap<usize, Arc<T>>>;

/// Something that hosts have a handle to. No two kinds share a handle.
pub(super) trait Kept: Sized {
    /// What the handle looks like to a host.
    type Pointer;

    fn shelf(process: &Process) -> &Shelf<Self>;
}

impl Kept for Guest {
    type Pointer = DatadogAgent;

    fn shelf(process: &Process) -> &Shelf<Self> {
        &process.agents
    }
}

#[cfg(feature = "appsec")]
impl Kept for Request {
    type Pointer = DatadogAppSecRequest;

    fn shelf(process: &Process) -> &Shelf<Self> {
        &process.requests
    }
}

/// What a handle leads to.
pub(super) enum Found<T> {
    /// Something of this process.
    Ours(Arc<T>),
    /// Something of the process from which this one was forked.
    OfParent,
    /// Nothing.
    Nothing,
}

/// Keeps something; returns its handle.
pub(super) fn keep<T: Kept>(it: T) -> *mut T::Pointer {
    // First, because handles below what it begins with are not its own.
    let shelf = T::shelf(own());
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut kept = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    kept.insert(handle, Arc::new(it));
    to_pointer(handle)
}

/// How many of a kind this process has.
#[cfg(feature = "appsec")]
pub(super) fn count<T: Kept>() -> usize {
    let shelf = T::shelf(own());
    shelf.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Looks a handle up.
pub(super) fn find<T: Kept>(pointer: *mut T::Pointer) -> Found<T> {
    look(pointer, |kept, handle| kept.get(&handle).cloned())
}

/// Looks a handle up for the last time.
pub(super) fn take<T: Kept>(pointer: *mut T::Pointer) -> Found<T> {
    look(pointer, |kept, handle| kept.remove(&handle))
}

fn look<T: Kept>(
    pointer: *mut T::Pointer,
    find: impl FnOnce(&mut BTreeMap<usize, Arc<T>>, usize) -> Option<Arc<T>>,
) -> Found<T> {
    let (Some(handle), Some(process)) = (to_handle(pointer), current()) else {
        return Found::Nothing;
    };
    if handle >= NEXT.load(Ordering::Relaxed) {
        return Found::Nothing;
    }
    if process.id != std::process::id() || handle < process.first {
        return Found::OfParent;
    }
    let shelf = T::shelf(process);
    let mut kept = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    find(&mut kept, handle).map_or(Found::Nothing, Found::Ours)
}

/// Odd, so that it is like no pointer to anything that a host has.
fn to_pointer<P>(handle: usize) -> *mut P {
    std::ptr::without_provenance_mut(handle << 1 | 1)
}

fn to_handle<P>(pointer: *mut P) -> Option<usize> {
    let number = pointer.addr();
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
            agents: Shelf::default(),
            #[cfg(feature = "appsec")]
            requests: Shelf::default(),
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
            assert!(matches!(find::<Guest>(pointer), Found::Nothing));
        }
    }

    #[test]
    fn handle_and_pointer_are_one() {
        for handle in [1, 2, usize::MAX >> 1] {
            assert_eq!(to_handle(to_pointer::<Guest>(handle)), Some(handle));
        }
    }
}
