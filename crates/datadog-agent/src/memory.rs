//! How this program's allocator treats large blocks; the only `unsafe` of the program.
//!
//! glibc raises its threshold for mapping a block by itself with the first large block that is freed, and from then on
//! keeps the memory of large bodies for later: under load that came to twice the budget of the log pipeline.

/// Blocks of this size or more are mapped by themselves, and given back when they are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 256 * 1_024;

/// Makes large blocks go back to the system when they are freed. Call it before other threads are started.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the setting has no safe interface")]
pub(crate) fn give_back_large_blocks() {
    // SAFETY: `mallopt` takes two numbers and touches nothing but the allocator's settings; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Other allocators give large blocks back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_large_blocks() {}
