'use strict';

// Ctrl+C and SIGTERM, as a program in a terminal or a container gets them; and what keeps a process alive.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { PACKAGE, Script, connects, expected, installed, script } = require('./support');

const START = `
  const { NativeAgent, OperationalMode, ShutdownReason } = require('datadog-agent-native');
  const named = (reason) => Object.keys(ShutdownReason)[reason];
  const agent = new NativeAgent({ apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: 2 });
`;

function readmeExample() {
  const readme = fs.readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```javascript\n([^]*?)```/g)].map((match) => match[1]);
  return blocks.find((block) => block.includes("process.on('SIGINT'"));
}

test('the example of the README prints its lines, and ends with Ctrl+C', async (t) => {
  const cwd = installed(t, '@datadog/agent-native');
  const ready = path.join(__dirname, 'support/ready.js');
  const program = new Script(t, ['--require', ready, '-e', readmeExample()], { cwd });
  assert.match(await program.line(), /^Agent version: \d+\.\d+\.\d+/);
  const [, port] = /^Trace port: (\d+)$/.exec(await program.line());
  assert.match(await program.line(), /^DogStatsD port: \d+$/);
  assert.equal(await program.line(), 'SIGINT is handled');
  assert.ok(await connects(Number(port)));
  program.send('SIGINT');
  const { status, lines } = await program.end();
  assert.deepEqual([status, lines], [0, []]);
  assert.ok(!(await connects(Number(port))));
});

for (const [signal, reason] of [
  ['SIGINT', 'USER_INTERRUPT'],
  ['SIGTERM', 'GRACEFUL_SHUTDOWN'],
]) {
  test(`${signal} ends a wait, and the program ends well`, async (t) => {
    const program = script(
      t,
      `${START}
      agent.waitForShutdown().then((reason) => { console.log(named(reason)); agent.stop(); });
      console.log('waiting');`,
    );
    assert.equal(await program.line(), 'waiting');
    program.send(signal);
    assert.deepEqual(await program.end(), { status: 0, lines: [reason], errors: '' });
  });

  test(`a second ${signal} does what it did before`, async (t) => {
    const program = script(
      t,
      `${START}
      agent.waitForShutdown().then((reason) => console.log(named(reason)));
      console.log('waiting');`,
    );
    assert.equal(await program.line(), 'waiting');
    program.send(signal);
    assert.equal(await program.line(), reason);
    program.send(signal);
    assert.deepEqual(await program.end(), { status: signal, lines: [], errors: '' });
  });

  test(`${signal} ends a program whose wait stands still`, async (t) => {
    const program = script(t, `${START} require('fs').writeSync(1, 'waiting\\n'); agent.waitForShutdownSync();`);
    assert.equal(await program.line(), 'waiting');
    program.send(signal);
    assert.equal((await program.end()).status, signal);
  });
}

test('a handler of the program runs as well', async (t) => {
  const program = script(
    t,
    `${START}
    process.on('SIGINT', () => console.log('mine'));
    agent.waitForShutdown().then((reason) => { console.log(named(reason)); agent.stop(); });
    console.log('waiting');`,
  );
  assert.equal(await program.line(), 'waiting');
  program.send('SIGINT');
  assert.deepEqual(await program.end(), { status: 0, lines: ['mine', 'USER_INTERRUPT'], errors: '' });
});

test('an agent keeps the process alive until it is stopped', async (t) => {
  const program = script(t, `${START} setTimeout(() => { console.log('later'); agent.stop(); }, 50).unref();`);
  assert.deepEqual(await program.end(), { status: 0, lines: ['later'], errors: '' });
});

test('one that is not to keep it alive does not, nor does a wait for it', async (t) => {
  const later = "setTimeout(() => console.log('later'), 1e6).unref();";
  const program = script(t, `${START} agent.unref().waitForShutdown(); ${later}`);
  assert.deepEqual(await program.end(), { status: 0, lines: [], errors: '' });
});

test('what an agent holds when the process ends arrives, and its socket is gone', async (t) => {
  const program = script(
    t,
    `${START}
    const socket = new NativeAgent({ apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: 2,
      operationalMode: OperationalMode.HTTP_UDS });
    console.log(socket.udsPath);
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body: '[{"message":"last of Node"}]' };
    const url = 'http://127.0.0.1:' + agent.boundPort + '/v1/input';
    fetch(url, init).then((answer) => process.exit(answer.ok ? 0 : 1));`,
    { env: { DD_LOGS_ENABLED: 'true' } },
  );
  const socket = await program.line();
  assert.deepEqual(await program.end(), { status: 0, lines: [], errors: '' });
  assert.ok(!fs.existsSync(socket));
  await expected('logs', { q: 'last of Node' });
});

test('import has what require has', async (t) => {
  const cwd = installed(t, 'datadog-agent-native');
  const text = `
    import * as imported from 'datadog-agent-native';
    import { createRequire } from 'node:module';
    const required = createRequire(process.cwd() + '/x.js')('datadog-agent-native');
    console.log(Object.keys(imported).every((name) => imported[name] === required[name]));
    console.log(Object.keys(imported).join() === Object.keys(required).join());`;
  const program = new Script(t, ['--input-type=module', '-e', text], { cwd });
  assert.deepEqual(await program.end(), { status: 0, lines: ['true', 'true'], errors: '' });
});
