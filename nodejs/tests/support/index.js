'use strict';

// What tests share: the intake that agents send to, scripts in processes of their own, and waiting for something.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const PACKAGE = path.resolve(__dirname, '../..');
const REPOSITORY = path.dirname(PACKAGE);

/** Time after which something will not happen any more, on a machine that is busy with other things. */
const DEADLINE_MS = 60_000;

/** Looks again and again; returns the first thing that is something. */
async function until(what, look) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the running intake has of a kind, one record each. */
async function records(kind, query = {}) {
  const url = process.env.INTAKE_URL;
  if (!url) {
    throw new Error('INTAKE_URL must name a running intake; `cargo xtask nodejs` starts one');
  }
  const answer = await fetch(`${url}/inspect/${kind}?${new URLSearchParams(query)}`);
  const lines = (await answer.text()).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** Waits for a record. */
async function expected(kind, query) {
  const found = await until(`${kind} ${JSON.stringify(query)}`, async () => {
    const all = await records(kind, query);
    return all.length > 0 && all;
  });
  return found[0];
}

/** A program of Node.js in a process of its own, with lines that it prints. */
class Script {
  #child;
  #lines;
  #errors = '';
  #ended;

  constructor(t, words, { cwd = PACKAGE, env = {} } = {}) {
    const variables = { ...process.env, ...env };
    for (const name of Object.keys(variables)) {
      if (variables[name] === null) {
        delete variables[name];
      }
    }
    // Set by the runner of the tests, for the tests alone.
    delete variables.NODE_TEST_CONTEXT;
    this.#child = spawn(process.execPath, words, { cwd, env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors += text;
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve(code ?? signal)));
    t.after(() => this.#child.kill('SIGKILL'));
  }

  /** The next line; undefined after the last. */
  async line() {
    return (await this.#lines.next()).value;
  }

  send(signal) {
    this.#child.kill(signal);
  }

  /** Waits for its end: its status or signal, the lines that are left, and what it wrote to standard error. */
  async end() {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), DEADLINE_MS);
    const lines = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      lines.push(line);
    }
    const status = await this.#ended;
    clearTimeout(timer);
    return { status, lines, errors: this.#errors };
  }
}

/** Starts the text of a program in a folder in which the package is installed. */
function script(t, text, options = {}) {
  return new Script(t, ['-e', text], options);
}

/** A folder that goes with the test. */
function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'agent-nodejs-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A folder in which the package is installed under names of ours, as `npm install NAME@file:…` would. */
function installed(t, ...names) {
  const root = folder(t);
  for (const name of names) {
    const target = path.join(root, 'node_modules', name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.symlinkSync(PACKAGE, target, 'dir');
  }
  return root;
}

/** Whether something takes connections on a port or a Unix socket. */
function connects(where) {
  return new Promise((resolve) => {
    const client = net.connect(typeof where === 'number' ? { port: where, host: '127.0.0.1' } : where);
    client.once('connect', () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });
}

/** A port that nobody has. */
async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Posts to an agent. */
function post(agent, where, body, type = 'application/json') {
  return fetch(`http://127.0.0.1:${agent.boundPort}${where}`, {
    method: 'POST',
    headers: { 'Content-Type': type },
    body,
  });
}

module.exports = {
  DEADLINE_MS,
  PACKAGE,
  REPOSITORY,
  Script,
  connects,
  expected,
  folder,
  freePort,
  installed,
  post,
  records,
  script,
  until,
};
