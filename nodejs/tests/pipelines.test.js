'use strict';

// What a program sends to the agent inside it arrives.

const assert = require('node:assert/strict');
const { randomInt } = require('node:crypto');
const dgram = require('node:dgram');
const test = require('node:test');

const { LogLevel, NativeAgent } = require('datadog-agent-native');
const { DEADLINE_MS, expected, post } = require('./support');

function start(t, options = {}) {
  const quiet = { apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: LogLevel.WARN };
  const agent = new NativeAgent({ ...quiet, ...options });
  t.after(() => agent.stop());
  return agent;
}

/** A little msgpack: what a trace needs. */
function packed(value) {
  if (typeof value === 'bigint') {
    const bytes = Buffer.alloc(9, 0xcf);
    bytes.writeBigUInt64BE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') {
    return Buffer.concat([Buffer.from([0xd9, value.length]), Buffer.from(value)]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.from([0x90 | value.length]), ...value.map(packed)]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([Buffer.from([0x80 | entries.length]), ...entries.flat().map(packed)]);
}

for (const [type, encode] of [
  ['application/msgpack', packed],
  ['application/json', (value) => JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? Number(each) : each))],
]) {
  test(`a trace as ${type} arrives`, async (t) => {
    // Of this run alone: the intake may have been asked before.
    const service = `nodejs-trace-${randomInt(2 ** 47)}`;
    const span = {
      service,
      name: 'test.span',
      resource: 'test',
      trace_id: BigInt(randomInt(1, 2 ** 47)),
      span_id: BigInt(randomInt(1, 2 ** 47)),
      start: BigInt(Date.now()) * 1_000_000n,
      duration: 1_000_000n,
    };
    const agent = start(t);
    assert.equal((await post(agent, '/v0.4/traces', encode([[span]]), type)).status, 200);
    assert.ok(await agent.flush(DEADLINE_MS));
    const { spans } = await expected('traces', { service });
    assert.deepEqual(
      spans.map(({ name, spanID }) => [name, spanID]),
      [['test.span', `${span.span_id}`]],
    );
  });
}

test('a metric arrives with the stop', async (t) => {
  const agent = start(t, { dogstatsdEnabled: true });
  const statsd = dgram.createSocket('udp4');
  await new Promise((resolve) => {
    statsd.send('nodejs.test.count:7|c|#suite:nodejs', agent.dogstatsdPort, '127.0.0.1', resolve);
  });
  statsd.close();
  assert.ok(await agent.stopAsync());
  const { host, tags } = await expected('series', { metric: 'nodejs.test.count' });
  assert.deepEqual([host, tags], ['embedding-host', ['suite:nodejs']]);
});

test('a log arrives with its tags', async (t) => {
  const agent = start(t, { service: 'nodejs-log', tags: 'team:shop', settings: { DD_LOGS_ENABLED: 'true' } });
  const message = `hello from Node.js ${randomInt(2 ** 47)}`;
  assert.ok((await post(agent, '/v1/input', JSON.stringify([{ message }]))).ok);
  assert.ok(await agent.flush(DEADLINE_MS));
  const { service, ddtags } = await expected('logs', { q: message });
  assert.equal(service, 'nodejs-log');
  assert.ok(ddtags.split(',').includes('team:shop'), ddtags);
});
