'use strict';

// What the package exports; `index.d.ts` says what it does.

const { NativeAgent } = require('./lib/agent');
const { AppSecAction, AppSecRequest } = require('./lib/appsec');
const { DatadogAgentConfig, LogLevel, OperationalMode } = require('./lib/config');
const { DatadogAgentException, DatadogError } = require('./lib/errors');
const { createInstance, getInstance } = require('./lib/instance');
const { ShutdownReason } = require('./lib/reason');

module.exports = {
  AppSecAction,
  AppSecRequest,
  DatadogAgentConfig,
  DatadogAgentException,
  DatadogError,
  LogLevel,
  NativeAgent,
  OperationalMode,
  ShutdownReason,
  createInstance,
  getInstance,
};
