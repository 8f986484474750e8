'use strict';

// What an agent does from its start to its stop.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const test = require('node:test');

const {
  DatadogAgentConfig,
  DatadogAgentException,
  DatadogError,
  LogLevel,
  NativeAgent,
  OperationalMode,
  ShutdownReason,
  createInstance,
  getInstance,
} = require('datadog-agent-native');
const { DEADLINE_MS, connects, folder, freePort, post, script } = require('./support');

/** Starts an agent that is stopped after the test. */
function start(t, options = {}) {
  const quiet = { apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: LogLevel.WARN };
  const agent = new NativeAgent({ ...quiet, ...options });
  t.after(() => agent.stop());
  return agent;
}

function refused(error, text) {
  return (thrown) => {
    assert.ok(thrown instanceof DatadogAgentException, `${thrown}`);
    assert.match(thrown.message, text);
    assert.equal(thrown.error, error);
    return true;
  };
}

test('it takes connections when it is started, and none after the stop', async (t) => {
  const agent = start(t, { dogstatsdEnabled: true });
  assert.match(agent.version, /^\d+\.\d+\.\d+/);
  assert.ok(agent.boundPort >= 1024 && agent.boundPort <= 65_535);
  assert.ok(agent.dogstatsdPort >= 1024 && agent.dogstatsdPort <= 65_535);
  assert.equal(agent.udsPath, null);
  assert.ok(await connects(agent.boundPort));
  assert.ok(agent.isRunning);
  assert.equal(agent.stop(), true);
  assert.ok(!agent.isRunning);
  assert.ok(!(await connects(agent.boundPort)));
});

test('without a key it says what is missing', () => {
  assert.throws(() => new NativeAgent(), refused(DatadogError.CONFIG_ERROR, /API key not configured/));
});

test('without DogStatsD there is no port of it', (t) => {
  assert.equal(start(t).dogstatsdPort, null);
});

for (const [name, operationalMode] of Object.entries(OperationalMode).slice(0, 2)) {
  test(`port 0 is chosen by the system in ${name}`, async (t) => {
    const agent = start(t, { operationalMode, traceAgentPort: 0 });
    assert.notEqual(agent.boundPort, 8126);
    assert.ok(await connects(agent.boundPort));
  });
}

test('ports that are named are taken', async (t) => {
  const [traceAgentPort, dogstatsdPort] = [await freePort(), await freePort()];
  const operationalMode = OperationalMode.HTTP_FIXED_PORT;
  const agent = start(t, { operationalMode, traceAgentPort, dogstatsdEnabled: true, dogstatsdPort });
  assert.deepEqual([agent.boundPort, agent.dogstatsdPort], [traceAgentPort, dogstatsdPort]);
});

for (const [options, port] of [
  [{ traceAgentPort: null }, 8126],
  [{ dogstatsdEnabled: true, dogstatsdPort: null }, 8125],
]) {
  test(`no port is the one that everybody knows, ${port}`, (t) => {
    let agent;
    try {
      agent = start(t, { operationalMode: OperationalMode.HTTP_FIXED_PORT, ...options });
    } catch (error) {
      // Something else on this machine has it, which shows as well which one was asked for.
      refused(DatadogError.STARTUP_ERROR, new RegExp(`Address already in use \\(port ${port}\\)`))(error);
      return;
    }
    assert.ok([agent.boundPort, agent.dogstatsdPort].includes(port));
  });
}

test('a taken port is named, and who has it is left alone', async (t) => {
  const first = start(t);
  const options = { operationalMode: OperationalMode.HTTP_FIXED_PORT, traceAgentPort: first.boundPort };
  const text = new RegExp(`Address already in use \\(port ${first.boundPort}\\)`);
  assert.throws(() => start(t, options), refused(DatadogError.STARTUP_ERROR, text));
  assert.ok(await connects(first.boundPort));
});

for (const [permissions, mode] of [
  [null, 0o600],
  [0o660, 0o660],
]) {
  test(`a Unix socket has mode ${mode.toString(8)}, and is gone after the stop`, async (t) => {
    const agent = start(t, { operationalMode: OperationalMode.HTTP_UDS, traceAgentUdsPermissions: permissions });
    assert.match(agent.udsPath, new RegExp(`^/tmp/dd-trace-${process.pid}-[0-9a-f]{6}\\.sock$`));
    assert.equal(agent.boundPort, null);
    assert.equal(fs.statSync(agent.udsPath).mode & 0o777, mode);
    const [answer] = await once(http.get({ socketPath: agent.udsPath, path: '/info' }), 'response');
    answer.resume();
    assert.equal(answer.statusCode, 200);
    agent.stop();
    assert.ok(!fs.existsSync(agent.udsPath));
  });
}

