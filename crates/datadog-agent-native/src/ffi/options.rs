//! The options as C hands them over, and their copy into settings of our own.

use std::ffi::{c_char, c_int};
use std::mem::{align_of, offset_of, size_of};

use super::error::Failure;
use super::settings::Settings;
use super::text::copied;

/// What an agent is started with. Everything that is 0 or NULL is taken from the environment (`DD_*`), and all that has
/// no field here too. All texts are UTF-8, end with a NUL and are copied: they may be freed once the start returned.
///
/// This struct never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DatadogAgentOptions {
    /// The API key. NULL: `DD_API_KEY`, or whatever else yields a key; without any, `DATADOG_CONFIG_ERROR`.
    pub api_key: *const c_char,
    /// The site, such as `datadoghq.eu`. NULL: `DD_SITE`, else `datadoghq.com`.
    pub site: *const c_char,
    /// The unified tag `service`. NULL: `DD_SERVICE`.
    pub service: *const c_char,
    /// The unified tag `env`. NULL: `DD_ENV`.
    pub env: *const c_char,
    /// The unified tag `version`. NULL: `DD_VERSION`.
    pub version: *const c_char,
    /// Not 0: AppSec is on, if this library was built with it. 0: as the environment says.
    pub appsec_enabled: c_int,
    /// Not 0: remote configuration is on. 0: off, unless `DD_REMOTE_CONFIGURATION_ENABLED` is true.
    pub remote_config_enabled: c_int,
    /// 1 error, 2 warn, 3 info, 4 debug, 5 trace. 0: `DD_LOG_LEVEL`, else error. Others: info, and a warning.
    /// `RUST_LOG` wins over it.
    pub log_level: c_int,
    /// 1 TCP ports that the system chooses, 2 a Unix socket for traces. 0: `DD_AGENT_MODE`, else fixed TCP ports.
    /// Others: fixed TCP ports, and a warning.
    pub operational_mode: c_int,
    /// The TCP port for traces; -1 lets the system choose. 0: `DD_TRACE_AGENT_PORT`, else 8126.
    pub trace_agent_port: c_int,
    /// Not 0: DogStatsD is on. 0: as the environment says.
    pub dogstatsd_enabled: c_int,
    /// The UDP port of DogStatsD; -1 is 8125. 0: the system chooses, unless it was the environment that turned
    /// DogStatsD on and `DD_DOGSTATSD_PORT` is set.
    pub dogstatsd_port: c_int,
    /// The mode of the Unix socket, such as 0660. 0 and -1: `DD_TRACE_AGENT_UDS_PERMISSIONS`, else 0600.
    pub trace_agent_uds_permissions: c_int,
}

/// The layout that every binding has written down.
const _: () = {
    const P: usize = size_of::<*const c_char>();
    const I: usize = size_of::<c_int>();
    assert!(offset_of!(DatadogAgentOptions, api_key) == 0);
    assert!(offset_of!(DatadogAgentOptions, site) == P);
    assert!(offset_of!(DatadogAgentOptions, service) == 2 * P);
    assert!(offset_of!(DatadogAgentOptions, env) == 3 * P);
    assert!(offset_of!(DatadogAgentOptions, version) == 4 * P);
    assert!(offset_of!(DatadogAgentOptions, appsec_enabled) == 5 * P);
    assert!(offset_of!(DatadogAgentOptions, remote_config_enabled) == 5 * P + I);
    assert!(offset_of!(DatadogAgentOptions, log_level) == 5 * P + 2 * I);
    assert!(offset_of!(DatadogAgentOptions, operational_mode) == 5 * P + 3 * I);
    assert!(offset_of!(DatadogAgentOptions, trace_agent_port) == 5 * P + 4 * I);
    assert!(offset_of!(DatadogAgentOptions, dogstatsd_enabled) == 5 * P + 5 * I);
    assert!(offset_of!(DatadogAgentOptions, dogstatsd_port) == 5 * P + 6 * I);
    assert!(offset_of!(DatadogAgentOptions, trace_agent_uds_permissions) == 5 * P + 7 * I);
    assert!(size_of::<DatadogAgentOptions>() == 5 * P + 8 * I);
    assert!(align_of::<DatadogAgentOptions>() == P);
    assert!(P == 4 || size_of::<DatadogAgentOptions>() == 72);
};

impl DatadogAgentOptions {
    /// Copies everything.
    ///
    /// # Errors
    /// A text that cannot be taken, a number that is out of range.
    ///
    /// # Safety
    /// Every text must be NULL or end with a NUL.
    pub(super) unsafe fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        // SAFETY: the caller promises it of every text.
        unsafe {
            settings.text("api_key", copied(self.api_key, "api_key")?);
            settings.text("site", copied(self.site, "site")?);
            settings.text("service", copied(self.service, "service")?);
            settings.text("env", copied(self.env, "env")?);
            settings.text("version", copied(self.version, "version")?);
        }
        settings.appsec(self.appsec_enabled);
        settings.remote_config(self.remote_config_enabled);
        settings.log_level(self.log_level);
        settings.operational_mode(self.operational_mode);
        settings.trace_agent_port(self.trace_agent_port)?;
        settings.dogstatsd(self.dogstatsd_enabled, self.dogstatsd_port)?;
        settings.uds_permissions(self.trace_agent_uds_permissions)?;
        Ok(settings)
    }
}
