// The same for `import`; there is one agent's code, and one `createInstance`, however it is loaded.

import agent from './index.js';

export const {
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
} = agent;