test('a second stop does nothing, and calls are refused', async (t) => {
  const agent = start(t);
  assert.equal(agent.stop(), true);
  assert.equal(agent.stop(), true);
  assert.equal(await agent.stopAsync(), true);
  const stopped = refused(DatadogError.NULL_POINTER, /the agent was stopped/);
  await assert.rejects(agent.flush(), stopped);
  assert.throws(() => agent.requestShutdown(), stopped);
  assert.equal(await agent.waitForShutdown(), ShutdownReason.GRACEFUL_SHUTDOWN);
  assert.equal(agent.waitForShutdownSync(), ShutdownReason.GRACEFUL_SHUTDOWN);
});

test('stops at once are one', async (t) => {
  const agent = start(t);
  assert.deepEqual(await Promise.all([agent.stopAsync(), agent.stopAsync()]), [true, true]);
  assert.ok(!(await connects(agent.boundPort)));
});

test('a wait ends with its time, and the agent still runs', async (t) => {
  const agent = start(t);
  assert.equal(await agent.waitForShutdown(0), ShutdownReason.TIMEOUT);
  assert.equal(await agent.waitForShutdown(30), ShutdownReason.TIMEOUT);
  assert.equal(agent.waitForShutdownSync(0), ShutdownReason.TIMEOUT);
  assert.equal(agent.waitForShutdownSync(30), ShutdownReason.TIMEOUT);
  assert.ok(await connects(agent.boundPort));
  await assert.rejects(async () => agent.waitForShutdown(-1), TypeError);
});

test('a request wakes every waiter, and the agent still runs', async (t) => {
  const agent = start(t);
  const waits = [agent.waitForShutdown(), agent.waitForShutdown(DEADLINE_MS)];
  agent.requestShutdown();
  assert.deepEqual(await Promise.all(waits), [ShutdownReason.GRACEFUL_SHUTDOWN, ShutdownReason.GRACEFUL_SHUTDOWN]);
  assert.equal(agent.waitForShutdownSync(), ShutdownReason.GRACEFUL_SHUTDOWN);
  assert.ok(agent.isRunning);
});

test('a stop wakes the waiters', async (t) => {
  const agent = start(t);
  const wait = agent.waitForShutdown();
  agent.stop();
  assert.equal(await wait, ShutdownReason.GRACEFUL_SHUTDOWN);
});

test('waits leave no handlers of signals behind', async (t) => {
  const before = process.listenerCount('SIGINT');
  const agent = start(t);
  const wait = agent.waitForShutdown();
  assert.equal(process.listenerCount('SIGINT'), before + 1);
  agent.requestShutdown();
  await wait;
  assert.equal(process.listenerCount('SIGINT'), before);
});

test('a socket may have a path of its own', async (t) => {
  const udsPath = path.join(folder(t), 's');
  assert.equal(start(t, { operationalMode: OperationalMode.HTTP_UDS, udsPath }).udsPath, udsPath);
  assert.ok(await connects(udsPath));
});

test('settings are those of one agent alone', (t) => {
  const [first, second] = [start(t, { settings: { DD_DOGSTATSD_ENABLED: 'true' } }), start(t)];
  assert.notEqual(first.dogstatsdPort, null);
  assert.equal(second.dogstatsdPort, null);
});

test('an empty agent is flushed at once', async (t) => {
  assert.equal(await start(t).flush(DEADLINE_MS), true);
});

test('what cannot be delivered is told and counted', async (t) => {
  const settings = {
    DD_LOGS_CONFIG_LOGS_DD_URL: `http://127.0.0.1:${await freePort()}`,
    DD_LOGS_ENABLED: 'true',
  };
  const options = { settings, shutdownTimeoutMs: 1_000 };
  const agents = [start(t, options), start(t, options)];
  for (const agent of agents) {
    assert.ok((await post(agent, '/v1/input', '[{"message":"lost"}]')).ok);
    assert.equal(await agent.flush(300), false);
  }
  const warnings = [];
  const heard = (warning) => warnings.push(warning);
  process.on('warning', heard);
  t.after(() => process.off('warning', heard));
  assert.equal(agents[0].stop(), false);
  assert.equal(await agents[1].stopAsync(), false);
  await new Promise(setImmediate);
  const [counted, named] = warnings.filter(({ name }) => name === 'DatadogAgentWarning').map(({ message }) => message);
  assert.match(counted, /1 logs were not delivered in time/);
  assert.match(named, /SHUTDOWN_ERROR/);
});

