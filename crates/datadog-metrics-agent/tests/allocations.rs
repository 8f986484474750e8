//! A sample of a known context allocates nothing.
//!
//! A binary of its own, because it counts every allocation of the process; hence one test.

#![allow(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use datadog_metrics_agent::aggregator::{Aggregator, Config, Which};
use datadog_metrics_agent::parse::{Message, Options, messages};

/// The allocator of the system, with a count of its calls.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator has no safe interface")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn add(aggregator: &mut Aggregator, datagram: &str, now: i64) -> usize {
    let before = CALLS.load(Ordering::Relaxed);
    for message in messages(datagram.as_bytes(), &Options::default()) {
        let Message::Metric(metric) = message.unwrap() else {
            panic!("no metric");
        };
        aggregator.metric(&metric, None, now).unwrap();
    }
    CALLS.load(Ordering::Relaxed) - before
}

#[test]
fn a_sample_of_a_known_context_allocates_nothing() {
    let datagram: String = (0..100)
        .map(|index| {
            let tags: Vec<_> = (0..index % 6 + 3)
                .map(|tag| format!("tag{tag}:{index}"))
                .collect();
            let tags = tags.join(",");
            format!("c:1|c|#{tags}\ng:1.5|g|#{tags}\nd:{index}|d|@0.5|#{tags}\ns:x|s|#{tags}\n")
        })
        .collect();
    let mut aggregator = Aggregator::new(Config::default()).unwrap();
    assert!(add(&mut aggregator, &datagram, 1_000) > 0);
    assert_eq!(add(&mut aggregator, &datagram, 1_001), 0);
    // Nor does the next bucket, but for sets, whose elements are its own.
    aggregator.flush(1_010, Which::Closed);
    let without_sets: String = datagram
        .lines()
        .filter(|line| !line.starts_with("s:"))
        .flat_map(|line| [line, "\n"])
        .collect();
    add(&mut aggregator, &without_sets, 1_011);
    aggregator.flush(1_020, Which::Closed);
    assert_eq!(add(&mut aggregator, &without_sets, 1_021), 0);
}
