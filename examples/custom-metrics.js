'use strict';

// Sends every kind of metric that DogStatsD knows, an event and a service check; a trace and a log of the same work.
// No client library is needed: a metric is a line of text in a datagram.

const { randomInt } = require('node:crypto');
const dgram = require('node:dgram');

const { DatadogAgentConfig, LogLevel, NativeAgent } = require('datadog-agent-native');

const SERVICE = 'example-custom-metrics';
const TAGS = `service:${SERVICE},shop:berlin`;

// Logs are taken on the port of traces too, so that their own may be any.
const SETTINGS = { DD_LOGS_ENABLED: 'true', DD_LOGS_AGENT_PORT: '0' };

const METRICS = [
  // Counted: the sum of ten seconds.
  `example.custom.orders:3|c|#${TAGS}`,
  // Counted by one in ten, and multiplied again by the agent.
  `example.custom.views:1|c|@0.1|#${TAGS}`,
  // Measured: the last value of ten seconds.
  `example.custom.queue:42|g|#${TAGS}`,
  // Percentiles and an average, worked out in the agent; several values in one line.
  `example.custom.basket:19.90:7.50:120|h|#${TAGS}`,
  // Percentiles over all hosts, worked out at the other end.
  `example.custom.latency:12:15:80|d|#${TAGS}`,
  // A duration in milliseconds.
  `example.custom.checkout:250|ms|#${TAGS}`,
  // How many different values there were.
  `example.custom.customers:ada|s|#${TAGS}`,
  `example.custom.customers:grace|s|#${TAGS}`,
];
const [TITLE, TEXT] = ['deployed', 'version 2 of the shop'];
const EVENT = `_e{${TITLE.length},${TEXT.length}}:${TITLE}|${TEXT}|t:success|#${TAGS}`;
const CHECK = `_sc|example.custom.database|0|#${TAGS}`;

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
    const begin = Date.now();
    // Many lines may share a datagram.
    await send(agent, [METRICS.join('\n'), EVENT, CHECK]);
    console.log(`sent ${METRICS.length} metrics, an event and a service check`);
    const span = {
      service: SERVICE,
      name: 'metrics.send',
      resource: 'send metrics',
      trace_id: randomInt(1, 2 ** 47),
      span_id: randomInt(1, 2 ** 47),
      start: begin * 1e6,
      duration: Math.max(Date.now() - begin, 1) * 1e6,
      metrics: { 'metrics.sent': METRICS.length },
    };
    await post(agent, '/v0.4/traces', [[span]]);
    console.log('sent a trace: metrics.send');
    await post(agent, '/v1/input', [{ message: 'metrics sent', service: SERVICE, status: 'info' }]);
    console.log('sent a log: metrics sent');
    console.log((await agent.flush(10_000)) ? 'flushed' : 'not everything could be sent yet');
  } finally {
    // What the last ten seconds counted goes out with the stop.
    await agent.stopAsync();
  }
  console.log('stopped');
}

async function send(agent, datagrams) {
  const statsd = dgram.createSocket('udp4');
  for (const datagram of datagrams) {
    await new Promise((resolve, reject) => {
      const done = (error) => (error ? reject(error) : resolve());
      statsd.send(datagram, agent.dogstatsdPort, '127.0.0.1', done);
    });
  }
  statsd.close();
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
