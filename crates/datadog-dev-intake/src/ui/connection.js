// Keeps the page and the intake together: polls the summary, follows one stream per signal, and starts over with
// growing pauses when the intake goes away.
//
// A hidden page lets go of its streams, because a browser opens only six connections to one host; it catches up when
// it is shown again.

import { follow, getSummary } from "./api.js";

/** Pauses before trying again, in milliseconds; the last one repeats. */
const PAUSES = [500, 1_000, 2_000, 4_000, 5_000];

/** How often the totals are refreshed. */
const POLL_MS = 1_000;

/**
 * @typedef {object} Source
 * @property {string} path
 * @property {() => number} after the highest `seq` held
 * @property {number} backlog how many records it is worth asking for at the start
 * @property {(seq: number) => number} seenUpTo how many records up to a number were received
 * @property {(summary: import("./api.js").Summary) => number} total how many records of this kind the intake counted
 * @property {(lines: string[]) => void} receive
 * @property {() => void} forget
 */

/**
 * @typedef {{ kind: "connecting" } | { kind: "live" } | { kind: "waiting", seconds: number }} Health
 */

export class Connection {
  /**
   * @param {Source[]} sources
   * @param {{ onHealth: (health: Health) => void, onSummary: (summary: import("./api.js").Summary) => void }} listener
   */
  constructor(sources, listener) {
    this.sources = sources;
    this.listener = listener;
    this.failures = 0;
    /** @type {number | string | null} when the intake that the records are from was started */
    this.startedAt = null;
    /** @type {AbortController | null} aborts everything of the current attempt */
    this.attempt = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
  }

  start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#pause() : this.reconnect()));
    if (!document.hidden) this.reconnect();
  }

  /** Tries at once, whatever the state. */
  reconnect() {
    this.#pause();
    const attempt = new AbortController();
    this.attempt = attempt;
    this.#run(attempt.signal).then(
      () => this.#failed(attempt),
      () => this.#failed(attempt),
    );
  }

  /** Refreshes the totals before they are due, after something that changed them. */
  async refresh() {
    if (this.#take(await getSummary()) === "anew") this.reconnect();
  }

  /** Forgets everything held and follows from the beginning, after a reset that the reader asked for. */
  startOver() {
    this.startedAt = null;
    this.#forget();
    this.reconnect();
  }

  #pause() {
    this.attempt?.abort();
    this.attempt = null;
    clearTimeout(this.retry);
  }

  /** Returns or throws when the connection is lost. @param {AbortSignal} signal */
  async #run(signal) {
    if (this.failures === 0) this.listener.onHealth({ kind: "connecting" });
    const summary = await getSummary();
    if (signal.aborted) return;
    this.#take(summary);
    this.failures = 0;
    this.listener.onHealth({ kind: "live" });
    const streams = this.sources.map((source) => this.#followOne(source, summary, signal));
    await Promise.race([...streams, this.#poll(signal)]);
  }

  /** @param {Source} source @param {import("./api.js").Summary} summary @param {AbortSignal} signal */
  #followOne(source, summary, signal) {
    const after = Math.max(source.after(), startOf(source, summary));
    return follow(source.path, after, signal, (lines) => {
      if (!signal.aborted) source.receive(lines);
    });
  }

  /** @param {AbortSignal} signal */
  async #poll(signal) {
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (signal.aborted) return;
      const summary = await getSummary();
      if (signal.aborted) return;
      if (this.#take(summary) === "anew") this.reconnect();
    }
  }

  /**
   * @param {import("./api.js").Summary} summary
   * @returns {"anew" | "same"} whether the intake is in another life, so that the streams must start over
   */
  #take(summary) {
    const isAnew = this.#beganAnew(summary);
    this.startedAt = summary.started_at;
    if (isAnew) this.#forget();
    this.listener.onSummary(summary);
    return isAnew ? "anew" : "same";
  }

  /**
   * Whether the intake restarted, or was reset by somebody: then more was received than it counted up to the same number.
   * @param {import("./api.js").Summary} summary
   */
  #beganAnew(summary) {
    if (this.startedAt !== null && this.startedAt !== summary.started_at) return true;
    return this.sources.some((source) => source.seenUpTo(summary.seq) > source.total(summary));
  }

  #forget() {
    for (const source of this.sources) source.forget();
  }

  /** @param {AbortController} attempt */
  #failed(attempt) {
    if (this.attempt !== attempt) return;
    attempt.abort();
    const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
    this.failures += 1;
    this.#countDown(Date.now() + pause);
  }

  /** @param {number} until */
  #countDown(until) {
    const left = until - Date.now();
    if (left <= 0) return this.reconnect();
    this.listener.onHealth({ kind: "waiting", seconds: Math.ceil(left / 1_000) });
    this.retry = setTimeout(() => this.#countDown(until), Math.min(left, 1_000));
  }
}

/**
 * About where the newest records worth having begin. All kinds share one sequence of numbers, so that a backlog spans more
 * numbers the rarer its kind is.
 * @param {Source} source
 * @param {import("./api.js").Summary} summary
 */
function startOf(source, summary) {
  const numbersPerRecord = summary.seq / Math.max(1, source.total(summary));
  return Math.max(0, Math.floor(summary.seq - source.backlog * Math.max(1, numbersPerRecord)));
}
