//! Keeps panics from the host, and turns failures into codes whose text the thread keeps.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::{DatadogError, Failure, remember};

/// Runs the body of an exported function. A panic in it is the code `on_panic`.
pub(super) fn guard<T>(
    on_panic: DatadogError,
    body: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, DatadogError> {
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
    fn words_of_a_panic_are_kept_whatever_their_type() {
        assert_eq!(said(&"a text"), "panic: a text");
        assert_eq!(said(&"an owned text".to_owned()), "panic: an owned text");
        assert_eq!(said(&7), "panic: without words");
    }
}
