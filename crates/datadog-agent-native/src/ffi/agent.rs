//! The exported functions about an agent: start, wait, ask, flush, stop.

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use super::error::{DatadogError, Failure};
use super::guard::{guard, guard_code};
use super::guest::{Guest, not_ours};
use super::options::DatadogAgentOptions;
use super::process::{Found, find, keep, take};
use super::result::DatadogAgentStartResult;
use super::settings::Settings;
use crate::agent::ShutdownReason;

/// A running agent. What is behind the pointer is ours alone.
#[derive(Debug)]
pub struct DatadogAgent {
    _ours: (),
}

/// Starts an agent, and returns when it accepts connections or has failed. The texts may be freed afterwards.
/// An agent does not survive `fork`: start it in the child. Any number of agents may run in one process.
///
/// # Safety
/// Every text of the options must be NULL or end with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_start(
    options: DatadogAgentOptions,
) -> DatadogAgentStartResult {
    // SAFETY: the caller promises it of every text.
    start(|| unsafe { options.settings() })
}

/// As `datadog_agent_start`, with the options behind a pointer. NULL is `DATADOG_NULL_POINTER`.
///
/// # Safety
/// `options` must be NULL or lead to options whose texts are NULL or end with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_start_ptr(
    options: *const DatadogAgentOptions,
) -> DatadogAgentStartResult {
    // SAFETY: the caller promises that they are there, and the same of every text.
    start(|| match unsafe { options.as_ref() } {
        Some(options) => unsafe { options.settings() },
        None => Err(Failure::null("options")),
    })
}

pub(super) fn start(
    settings: impl FnOnce() -> Result<Settings, Failure>,
) -> DatadogAgentStartResult {
    let result = guard(DatadogError::DATADOG_INIT_ERROR, || {
        let (guest, started) = Guest::start(settings()?)?;
        Ok((keep(guest), started))
    });
    DatadogAgentStartResult::of(result)
}

/// Stops the agent and frees it: sends what it holds, for as long as `DD_SHUTDOWN_TIMEOUT` says, and returns when
/// nothing of it runs any more (but for a thread that the system keeps in the look-up of a name). The pointer is dead afterwards, whatever is returned; a second call with it is
/// `DATADOG_NULL_POINTER`. Whoever waits in another thread is woken first. `DATADOG_SHUTDOWN_ERROR` means that not
/// everything was delivered; `datadog_agent_last_error` counts it. In a forked child it does nothing and is
/// `DATADOG_OK`.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_stop(agent: *mut DatadogAgent) -> DatadogError {
    guard_code(DatadogError::DATADOG_SHUTDOWN_ERROR, || {
        not_ours()?;
        match take::<Guest>(agent) {
            Found::Ours(guest) => guest.stop(),
            Found::OfParent => Ok(()),
            Found::Nothing => Err(Failure::null("agent")),
        }
    })
}

/// Waits until something asks the agent to stop. 0: SIGTERM or `datadog_agent_request_shutdown`; 1: SIGINT; 2: a part
/// of the agent failed. -1: there is no such agent, it belongs to another process, or this is one of its threads. The
/// two signals are taken from the process only while this waits; a second one does what it did before. The agent still
/// runs afterwards: stop it.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_wait_for_shutdown(agent: *mut DatadogAgent) -> c_int {
    wait(agent, None)
}

/// As `datadog_agent_wait_for_shutdown`, for at most so many milliseconds: 3 when they are over. Leaves signals to the
/// host. Less than 0 is for ever, and takes signals as `datadog_agent_wait_for_shutdown` does.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_wait_for_shutdown_timeout(
    agent: *mut DatadogAgent,
    timeout_ms: c_int,
) -> c_int {
    wait(agent, millis(timeout_ms))
}

fn wait(agent: *mut DatadogAgent, time: Option<Duration>) -> c_int {
    let waited = guard(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        found(agent)?.wait(time)
    });
    match waited {
        Ok(reason) => reason as c_int,
        Err(DatadogError::DATADOG_UNKNOWN_ERROR) => ShutdownReason::FatalError as c_int,
        Err(_) => -1,
    }
}

