//! Signals of this very process, hence a process of its own with one test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use datadog_agent_native::agent::{ShutdownReason, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::raise;

#[tokio::test]
async fn a_signal_that_comes_before_the_wait_is_not_missed_by_anyone_who_listens() {
    let (first, second) = (Signals::install().unwrap(), Signals::install().unwrap());
    raise(SIGTERM).unwrap();
    assert_eq!(
        first.next().await.unwrap(),
        ShutdownReason::GracefulShutdown
    );
    assert_eq!(
        second.next().await.unwrap(),
        ShutdownReason::GracefulShutdown
    );

    let again = Signals::install().unwrap();
    raise(SIGHUP).unwrap();
    raise(SIGINT).unwrap();
    assert_eq!(again.next().await.unwrap(), ShutdownReason::UserInterrupt);
}
