//! Clients that nobody knew, for which the backend is asked out of turn.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use serde_json::json;
use tokio::time::Instant;

use super::Agent;
use super::serving::{Door, asking};
use crate::signer::{Backend, TOP_FILE};

#[tokio::test(start_paused = true)]
async fn new_clients_are_asked_for_at_once_until_the_window_is_used_up() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    for index in 0..6 {
        let begin = Instant::now();
        door.ask(&asking(&format!("c{index}"), &["ASM"])).await;
        assert!(begin.elapsed() < Duration::from_millis(2_200));
    }
    let times = agent.fake.times();
    assert_eq!(times.len(), 6, "{times:?}");
    let outcomes = agent
        .telemetry
        .by(Metric::RemoteConfigBypasses, "outcome", |_| true);
    let expected = [("limited", 1), ("used", 5)];
    assert_eq!(
        outcomes,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
    // Never two questions within a second.
    let at = agent
        .fake
        .with(|state| state.asked.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    assert!(
        at.windows(2)
            .all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)),
        "{at:?}"
    );
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn clients_that_come_together_share_a_question() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    let (first, second) = (asking("a", &["ASM"]), asking("b", &["ASM"]));
    tokio::join!(door.ask(&first), door.ask(&second));
    let requests = agent.fake.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].active_clients.len(), 2);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_client_does_not_wait_for_a_backend_that_does_not_answer() {
    let agent = Agent::refreshed(&Backend::new()).await;
    agent.fake.with(|state| state.hangs = true);
    let begin = Instant::now();
    let answer = Door::of(&agent).ask(&asking("a", &["ASM_FEATURES"])).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    assert_eq!(answer["client_configs"], json!([TOP_FILE]));
    let timeouts = agent
        .telemetry
        .sum(Metric::RemoteConfigBypasses, &[("outcome", "timeout")]);
    assert_eq!(timeouts, 1);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_silent_is_not_told_of_any_more() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    door.ask(&asking("a", &["ASM"])).await;
    agent.asked(3).await;
    let clients: Vec<_> = (agent.fake.requests().iter())
        .map(|request| request.active_clients.len())
        .collect();
    assert_eq!(clients, [0, 1, 0]);
    agent.stop().await;
}
