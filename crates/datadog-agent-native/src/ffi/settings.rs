//! What a host has set, before it becomes a configuration: options above the environment, number by number.

use std::ffi::c_int;

use super::error::Failure;
use super::log::Callback;
use crate::agent::AgentError;
use crate::config::{Config, ConfigError, LogLevel, OperationalMode};

/// When SIGINT and SIGTERM are taken from the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TakeSignals {
    /// While somebody waits without a limit of time.
    #[default]
    Waiting,
    /// From the start on.
    Always,
    /// Never.
    Never,
}

/// What an agent is born with.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) config: Config,
    /// What the host should know.
    pub(super) warnings: Vec<String>,
    pub(super) signals: TakeSignals,
    pub(super) log: Option<Callback>,
    /// Whether the host obeys verdicts of the firewall.
    pub(super) obeys_verdicts: bool,
}

/// What a host has set. The environment fills the gaps.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Keys of the table, with their values as text.
    options: Vec<(&'static str, String)>,
    /// What the environment decides only if it says something.
    remote_config_by_environment: bool,
    log_level_by_environment: bool,
    dogstatsd_port_by_environment: bool,
    /// What the host should know, once there is a logger.
    warnings: Vec<String>,
    /// Variables above the environment.
    extra_env: Vec<(String, String)>,
    signals: TakeSignals,
    log: Option<Callback>,
    obeys_verdicts: bool,
}

impl Settings {
    /// A key of the table by its name; `None` leaves it to the environment.
    pub(super) fn text(&mut self, key: &'static str, value: Option<String>) {
        self.options.extend(value.map(|value| (key, value)));
    }

    fn set(&mut self, key: &'static str, value: impl ToString) {
        self.options.push((key, value.to_string()));
    }

    pub(super) fn appsec(&mut self, enabled: c_int) {
        if enabled != 0 {
            self.set("appsec_enabled", true);
        }
    }

    pub(super) fn remote_config(&mut self, enabled: c_int) {
        match enabled {
            0 => self.remote_config_by_environment = true,
            _ => self.set("remote_configuration.enabled", true),
        }
    }

    pub(super) fn log_level(&mut self, level: c_int) {
        let level = match level {
            0 => {
                self.log_level_by_environment = true;
                return;
            }
            1 => LogLevel::Error,
            2 => LogLevel::Warn,
            3 => LogLevel::Info,
            4 => LogLevel::Debug,
            5 => LogLevel::Trace,
            other => {
                self.warn(format!(
                    "log_level={other}: must be in 0..=5; using 3 (info)"
                ));
                LogLevel::Info
            }
        };
        self.set("log_level", level.as_str());
    }

    pub(super) fn operational_mode(&mut self, mode: c_int) {
        let mode = match mode {
            0 => return,
            1 => OperationalMode::HttpEphemeralPort,
            2 => OperationalMode::HttpUds,
            other => {
                self.warn(format!(
                    "operational_mode={other}: must be in 0..=2; using 0 (http_fixed_port)"
                ));
                OperationalMode::HttpFixedPort
            }
        };
        self.set("operational_mode", mode.as_str());
    }

    /// # Errors
    /// A number that is no port.
    pub(super) fn trace_agent_port(&mut self, port: c_int) -> Result<(), Failure> {
        match port {
            0 => {}
            -1 => self.set("trace_agent_port", 0),
            1..=65_535 => self.set("trace_agent_port", port),
            _ => {
                return Err(Failure::config(&format!(
                    "trace_agent_port={port}: must be -1 or in 0..=65535"
                )));
            }
        }
        Ok(())
    }

    /// # Errors
    /// A number that is no port.
    pub(super) fn dogstatsd(&mut self, enabled: c_int, port: c_int) -> Result<(), Failure> {
        if enabled != 0 {
            self.set("dogstatsd_enabled", true);
        }
        match port {
            0 if enabled == 0 => self.dogstatsd_port_by_environment = true,
            0..=65_535 => self.set("dogstatsd_port", port),
            -1 => self.set("dogstatsd_port", 8_125),
            _ => {
                return Err(Failure::config(&format!(
                    "dogstatsd_port={port}: must be -1 or in 0..=65535"
                )));
            }
        }
        Ok(())
    }

