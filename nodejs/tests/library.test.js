'use strict';

// Where the library is looked for, and what is said when there is none.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { thisMachine } = require('../lib/platform');
const { PACKAGE, folder, script } = require('./support');

const VARIABLE = 'DATADOG_AGENT_NATIVE_LIBRARY_PATH';
const BUILT = process.env[VARIABLE] ?? 'missing';
const MACHINE = thisMachine();

const START = `
  const { DatadogAgentException, DatadogError, NativeAgent } = require('datadog-agent-native');
  console.log('required');
  try {
    new NativeAgent({ apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: 2 }).stop();
    console.log('started');
  } catch (error) {
    console.log(error instanceof DatadogAgentException && error.error === DatadogError.INIT_ERROR);
    console.log(error.message);
  }`;

/** A folder with a copy of the package, which has no library, and what it depends on. */
function unbound(t) {
  const root = folder(t);
  const copy = path.join(root, 'node_modules/datadog-agent-native');
  for (const part of ['index.js', 'lib', 'package.json']) {
    fs.cpSync(path.join(PACKAGE, part), path.join(copy, part), { recursive: true });
  }
  for (const part of ['koffi', '@koromix']) {
    fs.symlinkSync(path.join(PACKAGE, 'node_modules', part), path.join(root, 'node_modules', part), 'dir');
  }
  return { root, copy };
}

/** What a start prints after the require. */
async function started(t, root, env) {
  // Cargo leads the system's loader to what it has built.
  const variables = { [VARIABLE]: null, LD_LIBRARY_PATH: null, ...env };
  const { status, lines, errors } = await script(t, START, { cwd: root, env: variables }).end();
  assert.deepEqual([status, errors], [0, '']);
  const [required, outcome, ...text] = lines;
  assert.equal(required, 'required');
  return { outcome, text };
}

test('without a library a require works, and a start lists what was tried', async (t) => {
  const { root, copy } = unbound(t);
  const { outcome, text } = await started(t, root);
  assert.equal(outcome, 'true');
  const folders = ['bin/' + MACHINE.folder, 'bin/' + MACHINE.system, 'bin', '.', '..'];
  const tried = folders.map((each) => `  ${path.join(copy, each, MACHINE.library)}: no such file`);
  assert.ok(text[0].includes(VARIABLE));
  assert.deepEqual(text.slice(1, 6), tried);
  assert.ok(text[6].startsWith(`  ${MACHINE.library} by the system's loader: `));
  assert.ok(text.at(-1).includes(MACHINE.package));
});

for (const place of [`bin/${MACHINE.folder}`, `bin/${MACHINE.system}`, 'bin', '.', '..', `../${MACHINE.package}`]) {
  test(`the library is found in ${place}`, async (t) => {
    const { root, copy } = unbound(t);
    const target = path.join(copy, place);
    fs.mkdirSync(target, { recursive: true });
    fs.symlinkSync(BUILT, path.join(target, MACHINE.library));
    if (place.includes(MACHINE.package)) {
      fs.writeFileSync(path.join(target, 'package.json'), '{}');
    }
    assert.deepEqual(await started(t, root), { outcome: 'started', text: [] });
  });
}

test('the library may be named, or the folder that it is in', async (t) => {
  const { root } = unbound(t);
  for (const name of [BUILT, path.dirname(BUILT)]) {
    assert.deepEqual(await started(t, root, { [VARIABLE]: name }), { outcome: 'started', text: [] });
  }
});

test('a library that is named but is not there is not replaced by another', async (t) => {
  const { root, copy } = unbound(t);
  fs.symlinkSync(BUILT, path.join(copy, MACHINE.library));
  const missing = path.join(root, 'missing.so');
  const { outcome, text } = await started(t, root, { [VARIABLE]: missing });
  assert.equal(outcome, 'true');
  assert.deepEqual(text.slice(1), [`  ${missing}: no such file`]);
});

test('a file that is no library is told with the words of the loader', async (t) => {
  const { root } = unbound(t);
  const broken = path.join(root, 'broken.so');
  fs.writeFileSync(broken, 'no library');
  const { outcome, text } = await started(t, root, { [VARIABLE]: broken });
  assert.equal(outcome, 'true');
  assert.ok(text[1].startsWith(`  ${broken}: `));
});
