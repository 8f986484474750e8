'use strict';

// A web service whose every request makes a trace, a metric and a log. Serves itself three requests, and ends.
// The agent starts before the first request and stops after the last; the service knows only its ports.

const { randomInt } = require('node:crypto');
const dgram = require('node:dgram');
const { once } = require('node:events');
const http = require('node:http');

const { DatadogAgentConfig, LogLevel, NativeAgent } = require('datadog-agent-native');

const SERVICE = 'example-http-service';
const ORDERS = { 1: 'tea', 2: 'milk' };

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
    const telemetry = new Telemetry(agent);
    const server = http.createServer((request, response) => answer(telemetry, request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    for (const number of [1, 2, 3]) {
      const { status } = await fetch(`http://127.0.0.1:${server.address().port}/orders/${number}`);
      console.log(`GET /orders/${number}: ${status}`);
    }
    server.closeAllConnections();
    await once(server.close(), 'close');
    telemetry.close();
    console.log((await agent.flush(10_000)) ? 'flushed' : 'not everything could be sent yet');
  } finally {
    await agent.stopAsync();
  }
  console.log('stopped');
}

async function answer(telemetry, request, response) {
  const begin = Date.now();
  const order = ORDERS[request.url.split('/').pop()];
  const status = order ? 200 : 404;
  // Told before it is answered, so that who has the answer knows that it was told.
  await telemetry.request(request.method, request.url, status, begin);
  response.writeHead(status).end(order ?? 'no such order');
}

/** What the service says about a request, to the agent in its own process. */
class Telemetry {
  constructor(agent) {
    this.agent = agent;
    this.statsd = dgram.createSocket('udp4');
  }

  async request(method, path, status, begin) {
    const [traceId, spanId] = [randomInt(1, 2 ** 47), randomInt(1, 2 ** 47)];
    const span = {
      service: SERVICE,
      name: 'http.request',
      resource: `${method} /orders/{number}`,
      type: 'web',
      trace_id: traceId,
      span_id: spanId,
      start: begin * 1e6,
      duration: Math.max(Date.now() - begin, 1) * 1e6,
      meta: { 'span.kind': 'server', 'http.method': method, 'http.url': path, 'http.status_code': `${status}` },
    };
    await this.post('/v0.4/traces', [[span]]);
    await this.send(`example.http.requests:1|c|#service:${SERVICE},status:${status}`);
    const log = {
      message: `${method} ${path} answered ${status}`,
      service: SERVICE,
      status: status < 400 ? 'info' : 'warn',
      'dd.trace_id': `${traceId}`,
      'dd.span_id': `${spanId}`,
    };
    await this.post('/v1/input', [log]);
  }

  async post(path, value) {
    const answer = await fetch(`http://127.0.0.1:${this.agent.boundPort}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(value),
    });
    if (!answer.ok) {
      throw new Error(`${path} answered ${answer.status}`);
    }
  }

  send(line) {
    return new Promise((resolve, reject) => {
      const done = (error) => (error ? reject(error) : resolve());
      this.statsd.send(line, this.agent.dogstatsdPort, '127.0.0.1', done);
    });
  }

  close() {
    this.statsd.close();
  }
}

main();
