//! What is wrong with fields that do not go together.
//!
//! Asked again each time, so that a field set by hand after reading counts.

use super::{Config, ConfigIssue};
use crate::Profile;
use crate::endpoints::{Site, additional_logs_url};
use crate::issue::{Masking, NOT_STARTED, Severity, Source, masked};
use crate::key_source::KeySource;
use crate::operational_mode::OperationalMode;
use crate::table::Pipeline;
use crate::value::{Value, url};

impl Config {
    /// Everything that is wrong, or worth knowing: first what was read, then what does not go together.
    #[must_use]
    pub fn issues(&self) -> Vec<ConfigIssue> {
        let mut issues = self.report.issues.clone();
        for issue in self.disagreements() {
            if !issues.contains(&issue) {
                issues.push(issue);
            }
        }
        issues
    }

    /// Whether the agent may start with this configuration.
    ///
    /// # Errors
    /// All fatal issues, of what was read and of fields that do not go together.
    pub fn validate(&self) -> Result<(), Vec<ConfigIssue>> {
        let mut fatal = self.issues();
        fatal.retain(|issue| issue.severity == Severity::Fatal);
        if fatal.is_empty() { Ok(()) } else { Err(fatal) }
    }

    fn disagreements(&self) -> Vec<ConfigIssue> {
        let mut issues = Vec::new();
        self.check_key(&mut issues);
        self.check_mode(&mut issues);
        self.check_ports(&mut issues);
        self.check_numbers(&mut issues);
        self.check_network(&mut issues);
        self.check_endpoints(&mut issues);
        self.check_tracer_socket(&mut issues);
        issues
    }

    /// A key is needed as soon as one destination needs it, and also when there is no destination at all: an agent
    /// without both does nothing, which nobody wants.
    fn check_key(&self, issues: &mut Vec<ConfigIssue>) {
        let has_key = self.key_source() != KeySource::None;
        let uses_worker = self.logs_enabled && self.observability_pipelines_worker_logs_enabled;
        let logs_need_it = self.logs_enabled
            && !self.observability_pipelines_worker_logs_enabled
            && self.logs_key_source() == KeySource::None;
        // Traces are on unless somebody turns them off; only who asks for them must have a key for them.
        let traces_need_it = self.apm_enabled
            && Pipeline::Traces.available()
            && self.report.is_set("apm_config.enabled");
        let others_need_it =
            traces_need_it || (self.dogstatsd_enabled && Pipeline::Metrics.available());
        let logs_have_their_own = self.logs_enabled && !logs_need_it;
        let nothing_else = !uses_worker && !logs_have_their_own;
        let is_resolved_elsewhere = [
            "org_uuid",
            "kms_api_key",
            "api_key_secret_arn",
            "api_key_ssm_arn",
        ]
        .iter()
        .any(|name| self.report.is_set(name));
        if !has_key && !is_resolved_elsewhere && (logs_need_it || others_need_it || nothing_else) {
            let problem = "API key not configured: set DD_API_KEY or DD_API_KEY_FILE";
            issues.push(self.fatal("api_key", "", problem));
        }
    }

    fn check_mode(&self, issues: &mut Vec<ConfigIssue>) {
        if let Some(path) = &self.trace_agent_uds_path
            && self.operational_mode.uses_tcp()
        {
            let problem = format!(
                "a socket path goes with the mode http_uds, and the mode is {}",
                self.operational_mode.as_str()
            );
            issues.push(self.fatal("trace_agent_uds_path", path, &problem));
        }
        let ports = [
            ("trace_agent_port", self.trace_agent_port),
            ("logs_agent_port", self.logs_agent_port),
            ("dogstatsd_port", self.explicit_dogstatsd_port()),
        ];
        let ignored = match self.operational_mode {
            OperationalMode::HttpFixedPort => &ports[..0],
            OperationalMode::HttpEphemeralPort => &ports[..],
            OperationalMode::HttpUds => &ports[..1],
        };
        for (name, port) in ignored {
            if let Some(port) = port.filter(|port| *port != 0) {
                let problem = format!(
                    "no port is used in the mode {}",
                    self.operational_mode.as_str()
                );
                issues.push(self.warning(name, &port.to_string(), &problem, "ignored"));
            }
        }
    }

    fn explicit_dogstatsd_port(&self) -> Option<u16> {
        self.report
            .is_set("dogstatsd_port")
            .then_some(self.dogstatsd_port)
    }

    /// Two TCP listeners cannot share a port; DogStatsD is UDP and may.
    fn check_ports(&self, issues: &mut Vec<ConfigIssue>) {
        let traces = self.trace_port().filter(|_| self.apm_enabled);
        if self.logs_enabled && self.logs_port() != 0 && traces == Some(self.logs_port()) {
            let problem = "the trace listener has the same port";
            issues.push(self.fatal("logs_agent_port", &self.logs_port().to_string(), problem));
        }
    }

