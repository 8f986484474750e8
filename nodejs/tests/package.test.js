'use strict';

// The package as it is published.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { PACKAGE, REPOSITORY, folder, script } = require('./support');

const MANIFEST = JSON.parse(fs.readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
const VARIABLE = 'DATADOG_AGENT_NATIVE_LIBRARY_PATH';
const PLATFORM = `${process.platform}-${process.arch}`;

test('the version is that of the workspace', () => {
  const manifest = fs.readFileSync(path.join(REPOSITORY, 'Cargo.toml'), 'utf8');
  assert.equal(MANIFEST.version, /^version = "(.*)"$/m.exec(manifest)[1]);
});

for (const name of ['LICENSE', 'NOTICE']) {
  test(`${name} is that of the repository`, () => {
    assert.deepEqual(fs.readFileSync(path.join(PACKAGE, name)), fs.readFileSync(path.join(REPOSITORY, name)));
  });
}

test('foreign functions are known to one file', () => {
  const files = fs.readdirSync(path.join(PACKAGE, 'lib'));
  const users = files.filter((file) => fs.readFileSync(path.join(PACKAGE, 'lib', file), 'utf8').includes('koffi'));
  assert.deepEqual(users, ['abi.js']);
  assert.match(MANIFEST.dependencies.koffi, /^\d+\.\d+\.\d+$/);
});

test('the declared types are those of what is exported', () => {
  const types = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
  const declared = [...types.matchAll(/^export declare (?:const|class|function) (\w+)/gm)].map((match) => match[1]);
  assert.deepEqual(declared.sort(), Object.keys(require('datadog-agent-native')).sort());
});

test('the packed packages are all that a program needs, under whichever name', async (t) => {
  const root = folder(t);
  const words = ['scripts/pack.js', root, `${PLATFORM}=${process.env[VARIABLE]}`];
  execFileSync(process.execPath, words, { cwd: PACKAGE });
  const main = `file:datadog-agent-native-${MANIFEST.version}.tgz`;
  const library = `datadog-agent-native-${PLATFORM}`;
  const manifest = {
    private: true,
    dependencies: { '@datadog/agent-native': main, [library]: `file:${library}-${MANIFEST.version}.tgz` },
  };
  fs.writeFileSync(path.join(root, 'package.json'), JSON.stringify(manifest));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: root });
  const installed = path.join(root, 'node_modules/@datadog/agent-native');
  const files = fs.readdirSync(installed).filter((name) => name !== 'node_modules');
  assert.deepEqual(files.sort(), [...MANIFEST.files, 'README.md', 'package.json'].sort());
  const text = `
    const { NativeAgent } = require('@datadog/agent-native');
    const agent = new NativeAgent({ apiKey: '0'.repeat(32), remoteConfigEnabled: false, logLevel: 2 });
    console.log(agent.version, agent.stop());`;
  const env = { [VARIABLE]: null, LD_LIBRARY_PATH: null };
  const { status, lines, errors } = await script(t, text, { cwd: root, env }).end();
  assert.deepEqual([status, errors], [0, '']);
  assert.ok(lines[0].startsWith(MANIFEST.version) && lines[0].endsWith('true'), lines[0]);
});
