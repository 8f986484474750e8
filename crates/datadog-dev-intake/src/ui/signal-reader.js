// Reads the records of some signals as they come, for a view that asks only while it is in sight: a browser opens only
// six connections to one host, and the views of logs and requests hold two of them.

import { readRecords } from "./api.js";

/** @typedef {import("./api.js").Summary} Summary */

export class SignalReader {
  /**
   * @param {string[]} signals names under `/inspect/`
   * @param {(signal: string, record: Record<string, any>) => void} take
   */
  constructor(signals, take) {
    this.signals = signals;
    this.take = take;
    this.forget();
  }

  /** Begins anew, because the intake forgot everything. */
  forget() {
    this.reading?.abort();
    this.reading = /** @type {AbortController | null} */ (null);
    /** @type {Record<string, { after: number, items: number }>} how far each signal was read */
    this.read = Object.fromEntries(this.signals.map((name) => [name, { after: 0, items: 0 }]));
  }

  /** How many records there are in all. @param {Summary} summary */
  total(summary) {
    return this.signals.reduce((sum, name) => sum + (summary.signals[name]?.items ?? 0), 0);
  }

  /** Reads what is new. @param {Summary} summary @returns {Promise<boolean>} false if it was reading already, or had to begin anew */
  async readNew(summary) {
    if (this.reading) return false;
    const reading = new AbortController();
    this.reading = reading;
    try {
      for (const name of this.signals) await this.#readOne(name, summary.signals[name]?.items ?? 0, reading.signal);
    } catch {
      // The connection says so itself, and the next summary asks again.
    } finally {
      if (this.reading === reading) this.reading = null;
    }
    return !reading.signal.aborted;
  }

  /** @param {string} name @param {number} items @param {AbortSignal} signal */
  async #readOne(name, items, signal) {
    const read = this.read[name];
    if (items === read.items) return;
    await readRecords(`/inspect/${name}`, read.after, signal, (lines) => {
      if (signal.aborted) return;
      for (const line of lines) {
        const record = JSON.parse(line);
        const seq = record._seq ?? record.seq;
        if (!(seq > read.after)) continue;
        read.after = seq;
        this.take(name, record);
      }
    });
    if (!signal.aborted) read.items = items;
  }
}