    /// # Errors
    /// A number that is no mode of a file.
    pub(super) fn uds_permissions(&mut self, mode: c_int) -> Result<(), Failure> {
        match mode {
            -1 | 0 => {}
            1..=0o777 => self.set("trace_agent_uds_permissions", format_args!("0o{mode:o}")),
            _ => {
                return Err(Failure::config(&format!(
                    "trace_agent_uds_permissions={mode}: must be -1 or in 0..=511 (0777)"
                )));
            }
        }
        Ok(())
    }

    /// # Errors
    /// Less than 0.
    pub(super) fn shutdown_timeout(&mut self, ms: c_int) -> Result<(), Failure> {
        match ms {
            0 => {}
            1.. => self.set("shutdown_timeout", format_args!("{ms}ms")),
            _ => {
                return Err(Failure::config(&format!(
                    "shutdown_timeout_ms={ms}: must not be less than 0"
                )));
            }
        }
        Ok(())
    }

    /// # Errors
    /// A number that has no meaning.
    pub(super) fn signals(&mut self, install: c_int) -> Result<(), Failure> {
        self.signals = match install {
            0 => TakeSignals::Waiting,
            1 => TakeSignals::Always,
            -1 => TakeSignals::Never,
            _ => {
                return Err(Failure::config(&format!(
                    "install_signal_handlers={install}: must be in -1..=1"
                )));
            }
        };
        Ok(())
    }

    /// # Errors
    /// A number that has no meaning.
    pub(super) fn appsec_blocking(&mut self, blocking: c_int) -> Result<(), Failure> {
        if !(0..=1).contains(&blocking) {
            return Err(Failure::config(&format!(
                "appsec_blocking={blocking}: must be 0 or 1"
            )));
        }
        self.obeys_verdicts = blocking == 1;
        Ok(())
    }

    pub(super) fn log_to(&mut self, callback: Option<Callback>) {
        self.log = callback;
    }

