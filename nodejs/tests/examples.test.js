'use strict';

// Every example does what `examples/README.md` says of it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { REPOSITORY, Script, expected, installed, records, until } = require('./support');

const FOLDER = path.join(REPOSITORY, 'examples');

// Span, counter and log of each.
const EXAMPLES = {
  quickstart: ['order.place', 'example.quickstart.orders', 'order placed'],
  'http-service': ['http.request', 'example.http.requests', 'GET /orders/3 answered 404'],
  'unix-socket': ['file.read', 'example.unix_socket.files', 'file read'],
  'custom-metrics': ['metrics.send', 'example.custom.orders', 'metrics sent'],
  'trace-enrichment': ['payment.charge', 'example.enrichment.declined', 'the card was declined'],
};

for (const [name, [span, metric, message]] of Object.entries(EXAMPLES)) {
  test(`${name} says what it did, and it arrives`, async (t) => {
    const service = `example-${name}`;
    const root = installed(t, 'datadog-agent-native');
    const env = { NODE_PATH: path.join(root, 'node_modules') };
    const { status, lines, errors } = await new Script(t, [path.join(FOLDER, `${name}.js`)], { env }).end();
    assert.deepEqual([status, errors], [0, '']);
    assert.match(lines[0], /^agent \d+\.\d+\.\d+.*: traces/);
    assert.equal(lines.at(-2), 'flushed');
    assert.match(lines.at(-1), /^stopped/);
    await until(`a span ${span}`, async () => {
      const spans = (await records('traces', { service })).flatMap((chunk) => chunk.spans);
      return spans.some((each) => each.name === span);
    });
    assert.ok((await expected('series', { metric })).tags.includes(`service:${service}`));
    await expected('logs', { service, q: message });
  });
}

test('every example of the folder is tested', () => {
  const files = fs.readdirSync(FOLDER).filter((file) => file.endsWith('.js'));
  assert.deepEqual(files.map((file) => path.basename(file, '.js')).sort(), Object.keys(EXAMPLES).sort());
});
