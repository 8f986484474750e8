'use strict';

// An agent in this process. The library takes calls about it from any thread; that it is stopped once, and when the
// process ends, is kept here.

const fs = require('node:fs');

const { AppSecRequest, OBEYED } = require('./appsec');
const { DatadogAgentConfig } = require('./config');
const { DatadogAgentException, DatadogError, nameOf } = require('./errors');
const { functions } = require('./library');
const { optionsOf } = require('./options');
const { ShutdownReason } = require('./reason');
const { MAX_MS, Waits } = require('./waits');

/** Longest wait for an agent that the program left running, when the process ends. */
const EXIT_MS = 5_000;

/** How long a flush takes at most, unless the caller says otherwise. */
const FLUSH_MS = 5_000;

// As far as this Node.js knows them.
const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

/** Agents to end with the process. */
const running = new Set();

/** Ends one of them; set by the class, whose secrets it knows. */
let endOne;

class NativeAgent {
  #functions;
  #pointer;
  #waits;
  #keepsAlive;
  #obeys;
  #stopping = null;

  constructor(config = {}) {
    const known = config instanceof DatadogAgentConfig ? config : new DatadogAgentConfig(config);
    const options = optionsOf(known);
    this.#obeys = Boolean(known.appsecBlocking);
    this.#functions = functions();
    const { pointer, ...started } = this.#functions.start(options);
    this.#pointer = pointer;
    for (const [name, value] of Object.entries(started)) {
      Object.defineProperty(this, name, { value, enumerable: true });
    }
    this.#waits = new Waits(() => this.#look(0));
    // Like a server: without it, a program that has said all it has to say would end.
    this.#keepsAlive = setInterval(() => {}, MAX_MS);
    if (running.size === 0) {
      process.on('exit', endAll);
    }
    running.add(this);
  }

  get isRunning() {
    return this.#pointer !== null;
  }

  waitForShutdown(timeoutMs = null) {
    if (!this.isRunning) {
      return Promise.resolve(ShutdownReason.GRACEFUL_SHUTDOWN);
    }
    return this.#waits.add(timeoutMs === null ? null : milliseconds('timeoutMs', timeoutMs));
  }

  waitForShutdownSync(timeoutMs = null) {
    if (!this.isRunning) {
      return ShutdownReason.GRACEFUL_SHUTDOWN;
    }
    if (timeoutMs !== null) {
      return this.#look(milliseconds('timeoutMs', timeoutMs));
    }
    // Not the library's own wait without a time, which takes signals: Node.js has handlers that it would call, and
    // which end the process.
    for (;;) {
      const reason = this.#look(MAX_MS);
      if (reason !== ShutdownReason.TIMEOUT) {
        return reason;
      }
    }
  }

  requestShutdown() {
    const code = this.#functions.requestShutdown(this.#runningPointer());
    if (code !== DatadogError.OK) {
      throw this.#functions.failure(code);
    }
    this.#waits.look();
  }

  async flush(timeoutMs = FLUSH_MS) {
    const pointer = this.#runningPointer();
    const code = await this.#functions.flushAsync(pointer, milliseconds('timeoutMs', timeoutMs));
    if (code === DatadogError.OK || code === DatadogError.SUBMISSION_ERROR) {
      return code === DatadogError.OK;
    }
    // The text is on the thread that called.
    throw new DatadogAgentException(`the agent was not flushed: ${nameOf(code)}`, code);
  }

  appsecRequest({ obeyed = this.#obeys } = {}) {
    const { requests } = this.#functions;
    return new AppSecRequest(requests, requests.open(this.#runningPointer(), obeyed ? OBEYED : 0));
  }

  stop() {
    if (!this.isRunning) {
      return this.#stopping === null;
    }
    const code = this.#functions.stop(this.#leave());
    return code === DatadogError.OK || lost(this.#functions.lastError() || nameOf(code));
  }

  stopAsync() {
    if (this.isRunning) {
      const stopped = this.#functions.stopAsync(this.#leave());
      // How much, the agent's own log says: the text is on the thread that called.
      const toResult = (code) => code === DatadogError.OK || lost(nameOf(code));
      this.#stopping = stopped.then(toResult).finally(() => {
        this.#stopping = null;
      });
    }
    return this.#stopping ?? Promise.resolve(true);
  }

  ref() {
    this.#keepsAlive.ref();
    this.#waits.reference(true);
    return this;
  }

  unref() {
    this.#keepsAlive.unref();
    this.#waits.reference(false);
    return this;
  }

  [DISPOSE]() {
    this.stop();
  }

  async [ASYNC_DISPOSE]() {
    await this.stopAsync();
  }

  /** Takes the pointer: from now on, nobody else uses it. */
  #leave() {
    const pointer = this.#pointer;
    this.#pointer = null;
    clearInterval(this.#keepsAlive);
    running.delete(this);
    if (running.size === 0) {
      process.off('exit', endAll);
    }
    this.#waits.end(ShutdownReason.GRACEFUL_SHUTDOWN);
    return pointer;
  }

  #runningPointer() {
    if (!this.isRunning) {
      throw new DatadogAgentException('the agent was stopped', DatadogError.NULL_POINTER);
    }
    return this.#pointer;
  }

  #look(timeoutMs) {
    const code = this.#functions.wait(this.#pointer, timeoutMs);
    if (code < 0) {
      throw this.#functions.failure(DatadogError.NULL_POINTER);
    }
    return code;
  }

  /** Ends with the process, which should not wait for long. */
  static #end(agent) {
    const pointer = agent.#leave();
    if (agent.#functions.flush(pointer, EXIT_MS) === DatadogError.OK) {
      agent.#functions.stop(pointer);
      return;
    }
    // Stopping it would wait for the network once more; it ends with the process instead.
    fs.writeSync(2, `datadog-agent-native: not everything was delivered: ${agent.#functions.lastError()}\n`);
    if (agent.udsPath !== null) {
      fs.rmSync(agent.udsPath, { force: true });
    }
  }

  static {
    endOne = (agent) => this.#end(agent);
  }
}

function endAll() {
  for (const agent of [...running]) {
    endOne(agent);
  }
}

/** Says that data was lost; false, so that it can be returned. */
function lost(text) {
  process.emitWarning(`the agent stopped: ${text}`, { type: 'DatadogAgentWarning', code: 'DATADOG_AGENT_LOST' });
  return false;
}

function milliseconds(name, value) {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw new TypeError(`${name} must be a number of milliseconds, not ${value}`);
  }
  return Math.min(Math.ceil(value), MAX_MS);
}

module.exports = { NativeAgent };
