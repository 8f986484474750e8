//! The door to the firewall of a running agent, for whoever gives it requests of this process.

use super::{AppSec, Live, Opened, Stand};
use crate::agent::AgentHandle;

/// Why there is none where nobody turned it on.
const OFF: &str = "AppSec is off: DD_APPSEC_ENABLED turns it on";

impl AgentHandle {
    /// The firewall that looks at traces, to ask it for verdicts on requests of this program; `None` while it is off,
    /// cannot run, or nothing runs.
    #[must_use]
    pub fn appsec(&self) -> Option<AppSec> {
        self.opened_appsec()?.running()
    }

    /// The same, with what is needed to count its requests, or why there is none.
    pub(crate) fn firewall(&self) -> Result<(Opened, AppSec), String> {
        let opened = self.opened_appsec().ok_or(OFF)?;
        let appsec = opened.firewall()?;
        Ok((opened, appsec))
    }
}

impl Opened {
    fn firewall(&self) -> Result<AppSec, String> {
        let stand = self.firewall.stand.read();
        match &*stand.unwrap_or_else(std::sync::PoisonError::into_inner) {
            Stand::On(Live { appsec, .. }) => Ok(appsec.clone()),
            Stand::Off => Err(OFF.to_owned()),
            Stand::Failed(problem) => Err(format!("AppSec cannot run: {problem}")),
        }
    }

    /// Adds to the telemetry what was counted since the last time.
    pub(crate) fn tell(&self) {
        if let Some(live) = self.firewall.live() {
            live.tell(&self.firewall.telemetry);
        }
    }
}

#[cfg(test)]
mod tests {
    use datadog_agent_runtime::telemetry::Metric;
    use datadog_appsec::FakeEngine;
    use datadog_appsec::rules::Source;

    use super::super::AppSecConfig;
    use super::*;
    use crate::agent::AgentCoordinator;
    use crate::config::Config;

    fn config(enabled: &str) -> Config {
        Config::from_env_iter([
            ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("DD_AGENT_MODE", "http_ephemeral_port"),
            ("DD_DOGSTATSD_ENABLED", "false"),
            ("DD_LOGS_ENABLED", "false"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
            ("DD_APPSEC_ENABLED", enabled),
            ("DD_APPSEC_LIBDDWAF_PATH", "/nowhere/libddwaf.so"),
        ])
    }

    #[tokio::test]
    async fn requests_of_the_program_are_counted_beside_those_of_traces() {
        let engine = FakeEngine::default();
        let rules = br#"{"rules":[{"id":"a"}]}"#.to_vec();
        let own = AppSec::with_engine(AppSecConfig::default(), &engine, Source::User, rules);
        let builder = AgentCoordinator::builder(config("true")).appsec(own.unwrap());
        let mut agent = builder.build().unwrap();
        agent.start().await.unwrap();
        let (opened, appsec) = agent.handle().firewall().unwrap();
        let count = || {
            let telemetry = &opened.firewall.telemetry;
            telemetry.sum(Metric::AppsecRequests, &[])
        };
        drop((appsec.transaction(), appsec.watch()));
        assert_eq!(count(), 0);
        opened.tell();
        opened.tell();
        assert_eq!(count(), 2);
        agent.stop().await.unwrap();
        assert_eq!(agent.handle().firewall().unwrap_err(), OFF);
    }

    #[tokio::test]
    async fn a_firewall_that_is_off_or_cannot_run_says_so() {
        for (enabled, why) in [
            ("false", OFF),
            ("true", "AppSec cannot run: libddwaf was not found"),
        ] {
            let mut agent = AgentCoordinator::new(config(enabled)).unwrap();
            agent.start().await.unwrap();
            let problem = agent.handle().firewall().unwrap_err();
            assert!(problem.starts_with(why), "{problem}");
            assert!(agent.handle().appsec().is_none());
            agent.stop().await.unwrap();
        }
    }
}