/// Asks the agent to stop: whoever waits gets 0. Does not block, and may be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_request_shutdown(agent: *mut DatadogAgent) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        found(agent)?.request_shutdown();
        Ok(())
    })
}

/// Sends what the agent holds, and waits for it at most so many milliseconds; less than 0 is as long as a stop may
/// take. `DATADOG_SUBMISSION_ERROR` when something could not be sent in time: it is kept and sent later. May be called
/// from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_flush(agent: *mut DatadogAgent, timeout_ms: c_int) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        found(agent)?.flush(millis(timeout_ms))
    })
}

/// The agent behind a pointer.
pub(super) fn found(agent: *mut DatadogAgent) -> Result<Arc<Guest>, Failure> {
    match find(agent) {
        Found::Ours(guest) => Ok(guest),
        Found::OfParent => Err(Failure::new(
            DatadogError::DATADOG_NOT_AVAILABLE,
            "the agent belongs to the process from which this one was forked: start another one",
        )),
        Found::Nothing => Err(Failure::null("agent")),
    }
}

/// `None` for less than 0.
fn millis(timeout_ms: c_int) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;

    use super::super::error::datadog_agent_last_error;
    use super::super::options_v2::{
        DatadogAgentOptionsV2, datadog_agent_options_init_v2, datadog_agent_start_v2,
    };
    use super::*;

    /// Options with a key, on a port that the system chooses.
    fn options() -> DatadogAgentOptionsV2 {
        let mut options = MaybeUninit::uninit();
        // SAFETY: the options have their size, and are whole once they are initialised.
        let mut options = unsafe {
            datadog_agent_options_init_v2(options.as_mut_ptr(), size_of::<DatadogAgentOptionsV2>());
            options.assume_init()
        };
        options.api_key = c"0123456789abcdef0123456789abcdef".as_ptr();
        options.operational_mode = 1;
        options
    }

    fn last_error() -> String {
        let mut text = [0_u8; 256];
        // SAFETY: the buffer has as many bytes as are said.
        unsafe { datadog_agent_last_error(text.as_mut_ptr().cast(), text.len()) };
        let text = CStr::from_bytes_until_nul(&text).unwrap();
        text.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_host_inside_of_a_runtime_starts_waits_flushes_and_stops() {
        // SAFETY: the texts are literals.
        let result = unsafe { datadog_agent_start_v2(&options()) };
        assert_eq!(result.error, DatadogError::DATADOG_OK, "{}", last_error());
        let agent = result.agent;
        assert_eq!(datadog_agent_wait_for_shutdown_timeout(agent, 1), 3);
        assert_eq!(datadog_agent_flush(agent, 1_000), DatadogError::DATADOG_OK);
        assert_eq!(
            datadog_agent_request_shutdown(agent),
            DatadogError::DATADOG_OK
        );
        assert_eq!(datadog_agent_wait_for_shutdown(agent), 0);
        assert_eq!(datadog_agent_stop(agent), DatadogError::DATADOG_OK);
    }

    #[test]
    fn a_thread_of_an_agent_may_not_wait_for_its_own_work() {
        // SAFETY: the texts are literals.
        let agent = unsafe { datadog_agent_start_v2(&options()) }.agent;
        let address = agent.addr();
        let on_a_thread_of_ours = move || {
            let agent = std::ptr::without_provenance_mut(address);
            (
                datadog_agent_flush(agent, 1_000),
                datadog_agent_wait_for_shutdown(agent),
                datadog_agent_stop(agent),
                last_error(),
            )
        };
        let thread = super::super::threads::spawn(on_a_thread_of_ours).unwrap();
        let refused = DatadogError::DATADOG_RUNTIME_ERROR;
        let text = "called on a thread of the agent".to_owned();
        assert_eq!(thread.join().unwrap(), (refused, -1, refused, text));
        assert_eq!(datadog_agent_stop(agent), DatadogError::DATADOG_OK);
    }
}
