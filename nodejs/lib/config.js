'use strict';

// What a program can say about its agent; everything else comes from `DD_*` variables.

const LogLevel = Object.freeze({ ERROR: 0, WARN: 2, INFO: 3, DEBUG: 4, TRACE: 5 });

const OperationalMode = Object.freeze({ HTTP_FIXED_PORT: 0, HTTP_EPHEMERAL_PORT: 1, HTTP_UDS: 2 });

const DEFAULTS = Object.freeze({
  apiKey: null,
  site: null,
  service: null,
  environment: null,
  version: null,
  appsecEnabled: false,
  remoteConfigEnabled: true,
  logLevel: LogLevel.INFO,
  operationalMode: OperationalMode.HTTP_EPHEMERAL_PORT,
  traceAgentPort: 0,
  dogstatsdEnabled: false,
  dogstatsdPort: 0,
  traceAgentUdsPermissions: null,
  udsPath: null,
  tags: null,
  shutdownTimeoutMs: null,
  settings: null,
  appsecBlocking: false,
});

class DatadogAgentConfig {
  constructor(options = {}) {
    Object.assign(this, DEFAULTS);
    for (const [name, value] of Object.entries(options)) {
      if (!Object.hasOwn(DEFAULTS, name)) {
        throw new TypeError(`unknown option ${name}; there are ${Object.keys(DEFAULTS).join(', ')}`);
      }
      if (value !== undefined) {
        this[name] = value;
      }
    }
  }
}

module.exports = { DatadogAgentConfig, LogLevel, OperationalMode };
