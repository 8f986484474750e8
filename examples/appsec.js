'use strict';

// A web service behind a firewall: each request is looked at before and after the service has it, and answered as the
// verdict says. Serves itself a request as any and one that looks like an attack, and ends.
// Needs a library with AppSec and a libddwaf that DD_APPSEC_LIBDDWAF_PATH names; without them, requests go on unseen.

const { randomInt } = require('node:crypto');
const dgram = require('node:dgram');
const { once } = require('node:events');
const http = require('node:http');

const { DatadogAgentConfig, DatadogAgentException, DatadogError, LogLevel, NativeAgent } = require('datadog-agent-native');

const SERVICE = 'example-appsec';
const ORDERS = { 1: 'tea', 2: 'milk' };
const LARGEST_BODY = 2 ** 20;

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
    appsecEnabled: true,
    appsecBlocking: true,
    settings: SETTINGS,
  });
  const agent = new NativeAgent(config);
  try {
    console.log(`agent ${agent.version}: traces on port ${agent.boundPort}, metrics on port ${agent.dogstatsdPort}`);
    const telemetry = new Telemetry(agent);
    const server = http.createServer((request, response) => answer(agent, telemetry, request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    for (const client of ['curl/8', 'dd-test-scanner-log-block']) {
      const url = `http://127.0.0.1:${server.address().port}/orders/1?q=tea`;
      const { status } = await fetch(url, { headers: { 'User-Agent': client } });
      console.log(`GET /orders/1 as ${client}: ${status}`);
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

/** The service, which knows nothing of firewalls. */
function serve(request) {
  const order = ORDERS[request.url.split('?')[0].split('/').pop()];
  return { status: order ? 200 : 404, headers: { 'content-type': 'text/plain' }, body: order ?? 'no such order' };
}

async function answer(agent, telemetry, request, response) {
  const begin = Date.now();
  const firewall = opened(agent);
  let tags = { meta: {}, metrics: {} };
  let page;
  try {
    page = firewall === null ? serve(request) : await guarded(firewall, request);
    tags = firewall?.tags() ?? tags;
  } finally {
    firewall?.close();
  }
  // Told before it is answered, so that who has the answer knows that it was told.
  await telemetry.request(request.method, request.url, page.status, begin, tags);
  response.writeHead(page.status, page.headers).end(page.body);
}

/** A request of the firewall; null where there is none. */
function opened(agent) {
  try {
    return agent.appsecRequest();
  } catch (error) {
    if (!(error instanceof DatadogAgentException && error.error === DatadogError.NOT_AVAILABLE)) {
      throw error;
    }
    console.log(`nobody looks at this request: ${error.message}`);
    return null;
  }
}

/** Asks the firewall before the service has the request, and once it has answered. */
async function guarded(firewall, request) {
  firewall.add({
    'http.route': '/orders/{number}',
    'server.request.method': request.method,
    'server.request.uri.raw': request.url,
    'server.request.headers.no_cookies': request.headers,
    'network.client.ip': request.socket.remoteAddress,
  });
  const body = await bodyOf(request);
  if (body.length > 0) {
    firewall.addBody(body);
  }
  let verdict = firewall.verdict();
  if (!verdict.isAllowed) {
    return pageOf(verdict);
  }
  const page = serve(request);
  firewall.add({ 'server.response.status': page.status, 'server.response.headers.no_cookies': page.headers });
  firewall.addResponseBody(page.body);
  verdict = firewall.verdict();
  return verdict.isAllowed ? page : pageOf(verdict);
}

/** The answer to a request that does not go on. */
function pageOf(verdict) {
  const headers = { 'content-type': verdict.contentType ?? 'text/plain' };
  if (verdict.location !== null) {
    headers.location = verdict.location;
  }
  return { status: verdict.status, headers, body: verdict.body ?? '' };
}

/** The body of a request, or its beginning. */
async function bodyOf(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    if (length < LARGEST_BODY) {
      parts.push(part);
      length += part.length;
    }
  }
  return Buffer.concat(parts);
}

/** What the service says about a request, to the agent in its own process. */
class Telemetry {
  constructor(agent) {
    this.agent = agent;
    this.statsd = dgram.createSocket('udp4');
  }

  async request(method, path, status, begin, tags) {
    const own = { 'span.kind': 'server', 'http.method': method, 'http.url': path, 'http.status_code': `${status}` };
    const span = {
      service: SERVICE,
      name: 'http.request',
      resource: `${method} /orders/{number}`,
      type: 'web',
      trace_id: randomInt(1, 2 ** 47),
      span_id: randomInt(1, 2 ** 47),
      start: begin * 1e6,
      duration: Math.max(Date.now() - begin, 1) * 1e6,
      // What the firewall found goes on the span as it is; a metric among it has the trace kept.
      meta: { ...own, ...tags.meta },
      metrics: tags.metrics,
    };
    await this.post('/v0.4/traces', [[span]]);
    await this.send(`example.appsec.requests:1|c|#service:${SERVICE},status:${status}`);
    await this.post('/v1/input', [{ message: `${method} ${path} answered ${status}`, service: SERVICE, status: 'info' }]);
  }

  async post(path, value) {
    const answered = await fetch(`http://127.0.0.1:${this.agent.boundPort}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(value),
    });
    if (!answered.ok) {
      throw new Error(`${path} answered ${answered.status}`);
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
