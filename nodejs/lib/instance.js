'use strict';

// One agent for the whole process, for programs that would otherwise hand theirs around.

const { NativeAgent } = require('./agent');
const { DatadogAgentConfig, LogLevel } = require('./config');
const { DatadogAgentException } = require('./errors');

let instance = null;

function createInstance(config = null) {
  if (instance?.isRunning) {
    return instance;
  }
  try {
    instance = new NativeAgent(config ?? byDefault());
  } catch (error) {
    if (!(error instanceof DatadogAgentException)) {
      throw error;
    }
    instance = null;
    console.error(`datadog-agent-native: the agent was not started: ${error.message}`);
  }
  return instance;
}

function getInstance() {
  if (!instance?.isRunning) {
    throw new Error('no agent runs in this process: call createInstance first');
  }
  return instance;
}

function byDefault() {
  return new DatadogAgentConfig({ appsecEnabled: true, logLevel: LogLevel.DEBUG, dogstatsdEnabled: true });
}

module.exports = { createInstance, getInstance };
