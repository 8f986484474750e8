'use strict';

// Sends a trace, a metric and a log through one Unix socket, of which only this user may write to the file.

const { randomInt } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');

const { DatadogAgentConfig, LogLevel, NativeAgent, OperationalMode } = require('datadog-agent-native');

const SERVICE = 'example-unix-socket';

// Logs are taken on the socket of traces too.
const SETTINGS = { DD_LOGS_ENABLED: 'true', DD_LOGS_AGENT_PORT: '0' };

async function main() {
  const config = new DatadogAgentConfig({
    apiKey: process.env.DD_API_KEY ?? '00000000000000000000000000000de5',
    service: SERVICE,
    environment: 'examples',
    logLevel: LogLevel.WARN,
    operationalMode: OperationalMode.HTTP_UDS,
    traceAgentUdsPermissions: 0o600,
    remoteConfigEnabled: false,
    dogstatsdEnabled: true,
    settings: SETTINGS,
  });
  const agent = new NativeAgent(config);
  try {
    const mode = (fs.statSync(agent.udsPath).mode & 0o777).toString(8);
    console.log(`agent ${agent.version}: traces, metrics and logs on ${agent.udsPath} (mode ${mode})`);
    const span = {
      service: SERVICE,
      name: 'file.read',
      resource: 'read a file',
      trace_id: randomInt(1, 2 ** 47),
      span_id: randomInt(1, 2 ** 47),
      start: Date.now() * 1e6,
      duration: 3_000_000,
    };
    await post(agent, '/v0.4/traces', 'application/json', JSON.stringify([[span]]));
    console.log('sent a trace: file.read');
    // What a client of DogStatsD would send as a datagram.
    await post(agent, '/dogstatsd/v2/proxy', 'text/plain', `example.unix_socket.files:1|c|#service:${SERVICE}\n`);
    console.log('sent a metric: example.unix_socket.files');
    const log = { message: 'file read', service: SERVICE, status: 'info' };
    await post(agent, '/v1/input', 'application/json', JSON.stringify([log]));
    console.log('sent a log: file read');
    console.log((await agent.flush(10_000)) ? 'flushed' : 'not everything could be sent yet');
  } finally {
    await agent.stopAsync();
  }
  console.log(`stopped, and the socket is ${fs.existsSync(agent.udsPath) ? 'still there' : 'gone'}`);
}

async function post(agent, path, contentType, body) {
  const headers = { 'Content-Type': contentType };
  const request = http.request({ socketPath: agent.udsPath, path, method: 'POST', headers });
  request.end(body);
  const [answer] = await once(request, 'response');
  answer.resume();
  if (answer.statusCode >= 300) {
    throw new Error(`${path} answered ${answer.statusCode}`);
  }
}

main();
