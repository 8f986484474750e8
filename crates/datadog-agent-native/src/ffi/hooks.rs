//! Panics where a test of C wants one. Only in a library built for the tests of this crate, and in no header.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering};

use datadog_agent_runtime::tasks::hooks;

/// Where the next panic is due.
static DUE: AtomicI32 = AtomicI32::new(0);

const START: c_int = 1;
const STOP: c_int = 2;
const TASK: c_int = 3;

/// Makes the next start (1), the next stop (2) or the sender of traces (3) panic.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_test_panic(place: c_int) {
    match place {
        TASK => hooks::panic_in("traces", "senders"),
        place => DUE.store(place, Ordering::SeqCst),
    }
}

pub(super) fn in_start() {
    due(START);
}

pub(super) fn in_stop() {
    due(STOP);
}

fn due(place: c_int) {
    let was_due = DUE.compare_exchange(place, 0, Ordering::SeqCst, Ordering::SeqCst);
    assert!(was_due.is_err(), "as asked");
}