for (const [options, error, text] of [
  [{ apiKey: 'a\0b' }, DatadogError.INVALID_STRING, /apiKey: has a NUL in it/],
  [{ service: 's'.repeat(65_537) }, DatadogError.INVALID_STRING, /service: longer than 64 KiB/],
  [{ traceAgentPort: 65_536 }, DatadogError.CONFIG_ERROR, /traceAgentPort=65536: must be in 0..=65535/],
  [{ traceAgentPort: 2 ** 32 + 1 }, DatadogError.CONFIG_ERROR, /traceAgentPort=4294967297/],
  [{ traceAgentPort: -1 }, DatadogError.CONFIG_ERROR, /traceAgentPort=-1/],
  [{ dogstatsdPort: 70_000 }, DatadogError.CONFIG_ERROR, /dogstatsdPort=70000/],
  [{ traceAgentUdsPermissions: 0o1000 }, DatadogError.CONFIG_ERROR, /traceAgentUdsPermissions=512/],
  [{ udsPath: 'relative' }, DatadogError.CONFIG_ERROR, /absolute/],
  [{ shutdownTimeoutMs: 0 }, DatadogError.CONFIG_ERROR, /shutdownTimeoutMs=0: must be more than 0/],
  [{ settings: { DD_TAGS: 'a\0b' } }, DatadogError.INVALID_STRING, /settings.DD_TAGS: has a NUL in it/],
  [{ operationalMode: 3 }, DatadogError.CONFIG_ERROR, /operationalMode=3: must be in 0..=2/],
  [{ logLevel: 6 }, DatadogError.CONFIG_ERROR, /logLevel=6: must be in 0..=5/],
]) {
  test(`what cannot be meant is refused by name: ${text.source}`, (t) => {
    assert.throws(() => start(t, options), refused(error, text));
  });
}

for (const options of [
  { apiKey: 1 },
  { settings: { DD_TAGS: 1 } },
  { traceAgentPort: '8126' },
  { dogstatsdPort: 1.5 },
  { apikey: 'k' },
]) {
  test(`what has another type or name is a TypeError: ${JSON.stringify(options)}`, (t) => {
    assert.throws(() => start(t, options), { name: 'TypeError', message: new RegExp(Object.keys(options)[0]) });
  });
}

test('an option that is undefined is as if it were not there', () => {
  assert.deepEqual(new DatadogAgentConfig({ traceAgentPort: undefined }), new DatadogAgentConfig());
});

test('an unknown code is an unknown error', () => {
  assert.equal(new DatadogAgentException('x', 77).error, DatadogError.UNKNOWN_ERROR);
});

test('a disposed agent is stopped', async (t) => {
  const [first, second] = [start(t), start(t)];
  first[Symbol.dispose ?? Symbol.for('nodejs.dispose')]();
  assert.ok(!first.isRunning);
  await second[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
  assert.ok(!second.isRunning);
});

test('there is one instance for the process, and none after it was stopped', () => {
  assert.throws(getInstance, /no agent runs in this process/);
  const options = { apiKey: '0'.repeat(32), logLevel: LogLevel.WARN, remoteConfigEnabled: false };
  const config = new DatadogAgentConfig(options);
  const first = createInstance(config);
  assert.equal(getInstance(), first);
  assert.equal(createInstance(config), first);
  first.stop();
  assert.throws(getInstance, /no agent runs in this process/);
  const second = createInstance(config);
  assert.notEqual(second, first);
  second.stop();
});

test('an instance that cannot start is null, and a line on standard error', async (t) => {
  const program = script(t, "console.log(require('datadog-agent-native').createInstance({}))");
  const { status, lines, errors } = await program.end();
  assert.deepEqual([status, lines], [0, ['null']]);
  assert.match(errors, /^datadog-agent-native: the agent was not started: .*API key not configured/);
});

test('an agent of a worker thread ends with its thread', async (t) => {
  const program = script(
    t,
    `
    const { Worker, isMainThread, parentPort } = require('node:worker_threads');
    const code = \`
      const { NativeAgent } = require('datadog-agent-native');
      const agent = new NativeAgent({ apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: 2 }).unref();
      require('node:worker_threads').parentPort.postMessage(agent.boundPort);
    \`;
    const worker = new Worker(code, { eval: true });
    let port;
    worker.once('message', (message) => { port = message; });
    worker.once('exit', (status) => {
      require('node:net').connect(port, '127.0.0.1')
        .once('connect', () => { console.log(status, 'open'); process.exit(); })
        .once('error', () => console.log(status, 'closed'));
    });
    `,
  );
  assert.deepEqual(await program.end(), { status: 0, lines: ['0 closed'], errors: '' });
});
