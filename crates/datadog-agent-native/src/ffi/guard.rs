//! Keeps panics from the host, and turns failures into codes whose text the thread keeps. `errno` is left as it was.

use std::any::Any;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::{DatadogError, Failure, remember};

/// Runs the body of an exported function. A panic in it is the code `on_panic`.
pub(super) fn guard<T>(
    on_panic: DatadogError,
    body: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, DatadogError> {
    let _errno = Errno::kept();
    // What a panic leaves half done belongs to the agent that panicked, whose locks are taken over poisoned.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result.map_err(remember),
        Err(panic) => Err(remember(Failure::new(on_panic, said(&*panic)))),
    }
}

/// [`guard`] for functions that answer with nothing but a code.
pub(super) fn guard_code(
    on_panic: DatadogError,
    body: impl FnOnce() -> Result<(), Failure>,
) -> DatadogError {
    match guard(on_panic, body) {
        Ok(()) => DatadogError::DATADOG_OK,
        Err(code) => code,
    }
}

/// The host's `errno`, put back when this is dropped.
struct Errno(c_int);

impl Errno {
    fn kept() -> Self {
        // SAFETY: the place is this thread's own and always there.
        Self(unsafe { *errno() })
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { *errno() = self.0 };
    }
}

/// Where this thread has its `errno`.
fn errno() -> *mut c_int {
    // SAFETY: the function takes nothing and gives a place that lives as long as the thread.
    unsafe {
        #[cfg(target_os = "linux")]
        return libc::__errno_location();
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        return libc::__error();
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without words"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_code_that_was_asked_for() {
        let code = guard_code(DatadogError::DATADOG_INIT_ERROR, || {
            panic!("as {}", "asked")
        });
        assert_eq!(code, DatadogError::DATADOG_INIT_ERROR);
        let failed = guard(DatadogError::DATADOG_INIT_ERROR, || {
            Err::<(), _>(Failure::null("agent"))
        });
        assert_eq!(failed, Err(DatadogError::DATADOG_NULL_POINTER));
        assert_eq!(
            guard(DatadogError::DATADOG_INIT_ERROR, || Ok(7)),
            Ok::<i32, DatadogError>(7)
        );
    }

    #[test]
    fn errno_is_as_it_was_whatever_happened_inside() {
        let set = |value| {
            // SAFETY: the place is this thread's own.
            unsafe { *errno() = value }
        };
        set(77);
        let code = guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
            set(5);
            panic!("as asked")
        });
        assert_eq!(code, DatadogError::DATADOG_UNKNOWN_ERROR);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(77));
    }

    #[test]
    fn words_of_a_panic_are_kept_whatever_their_type() {
        assert_eq!(said(&"a text"), "panic: a text");
        assert_eq!(said(&"an owned text".to_owned()), "panic: an owned text");
        assert_eq!(said(&7), "panic: without words");
    }
}
