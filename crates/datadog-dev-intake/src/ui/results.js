// What of a store matches the search, the facets and the time range, kept current as records come and go.
//
// Also counts each facet's values among the records that match everything but that facet, and can hold still: while it
// does, records that arrive are counted as pending instead of shown. Knows nothing of the document.

import { vacate } from "./store.js";

/** @typedef {import("./query.js").Searchable & import("./store.js").Stored & { at: number }} Findable */

/**
 * @template R
 * @typedef {object} Facet
 * @property {string} id the field's name in the search box
 * @property {string} title
 * @property {(record: R) => string | string[]} valueOf
 */

/**
 * @template {Findable} R
 */
export class Results {
  /**
   * @param {import("./store.js").RecordStore<R>} store
   * @param {Facet<R>[]} facets
   * @param {(change: "grown" | "replaced") => void} onChange
   */
  constructor(store, facets, onChange) {
    this.store = store;
    this.facets = facets;
    this.onChange = onChange;
    /** @type {import("./query.js").Query<R>} */
    this.query = { matches: () => true, marks: null, isEmpty: true };
    /** @type {Map<string, Set<string>>} chosen values by facet; a facet without any does not filter */
    this.chosen = new Map(facets.map((facet) => [facet.id, new Set()]));
    /** @type {{ from: number, to: number } | null} `to` excluded */
    this.range = null;
    /** @type {number | null} records above this `seq` are pending, while holding still */
    this.heldAt = null;
    /** @type {R[]} */
    this.matching = [];
    /** Index of the oldest match still in the store. */
    this.head = 0;
    /** One past the newest match shown. */
    this.shownEnd = 0;
    /** @type {Map<string, Map<string, number>>} counts by facet and value */
    this.counts = new Map(facets.map((facet) => [facet.id, new Map()]));
    store.listen({
      changed: (added, evicted) => this.#changed(added, evicted),
      cleared: () => this.#cleared(),
    });
  }

  /** How many matching records are shown. */
  get length() {
    return this.shownEnd - this.head;
  }

  /** How many matching records arrived since the results hold still. */
  get pending() {
    return this.matching.length - this.shownEnd;
  }

  get isFiltered() {
    return !this.query.isEmpty || this.range !== null || [...this.chosen.values()].some((values) => values.size > 0);
  }

  /** @param {number} index 0 is the newest shown @returns {R | undefined} */
  at(index) {
    return index < 0 || index >= this.length ? undefined : this.matching[this.shownEnd - 1 - index];
  }

  /** @param {number} seq @returns {number} the index for `at`, or -1 */
  indexOf(seq) {
    let low = this.head;
    let high = this.shownEnd;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.matching[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low < this.shownEnd && this.matching[low].seq === seq ? this.shownEnd - 1 - low : -1;
  }

  /** Every matching record, pending ones included, oldest first. */
  *[Symbol.iterator]() {
    for (let index = this.head; index < this.matching.length; index += 1) yield this.matching[index];
  }

  /** Holds still: what arrives from now on waits. */
  hold() {
    if (this.heldAt !== null) return;
    this.heldAt = this.store.lastSeq;
    this.onChange("grown");
  }

  /** Shows what waited, and follows again. */
  follow() {
    if (this.heldAt === null) return;
    this.heldAt = null;
    this.shownEnd = this.matching.length;
    this.onChange("grown");
  }

  /** @param {import("./query.js").Query<R>} query */
  search(query) {
    this.query = query;
    this.#recount();
  }

  /** @param {{ from: number, to: number } | null} range */
  between(range) {
    this.range = range;
    this.#recount();
  }

  /** @param {string} facet @param {string[]} values none for all */
  choose(facet, values) {
    this.chosen.set(facet, new Set(values));
    this.#recount();
  }

  /** Forgets facets and range, and takes this query instead. @param {import("./query.js").Query<R>} query */
  reset(query) {
    for (const values of this.chosen.values()) values.clear();
    this.range = null;
    this.search(query);
  }

  #forget() {
    this.matching = [];
    this.head = 0;
    this.shownEnd = 0;
    for (const counts of this.counts.values()) counts.clear();
  }

  #recount() {
    this.#forget();
    for (const record of this.store) this.#admit(record);
    this.onChange("replaced");
  }

  /** @param {R[]} added @param {R[]} evicted */
  #changed(added, evicted) {
    for (const record of added) this.#admit(record);
    for (const record of evicted) this.#dismiss(record);
    this.#compact();
    this.onChange("grown");
  }

  #cleared() {
    this.#forget();
    if (this.heldAt !== null) this.heldAt = 0;
    this.onChange("replaced");
  }

  /** @param {R} record */
  #admit(record) {
    if (!this.#count(record, 1)) return;
    this.matching.push(record);
    if (this.heldAt === null || record.seq <= this.heldAt) this.shownEnd = this.matching.length;
  }

  /** @param {R} record the oldest of the store, which has just left it */
  #dismiss(record) {
    this.#count(record, -1);
    if (this.matching[this.head] !== record) return;
    vacate(this.matching, this.head);
    this.head += 1;
    this.shownEnd = Math.max(this.shownEnd, this.head);
  }

  #compact() {
    if (this.head < 8_192) return;
    this.matching = this.matching.slice(this.head);
    this.shownEnd -= this.head;
    this.head = 0;
  }

  /**
   * Adds a record to the counts of every facet that it reaches, or takes it out again.
   * @param {R} record
   * @param {1 | -1} by
   * @returns {boolean} whether the record matches everything
   */
  #count(record, by) {
    if (this.range && (record.at < this.range.from || record.at >= this.range.to)) return false;
    if (!this.query.matches(record)) return false;
    const refusals = this.facets.filter((facet) => !this.#isChosen(facet, record));
    for (const facet of this.facets) {
      const othersAgree = refusals.length === 0 || (refusals.length === 1 && refusals[0] === facet);
      if (othersAgree) this.#tally(facet, record, by);
    }
    return refusals.length === 0;
  }

  /** @param {Facet<R>} facet @param {R} record */
  #isChosen(facet, record) {
    const chosen = this.chosen.get(facet.id);
    if (!chosen || chosen.size === 0) return true;
    const value = facet.valueOf(record);
    return Array.isArray(value) ? value.some((one) => chosen.has(one)) : chosen.has(value);
  }

  /** @param {Facet<R>} facet @param {R} record @param {number} by */
  #tally(facet, record, by) {
    const counts = this.counts.get(facet.id);
    const value = facet.valueOf(record);
    for (const one of Array.isArray(value) ? value : [value]) {
      const now = (counts?.get(one) ?? 0) + by;
      if (now > 0) counts?.set(one, now);
      else counts?.delete(one);
    }
  }
}