    pub(super) fn extra_env(&mut self, variables: Vec<(String, String)>) {
        self.extra_env = variables;
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// What follows from it.
    ///
    /// # Errors
    /// Everything for which the agent must not start.
    pub(super) fn setup(self) -> Result<Setup, Failure> {
        let mut builder = Config::builder().with_env().with_more_env(self.extra_env);
        for (key, value) in &self.options {
            builder = builder.option(key, value.as_str());
        }
        let mut config = builder.build_with_issues();
        let unset = |key: &str| !config.report.is_set(key);
        let remote_config_off =
            self.remote_config_by_environment && unset("remote_configuration.enabled");
        let errors_only = self.log_level_by_environment && unset("log_level");
        let any_port = self.dogstatsd_port_by_environment
            && unset("dogstatsd_port")
            && unset("metrics_agent_port");
        if remote_config_off {
            config.remote_configuration_enabled = false;
        }
        if errors_only {
            config.log_level = LogLevel::Error;
        }
        if any_port {
            config.dogstatsd_port = 0;
        }
        match config.validate() {
            Ok(()) => Ok(Setup {
                config,
                warnings: self.warnings,
                signals: self.signals,
                log: self.log,
                obeys_verdicts: self.obeys_verdicts,
            }),
            Err(issues) => Err(AgentError::ConfigError(ConfigError { issues }.to_string()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows in an environment where nothing is set but these.
    fn setup(variables: &[(&str, &str)], set: impl FnOnce(&mut Settings)) -> Setup {
        let unset = [
            "DD_AGENT_MODE",
            "DD_OPERATIONAL_MODE",
            "DD_LOG_LEVEL",
            "DD_DOGSTATSD_ENABLED",
            "DD_DOGSTATSD_PORT",
            "DD_METRICS_AGENT_PORT",
            "DD_REMOTE_CONFIGURATION_ENABLED",
            "DD_TRACE_AGENT_UDS_PERMISSIONS",
        ];
        let unset = unset.iter().map(|name| (*name, ""));
        let key = ("DD_API_KEY", "0123456789abcdef0123456789abcdef");
        let all = unset.chain([key]).chain(variables.iter().copied());
        let mut settings = Settings::default();
        settings.extra_env(
            all.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        );
        set(&mut settings);
        settings.setup().unwrap()
    }

    #[test]
    fn zero_leaves_the_log_level_to_the_environment_else_it_is_error() {
        let level = |variables: &[(&str, &str)], level| {
            let setup = setup(variables, |it| it.log_level(level));
            (setup.config.log_level, setup.warnings.len())
        };
        let debug = [("DD_LOG_LEVEL", "debug")];
        assert_eq!(level(&[], 0), (LogLevel::Error, 0));
        assert_eq!(level(&debug, 0), (LogLevel::Debug, 0));
        assert_eq!(level(&debug, 1), (LogLevel::Error, 0));
        assert_eq!(level(&debug, 5), (LogLevel::Trace, 0));
        assert_eq!(level(&debug, 6), (LogLevel::Info, 1));
    }

    #[test]
    fn remote_configuration_is_off_unless_somebody_turns_it_on() {
        let on = |variables: &[(&str, &str)], enabled| {
            let setup = setup(variables, |it| it.remote_config(enabled));
            setup.config.remote_configuration_enabled
        };
        let (yes, no) = (
            [("DD_REMOTE_CONFIGURATION_ENABLED", "true")],
            [("DD_REMOTE_CONFIGURATION_ENABLED", "false")],
        );
        assert!(!on(&[], 0));
        assert!(on(&yes, 0));
        assert!(on(&no, 1));
        assert!(!on(&no, 0));
    }

    #[test]
    fn the_port_of_dogstatsd_belongs_to_whoever_turned_it_on() {
        let of = |variables: &[(&str, &str)], enabled, port| {
            let setup = setup(variables, |it| it.dogstatsd(enabled, port).unwrap());
            let config = setup.config;
            (config.dogstatsd_enabled, config.dogstatsd_port)
        };
        let environment = [
            ("DD_DOGSTATSD_ENABLED", "true"),
            ("DD_DOGSTATSD_PORT", "19125"),
        ];
        assert_eq!(of(&[], 1, 0), (true, 0));
        assert_eq!(of(&[], 1, -1), (true, 8_125));
        assert_eq!(of(&[], 1, 65_535), (true, 65_535));
        assert_eq!(of(&environment, 0, 0), (true, 19_125));
        assert_eq!(of(&environment[..1], 0, 0), (true, 0));
        assert_eq!(of(&environment, 1, 0), (true, 0));
        assert_eq!(of(&environment, 0, -1), (true, 8_125));
        assert!(!of(&[], 0, 0).0);
    }

    #[test]
    fn a_mode_that_does_not_exist_is_the_fixed_one_with_one_warning() {
        let ephemeral = [("DD_AGENT_MODE", "http_ephemeral_port")];
        let of = |mode| {
            let setup = setup(&ephemeral, |it| it.operational_mode(mode));
            (setup.config.operational_mode, setup.warnings.len())
        };
        assert_eq!(of(0), (OperationalMode::HttpEphemeralPort, 0));
        assert_eq!(of(2), (OperationalMode::HttpUds, 0));
        assert_eq!(of(99), (OperationalMode::HttpFixedPort, 1));
        assert_eq!(of(-1), (OperationalMode::HttpFixedPort, 1));
    }

    #[test]
    fn a_mode_of_the_socket_that_is_0_is_the_usual_one() {
        let of = |mode| {
            let setup = setup(&[], |it| it.uds_permissions(mode).unwrap());
            setup.config.trace_agent_uds_permissions
        };
        assert_eq!(
            [of(-1), of(0), of(0o660), of(0o777)],
            [0o600, 0o600, 0o660, 0o777]
        );
    }

    #[test]
    fn a_time_to_stop_counts_above_the_environment() {
        let of = |ms| {
            let setup = setup(&[("DD_SHUTDOWN_TIMEOUT", "7")], |it| {
                it.shutdown_timeout(ms).unwrap();
            });
            setup.config.shutdown_timeout.as_millis()
        };
        assert_eq!([of(0), of(1_500)], [7_000, 1_500]);
    }
}