    fn check_numbers(&self, issues: &mut Vec<ConfigIssue>) {
        for (name, seconds) in [
            ("flush_timeout", self.flush_timeout),
            ("http_timeout", self.http_timeout),
            ("flush_interval", self.flush_interval),
        ] {
            if seconds == 0 {
                issues.push(self.warning(name, "0", "must be at least one second", "using 5"));
            }
        }
        let is_gzip = self.logs_config_compression_kind == "gzip";
        for (name, level, highest) in [
            ("compression_level", self.compression_level, 19),
            (
                "apm_config.compression_level",
                self.apm_config_compression_level,
                19,
            ),
            (
                "metrics_config.compression_level",
                self.metrics_config_compression_level,
                19,
            ),
            (
                "logs_config.compression_level",
                self.logs_config_compression_level,
                if is_gzip { 9 } else { 19 },
            ),
        ] {
            if !(1..=highest).contains(&level) {
                let problem = format!("must be in 1..={highest}");
                let used = format!("using {}", level.clamp(1, highest));
                issues.push(self.warning(name, &level.to_string(), &problem, &used));
            }
        }
    }

    fn check_network(&self, issues: &mut Vec<ConfigIssue>) {
        for (name, proxy) in [
            ("proxy.https", &self.proxy_https),
            ("proxy.http", &self.proxy_http),
        ] {
            if let Some(proxy) = proxy
                && let Err(problem) = url::proxy(proxy)
            {
                issues.push(self.fatal(name, proxy, &problem));
            }
        }
        for (name, protocol) in [
            ("http_protocol", &self.http_protocol),
            ("logs_config.http_protocol", &self.logs_config_http_protocol),
        ] {
            let is_known = matches!(protocol.as_deref(), None | Some("auto" | "http1" | "http2"));
            if let Some(protocol) = protocol.as_ref().filter(|_| !is_known) {
                issues.push(self.fatal(name, protocol, "must be one of auto, http1, http2"));
            }
        }
        if self.skip_ssl_validation {
            if self.fips_build {
                let problem = "a FIPS build checks certificates";
                issues.push(self.fatal("skip_ssl_validation", "true", problem));
            } else {
                let problem = "certificates of intakes are not checked: anyone on the way can read what is sent";
                // What was asked for in so many words stays a warning, even when strict.
                issues.push(self.issue(
                    "skip_ssl_validation",
                    "true",
                    problem,
                    "used as it is",
                    Severity::Warning,
                ));
            }
        }
        self.check_expected_cryptography(issues);
        let is_government = Site::new(&self.site).is_ok_and(|site| site.is_government());
        if is_government && !self.fips_build {
            let problem = "government sites ask for a build with FIPS cryptography";
            issues.push(self.warning("site", &self.site, problem, "used as it is"));
        }
    }

    /// Functions of Lambda say by a variable, or by their region, which build they expect.
    fn check_expected_cryptography(&self, issues: &mut Vec<ConfigIssue>) {
        let region = self.platform_inputs.get("AWS_REGION");
        let expected = match self.report.value("lambda_fips_mode") {
            Some(Value::Bool(expected)) => *expected,
            _ if self.profile != Profile::Lambda => return,
            _ => region.is_some_and(|region| region.starts_with("us-gov-")),
        };
        if expected == self.fips_build {
            return;
        }
        let problem = match self.fips_build {
            true => "this is a build with FIPS cryptography",
            false => "this build has no FIPS cryptography",
        };
        let text = expected.to_string();
        issues.push(self.warning(
            "lambda_fips_mode",
            &text,
            problem,
            "the build stays as it is",
        ));
    }

    fn check_endpoints(&self, issues: &mut Vec<ConfigIssue>) {
        let endpoints = match self.endpoints() {
            Ok(endpoints) => endpoints,
            Err(problems) => return issues.extend(problems),
        };
        for (index, endpoint) in self.logs_config_additional_endpoints.iter().enumerate() {
            let repeats = additional_logs_url(endpoint)
                .is_ok_and(|url| self.repeats_primary(Some(&endpoints.logs), &url, endpoint));
            if repeats {
                let problem = format!("endpoint {index} is the primary one with the same key");
                let name = "logs_config.additional_endpoints";
                issues.push(self.warning(name, "", &problem, "endpoint left out"));
            }
        }
    }

    /// A tracer in the same process that sends to another socket than ours sends past us.
    fn check_tracer_socket(&self, issues: &mut Vec<ConfigIssue>) {
        let Some(Value::Text(url)) = self.report.value("trace_agent_url") else {
            return;
        };
        let Some(path) = url.strip_prefix("unix://") else {
            return;
        };
        if self.trace_agent_uds_path.as_deref() != Some(path) {
            issues.push(self.issue(
                "trace_agent_url",
                url,
                "tracers send to another socket than that of this agent",
                "",
                Severity::Info,
            ));
        }
    }

    fn fatal(&self, key: &'static str, value: &str, problem: &str) -> ConfigIssue {
        self.issue(key, value, problem, NOT_STARTED, Severity::Fatal)
    }

    fn warning(&self, key: &'static str, value: &str, problem: &str, used: &str) -> ConfigIssue {
        self.issue(key, value, problem, used, Severity::Warning)
            .hardened(self.config_strict)
    }

    fn issue(
        &self,
        key: &'static str,
        value: &str,
        problem: &str,
        used: &str,
        severity: Severity,
    ) -> ConfigIssue {
        let source = match self.report.source(key) {
            // Nothing was set, so the text names the variable that one would set.
            Source::Default => crate::table::find(key)
                .and_then(|key| key.env.first())
                .map_or(Source::Default, |name| Source::Env((*name).to_owned())),
            source => source.clone(),
        };
        ConfigIssue {
            source,
            key,
            value: masked(value, Masking::Plain),
            problem: problem.to_owned(),
            used: used.to_owned(),
            severity,
        }
    }
}
