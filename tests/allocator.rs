//! The allocator of the system, which counts: for tests that are programs of their own, since all of the process goes
//! through it.

#![allow(dead_code, reason = "no test needs all of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// How often memory was asked for.
pub(crate) fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

/// Bytes in use.
pub(crate) fn used() -> usize {
    USED.load(Ordering::Relaxed)
}

/// The most bytes that were in use since [`forget_most`].
pub(crate) fn most() -> usize {
    MOST.load(Ordering::Relaxed)
}

/// Begins again with the bytes in use now.
pub(crate) fn forget_most() {
    MOST.store(used(), Ordering::Relaxed);
}

struct Counting;

fn took(bytes: usize) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let used = USED.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(used, Ordering::Relaxed);
}

fn gave(bytes: usize) {
    USED.fetch_sub(bytes, Ordering::Relaxed);
}

#[allow(unsafe_code, reason = "an allocator has no safe interface")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // What is large is moved by the kernel without a second copy.
        took(size.saturating_sub(layout.size()));
        gave(layout.size().saturating_sub(size));
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(at, layout, size) }
    }
}
