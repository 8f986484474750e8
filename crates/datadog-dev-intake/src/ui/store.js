// Keeps the newest records of one kind, bounded by count and by bytes, oldest out first.
//
// Knows neither the network nor the document; the views listen to it.

/**
 * The least that every kind of record has.
 * @typedef {object} Stored
 * @property {number} seq its place in the order of arrival; strictly rising
 * @property {number} bytes what it counts against the bound
 */

/**
 * @template {Stored} R
 * @typedef {object} StoreListener
 * @property {(added: R[], evicted: R[]) => void} changed
 * @property {() => void} cleared
 */

/**
 * Lets go of what an array holds at an index that is never read again, so that its memory can be reclaimed.
 * @param {unknown[]} records
 * @param {number} index
 */
export function vacate(records, index) {
  records[index] = undefined;
}

/** @template {Stored} R */
export class RecordStore {
  /** @param {{ maxRecords: number, maxBytes: number }} bounds */
  constructor(bounds) {
    this.bounds = bounds;
    this.bytes = 0;
    /** How many records left to make room, since the last `clear`. */
    this.evicted = 0;
    /** @type {R[]} */
    this.records = [];
    /** Index of the oldest record still kept; what is before it is already empty. */
    this.head = 0;
    /** @type {Set<StoreListener<R>>} */
    this.listeners = new Set();
  }

  get size() {
    return this.records.length - this.head;
  }

  /** The highest `seq` seen, or 0. */
  get lastSeq() {
    return this.size > 0 ? this.records[this.records.length - 1].seq : 0;
  }

  /** Every record kept, oldest first. */
  *[Symbol.iterator]() {
    for (let index = this.head; index < this.records.length; index += 1) yield this.records[index];
  }

  /** Adds records in rising order of `seq`; those already seen are skipped. @param {R[]} records */
  add(records) {
    const last = this.lastSeq;
    const added = records.filter((record) => record.seq > last);
    for (const record of added) {
      this.records.push(record);
      this.bytes += record.bytes;
    }
    const evicted = this.#evict();
    if (added.length === 0) return;
    for (const listener of this.listeners) listener.changed(added, evicted);
  }

  clear() {
    this.records = [];
    this.head = 0;
    this.bytes = 0;
    this.evicted = 0;
    for (const listener of this.listeners) listener.cleared();
  }

  /** @param {number} seq @returns {R | undefined} */
  find(seq) {
    const record = this.records[this.#firstFrom(seq)];
    return record?.seq === seq ? record : undefined;
  }

  /** How many records up to a number came in since the last `clear`, those that left included. @param {number} seq */
  seenUpTo(seq) {
    return this.evicted + this.#firstFrom(seq + 1) - this.head;
  }

  /** @param {StoreListener<R>} listener */
  listen(listener) {
    this.listeners.add(listener);
  }

  /** @param {number} seq @returns {number} index of the first record with that number or a higher one */
  #firstFrom(seq) {
    let low = this.head;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.records[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns {R[]} what had to leave */
  #evict() {
    /** @type {R[]} */
    const gone = [];
    while (this.size > this.bounds.maxRecords || (this.bytes > this.bounds.maxBytes && this.size > 1)) {
      const record = this.records[this.head];
      gone.push(record);
      this.bytes -= record.bytes;
      vacate(this.records, this.head);
      this.head += 1;
    }
    this.evicted += gone.length;
    this.#compact();
    return gone;
  }

  /** Gives back the emptied front; rarely, so that eviction stays cheap. */
  #compact() {
    if (this.head < 8_192 && this.head < this.records.length) return;
    this.records = this.records.slice(this.head);
    this.head = 0;
  }
}
