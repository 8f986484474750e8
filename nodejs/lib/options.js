'use strict';

// Makes options of the C ABI out of a configuration: null and 0 mean different things for ports here and there.
// Refuses what C would cut off in silence; the library judges the rest.

const { DatadogAgentException, DatadogError } = require('./errors');

const MAX_PORT = 65_535;
const MAX_MODE = 0o777;

const SYSTEM_CHOOSES_TRACES = -1;
const SYSTEM_CHOOSES_DOGSTATSD = 0;
const DEFAULT_TRACES = 0;
const DEFAULT_DOGSTATSD = -1;
const DEFAULT_MODE = -1;
const NEVER = -1;

const MAX_MS = 2 ** 31 - 1;

/** The options of a configuration, by their names in C. */
function optionsOf(config) {
  const settings = Object.entries(config.settings ?? {});
  return {
    api_key: text('apiKey', config.apiKey),
    site: text('site', config.site),
    service: text('service', config.service),
    env: text('environment', config.environment),
    version: text('version', config.version),
    appsec_enabled: config.appsecEnabled ? 1 : 0,
    remote_config_enabled: config.remoteConfigEnabled ? 1 : 0,
    log_level: number('logLevel', config.logLevel, 5),
    operational_mode: number('operationalMode', config.operationalMode, 2),
    trace_agent_port: port('traceAgentPort', config.traceAgentPort, DEFAULT_TRACES, SYSTEM_CHOOSES_TRACES),
    dogstatsd_enabled: config.dogstatsdEnabled ? 1 : 0,
    dogstatsd_port: port('dogstatsdPort', config.dogstatsdPort, DEFAULT_DOGSTATSD, SYSTEM_CHOOSES_DOGSTATSD),
    trace_agent_uds_permissions: mode(config.traceAgentUdsPermissions),
    uds_path: text('udsPath', config.udsPath),
    tags: text('tags', config.tags),
    flush_strategy: null,
    shutdown_timeout_ms: config.shutdownTimeoutMs === null ? 0 : milliseconds(config.shutdownTimeoutMs),
    // Signals are those of Node.js.
    install_signal_handlers: NEVER,
    log_callback: null,
    log_userdata: null,
    extra_env: settings.length > 0 ? settings.map(variable) : null,
    extra_env_len: settings.length,
    appsec_blocking: config.appsecBlocking ? 1 : 0,
  };
}

function text(name, value) {
  if (value === null) {
    return null;
  }
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a string or null, not ${typeof value}`);
  }
  if (value.includes('\0')) {
    throw new DatadogAgentException(`${name}: has a NUL in it`, DatadogError.INVALID_STRING);
  }
  return value;
}

function variable([name, value]) {
  return { name: text('a name in settings', name), value: text(`settings.${name}`, value) };
}

function milliseconds(value) {
  const whole = number('shutdownTimeoutMs', value, MAX_MS);
  if (whole === 0) {
    throw new DatadogAgentException('shutdownTimeoutMs=0: must be more than 0', DatadogError.CONFIG_ERROR);
  }
  return whole;
}

function number(name, value, largest) {
  if (!Number.isInteger(value)) {
    throw new TypeError(`${name} must be an integer, not ${value}`);
  }
  if (value < 0 || value > largest) {
    throw new DatadogAgentException(`${name}=${value}: must be in 0..=${largest}`, DatadogError.CONFIG_ERROR);
  }
  return value;
}

function port(name, value, byDefault, systemChooses) {
  return value === null ? byDefault : number(name, value, MAX_PORT) || systemChooses;
}

function mode(value) {
  return value === null ? DEFAULT_MODE : number('traceAgentUdsPermissions', value, MAX_MODE);
}

module.exports = { optionsOf };
