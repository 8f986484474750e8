//! What belongs to the whole process, signals and the logger, hence a process of its own with one test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use datadog_agent_native::agent::{AgentCoordinator, ShutdownReason, Signals};
use datadog_agent_native::logger;
use datadog_dev_intake::Intake;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::raise;
use support::config;

#[tokio::test]
async fn signals_and_the_logger_are_taken_by_who_asks_for_them_and_given_back() {
    nobody_misses_a_signal_that_comes_before_the_wait().await;
    a_wait_ends_with_the_reason_of_its_signal().await;
    handlers_of_a_running_agent_need_no_wait().await;
    a_logger_that_is_there_stays().await;
}

async fn nobody_misses_a_signal_that_comes_before_the_wait() {
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

async fn a_wait_ends_with_the_reason_of_its_signal() {
    let intake = Intake::start().await;
    for (signal, reason) in [
        (SIGTERM, ShutdownReason::GracefulShutdown),
        (SIGINT, ShutdownReason::UserInterrupt),
    ] {
        let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
        agent.start().await.unwrap();
        // The wait first, so that the handlers are there when the signal comes.
        let (waited, ()) =
            tokio::join!(biased; agent.wait_for_shutdown(), async { raise(signal).unwrap() });
        assert_eq!(waited, reason);
        assert!(agent.handle().is_shutdown_requested());
        agent.stop().await.unwrap();
    }
}

async fn handlers_of_a_running_agent_need_no_wait() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::builder(config(&intake, &[]))
        .install_signal_handlers(true)
        .build()
        .unwrap();
    agent.start().await.unwrap();
    raise(SIGINT).unwrap();
    while !agent.handle().is_shutdown_requested() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        agent.wait_for_shutdown().await,
        ShutdownReason::UserInterrupt
    );
    agent.stop().await.unwrap();
    // The next run forgets what was asked of this one.
    agent.start().await.unwrap();
    assert!(!agent.handle().is_shutdown_requested());
    agent.stop().await.unwrap();
}

async fn a_logger_that_is_there_stays() {
    let intake = Intake::start().await;
    let with_logger = |level| {
        AgentCoordinator::builder(config(&intake, &[("DD_LOG_LEVEL", level)])).install_logger(true)
    };
    let mut agent = with_logger("error").build().unwrap();
    agent.start().await.unwrap();
    assert!(logger::install(logger::Config::default()).is_err());
    agent.stop().await.unwrap();
    let mut other = with_logger("debug").build().unwrap();
    other.start().await.unwrap();
    other.stop().await.unwrap();
}
