// Keeps the records of open streams as they are now: the intake lists each once, as it opens, and its numbers go on.

import { getRequestLine } from "./api.js";
import { parseRequest } from "./request-record.js";

/** @typedef {import("./request-record.js").RequestRecord} RequestRecord */

/** Records asked for anew at a time. */
const MOST = 8;

export class OpenStreams {
  /**
   * @param {import("./store.js").RecordStore<RequestRecord>} store
   * @param {(seqs: Set<number>) => void} changed called when records say something else than before
   */
  constructor(store, changed) {
    this.changed = changed;
    /** @type {Set<RequestRecord>} those that have not ended */
    this.open = new Set();
    this.isAsking = false;
    store.listen({
      changed: (added, evicted) => {
        for (const record of added) if (isOpen(record)) this.open.add(record);
        for (const record of evicted) this.open.delete(record);
      },
      cleared: () => this.open.clear(),
    });
  }

  /** Asks how they stand. */
  async refresh() {
    if (this.open.size === 0 || this.isAsking) return;
    this.isAsking = true;
    try {
      const asked = [...this.open].slice(0, MOST);
      const news = await Promise.all(asked.map((record) => this.#refreshOne(record)));
      const changed = asked.filter((_, index) => news[index]).map((record) => record.seq);
      if (changed.length > 0) this.changed(new Set(changed));
    } catch {
      // The connection says so itself, and asks again.
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {RequestRecord} record @returns {Promise<boolean>} whether it says something else now */
  async #refreshOne(record) {
    const line = await getRequestLine(record.seq);
    const now = line === null ? null : parseRequest(line);
    // Those asked for stand behind the others, so that each has its turn.
    const wasKnown = this.open.delete(record);
    if (!wasKnown || now?.seq !== record.seq) return false;
    if (isOpen(now)) this.open.add(record);
    const before = standing(record);
    Object.assign(record, now, { bytes: record.bytes });
    return before !== standing(record);
  }
}

/** What a record says, but for how long it has been open. @param {RequestRecord} record */
function standing({ raw }) {
  return JSON.stringify({ ...raw, duration_ms: null });
}

/** @param {RequestRecord} record */
function isOpen(record) {
  return record.raw.via === "stream" && record.raw.ended === null;
}
