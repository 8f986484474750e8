'use strict';

// Enriches a trace: who asked, what it was about, why it failed; and connects a log and a metric with it.

const { randomInt } = require('node:crypto');
const dgram = require('node:dgram');

const { DatadogAgentConfig, LogLevel, NativeAgent } = require('datadog-agent-native');

const SERVICE = 'example-trace-enrichment';
const ENVIRONMENT = 'examples';

// Logs are taken on the port of traces too, so that their own may be any.
const SETTINGS = { DD_LOGS_ENABLED: 'true', DD_LOGS_AGENT_PORT: '0' };

/** One piece of work: texts in `meta`, numbers in `metrics`, and its error, if it had one. */
class Span {
  constructor(name, resource, parent = null) {
    this.body = {
      service: SERVICE,
      name,
      resource,
      trace_id: parent?.body.trace_id ?? randomInt(1, 2 ** 47),
      span_id: randomInt(1, 2 ** 47),
      parent_id: parent?.body.span_id ?? 0,
      start: Date.now() * 1e6,
      duration: 0,
      error: 0,
      meta: { env: ENVIRONMENT, version: '2.1.0' },
      // On the first span of a service: how the whole trace was sampled. 2: kept, because the program says so.
      metrics: parent ? {} : { _sampling_priority_v1: 2 },
    };
  }

  tag(tags) {
    for (const [name, value] of Object.entries(tags)) {
      this.body[typeof value === 'number' ? 'metrics' : 'meta'][name] = value;
    }
  }

  fail(error) {
    this.body.error = 1;
    this.tag({ 'error.type': error.name, 'error.message': error.message, 'error.stack': error.stack });
  }

  finish() {
    this.body.duration = Math.max(Date.now() * 1e6 - this.body.start, 1e6);
    return this.body;
  }
}

async function main() {
  const config = new DatadogAgentConfig({
    apiKey: process.env.DD_API_KEY ?? '00000000000000000000000000000de5',
    service: SERVICE,
    environment: ENVIRONMENT,
    version: '2.1.0',
    logLevel: LogLevel.WARN,
    remoteConfigEnabled: false,
    dogstatsdEnabled: true,
    settings: SETTINGS,
  });
  const agent = new NativeAgent(config);
  try {
    console.log(`agent ${agent.version}: traces on port ${agent.boundPort}, metrics on port ${agent.dogstatsdPort}`);
    const checkout = new Span('checkout', 'POST /checkout');
    checkout.tag({ 'span.kind': 'server', 'usr.id': 'u-77', 'cart.items': 3, 'cart.total': 42.5 });
    const payment = new Span('payment.charge', 'charge card', checkout);
    payment.tag({ 'span.kind': 'client', 'peer.service': 'payments', 'payment.provider': 'acme' });
    try {
      charge();
    } catch (error) {
      payment.fail(error);
      checkout.fail(error);
    }
    await post(agent, '/v0.4/traces', [[checkout.finish(), payment.finish()]]);
    console.log('sent a trace: checkout, with payment.charge, which failed');
    const tags = `service:${SERVICE},env:${ENVIRONMENT},payment.provider:acme`;
    await send(agent, `example.enrichment.declined:1|c|#${tags}`);
    console.log('sent a metric: example.enrichment.declined');
    const log = {
      message: 'the card was declined',
      service: SERVICE,
      status: 'error',
      ddtags: `env:${ENVIRONMENT},version:2.1.0`,
      // By these two, the log is found beside the trace.
      'dd.trace_id': `${checkout.body.trace_id}`,
      'dd.span_id': `${payment.body.span_id}`,
    };
    await post(agent, '/v1/input', [log]);
    console.log('sent a log: the card was declined');
    console.log((await agent.flush(10_000)) ? 'flushed' : 'not everything could be sent yet');
  } finally {
    await agent.stopAsync();
  }
  console.log('stopped');
}

function charge() {
  throw new RangeError('card declined');
}

async function send(agent, line) {
  const statsd = dgram.createSocket('udp4');
  await new Promise((resolve, reject) => {
    const done = (error) => (error ? reject(error) : resolve());
    statsd.send(line, agent.dogstatsdPort, '127.0.0.1', done);
  });
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
