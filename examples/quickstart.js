'use strict';

// Starts an agent, sends a trace, a metric and a log through it, flushes and stops.
//
//     npm install datadog-agent-native
//     DD_API_KEY=… node quickstart.js

const { randomInt } = require('node:crypto');
const dgram = require('node:dgram');

const { DatadogAgentConfig, LogLevel, NativeAgent } = require('datadog-agent-native');

const SERVICE = 'example-quickstart';

// Whatever has no option of its own is a DD_* variable: of the environment, or of this agent alone.
// Logs are taken on the port of traces too, so that their own may be any.
const SETTINGS = { DD_LOGS_ENABLED: 'true', DD_LOGS_AGENT_PORT: '0' };

async function main() {
  const config = new DatadogAgentConfig({
    apiKey: process.env.DD_API_KEY ?? '00000000000000000000000000000de5',
    service: SERVICE,
    environment: 'examples',
    logLevel: LogLevel.WARN,
    remoteConfigEnabled: false,
    dogstatsdEnabled: true,
    settings: SETTINGS,
  });
  const agent = new NativeAgent(config);
  try {
    console.log(`agent ${agent.version}: traces on port ${agent.boundPort}, metrics on port ${agent.dogstatsdPort}`);
    await sendTrace(agent);
    await sendMetric(agent);
    await sendLog(agent);
    console.log((await agent.flush(10_000)) ? 'flushed' : 'not everything could be sent yet');
  } finally {
    await agent.stopAsync();
  }
  console.log('stopped');
}

async function sendTrace(agent) {
  const span = {
    service: SERVICE,
    name: 'order.place',
    resource: 'place order',
    trace_id: randomInt(1, 2 ** 47),
    span_id: randomInt(1, 2 ** 47),
    start: Date.now() * 1e6,
    duration: 12_000_000,
  };
  await post(agent, '/v0.4/traces', [[span]]);
  console.log('sent a trace: order.place');
}

async function sendMetric(agent) {
  const statsd = dgram.createSocket('udp4');
  const line = `example.quickstart.orders:1|c|#service:${SERVICE}`;
  await new Promise((resolve, reject) => {
    statsd.send(line, agent.dogstatsdPort, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
  });
  statsd.close();
  console.log('sent a metric: example.quickstart.orders');
}

async function sendLog(agent) {
  await post(agent, '/v1/input', [{ message: 'order placed', service: SERVICE, status: 'info' }]);
  console.log('sent a log: order placed');
}

async function post(agent, path, value) {
  const answer = await fetch(`http://127.0.0.1:${agent.boundPort}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
  });
  if (!answer.ok) {
    throw new Error(`${path} answered ${answer.status}`);
  }
}

main();
