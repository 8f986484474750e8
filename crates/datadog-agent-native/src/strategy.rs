//! When pipelines send by themselves: their timers, by the strategy of flushes and the place where the agent runs.
//!
//! A timer is what is left of a strategy without invocations. With them, [`AgentHandle`](crate::agent::AgentHandle) is
//! told when one begins and ends.

use std::time::Duration;

use crate::config::{Config, FlushStrategy, Profile};

/// What Lambda says of an instance that serves several requests at once.
const MANAGED_INSTANCES: &str = "lambda-managed-instances";

/// The strategy that is in force, whatever the configuration says of a place that knows but one.
pub(crate) fn effective(config: &Config) -> FlushStrategy {
    let inputs = &config.platform_inputs;
    let is_managed = config.profile == Profile::Lambda
        && inputs.get("AWS_LAMBDA_INITIALIZATION_TYPE") == Some(MANAGED_INSTANCES);
    match is_managed {
        true => config.serverless_flush_strategy.for_managed_instances(),
        false => config.serverless_flush_strategy,
    }
}

/// How often a pipeline sends whose usual interval is this; `None` only when it is asked to.
pub(crate) fn timer(config: &Config, usual: Duration) -> Option<Duration> {
    match effective(config) {
        FlushStrategy::Default => Some(usual),
        FlushStrategy::End | FlushStrategy::EndPeriodically(_) if asks_nobody(config) => {
            Some(usual)
        }
        FlushStrategy::End | FlushStrategy::EndPeriodically(_) => None,
        FlushStrategy::Periodically(ms) | FlushStrategy::Continuously(ms) => {
            Some(Duration::from_millis(ms))
        }
    }
}

/// Whether "at the end" would be the end of the program, because nobody is there who could ask for a flush.
pub(crate) fn asks_nobody(config: &Config) -> bool {
    let at_the_end = matches!(
        effective(config),
        FlushStrategy::End | FlushStrategy::EndPeriodically(_)
    );
    let by_itself = matches!(config.profile, Profile::Standalone | Profile::Serverless);
    at_the_end && by_itself
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_secs(10);

    fn of(profile: Profile, strategy: &str, kind: &str) -> Option<Duration> {
        let config = Config::builder()
            .profile(profile)
            .with_env_iter([
                ("DD_SERVERLESS_FLUSH_STRATEGY", strategy),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", kind),
            ])
            .build_with_issues();
        timer(&config, USUAL)
    }

    #[test]
    fn an_interval_is_that_of_every_pipeline_and_default_is_their_own() {
        for profile in [Profile::Standalone, Profile::Embedded, Profile::Serverless] {
            assert_eq!(of(profile, "default", "on-demand"), Some(USUAL));
            let half = Some(Duration::from_millis(500));
            assert_eq!(of(profile, "periodically,500", "on-demand"), half);
            assert_eq!(of(profile, "continuously,500", "on-demand"), half);
        }
    }

    #[test]
    fn at_the_end_means_on_request_where_somebody_can_ask() {
        for strategy in ["end", "end,500"] {
            assert_eq!(of(Profile::Embedded, strategy, "on-demand"), None);
            assert_eq!(of(Profile::Lambda, strategy, "on-demand"), None);
            assert_eq!(of(Profile::Standalone, strategy, "on-demand"), Some(USUAL));
            assert_eq!(of(Profile::Serverless, strategy, "on-demand"), Some(USUAL));
        }
    }

    #[test]
    fn managed_instances_flush_continuously() {
        let of = |strategy| of(Profile::Lambda, strategy, MANAGED_INSTANCES);
        assert_eq!(of("end"), Some(Duration::from_secs(30)));
        assert_eq!(of("default"), Some(Duration::from_secs(30)));
        assert_eq!(of("periodically,500"), Some(Duration::from_millis(500)));
    }
}
