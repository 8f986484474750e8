'use strict';

// Waiting for an agent's end without keeping a thread: a look at the agent now and then, and at once when the program
// itself asks for the end. SIGINT and SIGTERM count while somebody waits for them.

const { ShutdownReason } = require('./reason');

/** Between two looks at an agent. */
const PAUSE_MS = 250;

/** Longest time of a timer. */
const MAX_MS = 2 ** 31 - 1;

const SIGNALS = { SIGINT: ShutdownReason.USER_INTERRUPT, SIGTERM: ShutdownReason.GRACEFUL_SHUTDOWN };

class Waits {
  #look;
  #open = new Set();
  #isReferenced = true;

  /** `look` returns the code of a wait of no time, or throws. */
  constructor(look) {
    this.#look = look;
  }

  /** A promise of the reason; with a time, signals are not waited for. */
  add(timeoutMs) {
    return new Promise((resolve, reject) => {
      const wait = new Wait(this.#look, resolve, reject, () => this.#open.delete(wait));
      this.#open.add(wait);
      wait.begin(timeoutMs);
      wait.reference(this.#isReferenced);
    });
  }

  /** Looks now. */
  look() {
    for (const wait of [...this.#open]) {
      wait.look();
    }
  }

  /** Ends all of them. */
  end(reason) {
    for (const wait of [...this.#open]) {
      wait.end(reason);
    }
  }

  /** Whether they keep the process alive. */
  reference(isReferenced) {
    this.#isReferenced = isReferenced;
    for (const wait of this.#open) {
      wait.reference(isReferenced);
    }
  }
}

class Wait {
  #look;
  #resolve;
  #reject;
  #forget;
  #timers = [];
  #handlers = [];

  constructor(look, resolve, reject, forget) {
    this.#look = look;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#forget = forget;
  }

  begin(timeoutMs) {
    this.#timers.push(setInterval(() => this.look(), PAUSE_MS));
    if (timeoutMs === null) {
      for (const [signal, reason] of Object.entries(SIGNALS)) {
        const handler = () => this.end(reason);
        process.once(signal, handler);
        this.#handlers.push([signal, handler]);
      }
    } else {
      this.#timers.push(setTimeout(() => this.end(ShutdownReason.TIMEOUT), Math.min(timeoutMs, MAX_MS)));
    }
    this.look();
  }

  look() {
    try {
      const code = this.#look();
      if (code !== ShutdownReason.TIMEOUT) {
        this.end(code);
      }
    } catch (error) {
      this.#close();
      this.#reject(error);
    }
  }

  end(reason) {
    this.#close();
    this.#resolve(reason);
  }

  reference(isReferenced) {
    for (const timer of this.#timers) {
      if (isReferenced) {
        timer.ref();
      } else {
        timer.unref();
      }
    }
  }

  #close() {
    this.#timers.forEach(clearInterval);
    for (const [signal, handler] of this.#handlers) {
      process.off(signal, handler);
    }
    this.#timers = [];
    this.#handlers = [];
    this.#forget();
  }
}

module.exports = { MAX_MS, Waits };
