// The view that every signal has: search box, facets, bars over time, table, and a drawer with the details of one record.
//
// A signal describes itself with a `Definition`; nothing here knows what a log or a request is.

import { fill, h, setText, throttled } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Facets } from "./facets.js";
import { clockSeconds, count, counted } from "./format.js";
import { Histogram, spanOf } from "./histogram.js";
import { icon } from "./icons.js";
import { compile } from "./query.js";
import { Results } from "./results.js";
import { SearchBox } from "./search-box.js";
import { Table } from "./table.js";

/** How often facets and bars are brought up to date while records stream in, in milliseconds. */
const SUMMARY_PAUSE_MS = 250;

/** How often a changed search is run while it is being typed, in milliseconds. */
const SEARCH_PAUSE_MS = 120;

/** Keys that scroll what has the focus, and move the cursor only elsewhere. */
const SCROLLING_KEYS = new Set(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]);

/**
 * What a signal says about itself.
 * @template {import("./results.js").Findable} R
 * @typedef {object} Definition
 * @property {string} id
 * @property {string} title the tab's name
 * @property {string} noun one record
 * @property {string} path where the intake lists the records
 * @property {(line: string) => R} parse one line of that list
 * @property {(summary: import("./api.js").Summary) => number} total how many the intake counted
 * @property {import("./store.js").RecordStore<R>} store
 * @property {import("./histogram.js").Level[]} levels the gravest first
 * @property {(record: R) => number} levelOf index into `levels`
 * @property {import("./results.js").Facet<R>[]} facets
 * @property {(facet: string, value: string) => string | null} facetLevel
 * @property {import("./table.js").Column[]} columns
 * @property {(record: R, cells: HTMLElement[], row: HTMLElement, marks: RegExp | null) => void} fillRow
 * @property {(record: R, field: string) => unknown} valueOf
 * @property {import("./search-box.js").Hint[]} hints
 * @property {(record: R, tools: DetailTools) => import("./drawer.js").Details} details
 * @property {() => HTMLElement} empty what to say while nothing has arrived
 */

/**
 * What the details of a record can do to the view around them.
 * @typedef {object} DetailTools
 * @property {(term: string) => void} addTerm narrows the search
 * @property {AbortSignal} signal aborted when other details take their place
 */

/** @template {import("./results.js").Findable} R */
export class Explorer {
  /**
   * @param {Definition<R>} definition
   * @param {() => void} onMode called when it starts or stops holding still
   */
  constructor(definition, onMode) {
    this.definition = definition;
    this.onMode = onMode;
    /** Why the table holds still: asked to, scrolled away from the newest, or a record is being read. */
    this.reasons = { paused: false, away: false, reading: false };
    /** @type {number | null} a record to open as soon as it arrives */
    this.awaited = null;
    /** What the intake itself could not keep, in words. */
    this.loss = "";
    this.results = new Results(definition.store, definition.facets, (change) => this.#changed(change));
    this.summarise = throttled(() => this.#summarise(), SUMMARY_PAUSE_MS);
    this.runSearch = throttled(() => this.#search(), SEARCH_PAUSE_MS);
    this.searchBox = this.#makeSearchBox();
    this.facets = this.#makeFacets();
    this.histogram = this.#makeHistogram();
    this.table = this.#makeTable();
    this.drawer = this.#makeDrawer();
    this.pauseButton = h("button", { class: "button pause", type: "button" });
    this.rangeChip = h("button", { class: "chip range-chip", type: "button", hidden: true, title: "Show all times again" });
    this.filterButton = h("button", { class: "button facets-toggle", type: "button", "aria-expanded": "false" }, icon("filter"), "Filters");
    this.pill = h("button", { class: "pill", type: "button", hidden: true });
    this.blank = h("div", { class: "blank", hidden: true });
    this.foot = h("p", { class: "foot" });
    this.element = this.#assemble();
    this.#showPauseButton();
  }

  get isHolding() {
    return this.results.heldAt !== null;
  }

  /** To be called whenever the view comes into sight. */
  shown() {
    this.#summarise();
    this.table.redraw();
  }

  /** To be called after records were changed where they stand. @param {Set<number>} changed their numbers */
  recount(changed) {
    this.results.search(this.results.query);
    const { cursor } = this.table;
    const record = cursor !== null && changed.has(cursor) ? this.results.at(this.results.indexOf(cursor)) : undefined;
    if (record && this.drawer.isOpen) this.drawer.replace(this.#detailsOf(record));
  }

  /** Paints again what does not follow the style sheet by itself. */
  repaint() {
    this.histogram.repaint();
  }

  /** Says anew what to do while nothing has arrived. */
  refreshEmpty() {
    delete this.blank.dataset.kind;
    this.#showBlank();
  }

  /** Opens a record, dropping filters that hide it, or waits for it to arrive. @param {number} seq */
  openSeq(seq) {
    this.awaited = seq;
    if (!this.definition.store.find(seq)) return;
    if (this.results.heldAt !== null && this.results.heldAt < seq) this.resume();
    if (this.results.indexOf(seq) === -1) this.searchFor("");
    this.awaited = null;
    this.table.setCursor(seq);
    this.table.reveal(seq);
    const record = this.results.at(this.results.indexOf(seq));
    if (record) this.#pick(record, "open");
  }

  /** Replaces every filter by this search. @param {string} text */
  searchFor(text) {
    this.searchBox.text = text;
    this.results.reset(compile(text, this.definition.valueOf));
  }

  togglePause() {
    if (this.isHolding) this.resume();
    else this.#because({ paused: true });
  }

  /** Back to the newest, and follow. */
  resume() {
    this.table.scrollToTop();
    this.#because({ paused: false, away: false, reading: false });
  }

  /**
   * Handles a key that no text field wanted.
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it meant something here
   */
  key(event) {
    const action = this.#actions()[event.key];
    if (!action) return false;
    const target = /** @type {Element} */ (event.target);
    if (event.key === "Enter" && target.closest("button, a, summary")) return false;
    if (SCROLLING_KEYS.has(event.key) && this.drawer.element.contains(target)) return false;
    action();
    return true;
  }

  /** @returns {Record<string, () => void>} */
  #actions() {
    const { table } = this;
    return {
      "/": () => this.searchBox.focus(),
      j: () => table.move(1),
      ArrowDown: () => table.move(1),
      k: () => table.move(-1),
      ArrowUp: () => table.move(-1),
      PageDown: () => table.move(table.pageSize),
      PageUp: () => table.move(-table.pageSize),
      g: () => table.move(-Infinity),
      Home: () => table.move(-Infinity),
      G: () => table.move(Infinity),
      End: () => table.move(Infinity),
      p: () => this.togglePause(),
      Enter: () => void table.open(),
      Escape: () => this.#escape(),
    };
  }

  #makeSearchBox() {
    const { id, noun, hints } = this.definition;
    return new SearchBox({ id, noun, hints, onInput: () => this.runSearch(), onLeave: () => this.table.focus() });
  }

  #makeFacets() {
    const facets = new Facets(this.results, this.definition.facetLevel);
    facets.clearButton.addEventListener("click", () => this.searchFor(""));
    return facets;
  }

  /** @returns {Histogram<R>} */
  #makeHistogram() {
    const { levels, levelOf, noun } = this.definition;
    return new Histogram({
      levels,
      levelOf,
      noun,
      onRange: (range) => this.results.between(range),
      onResize: () => this.#summarise(),
    });
  }

  /** @returns {Table<R>} */
  #makeTable() {
    const { id, title, columns, fillRow } = this.definition;
    return new Table({
      id,
      label: title,
      columns,
      rows: {
        length: () => this.results.length,
        at: (index) => this.results.at(index),
        indexOf: (seq) => this.results.indexOf(seq),
        fill: (record, cells, row) => fillRow(record, cells, row, this.results.query.marks),
      },
      onScroll: (isAtTop) => this.#because({ away: !isAtTop }),
      onPick: (record, how) => this.#pick(record, how),
    });
  }

  #makeDrawer() {
    return new Drawer({
      label: `Details of the ${this.definition.noun}`,
      onClose: () => this.#closed(),
      onMove: (by) => this.table.move(by),
    });
  }

  /** @returns {HTMLElement} */
  #assemble() {
    const { id } = this.definition;
    this.pauseButton.addEventListener("click", () => this.togglePause());
    this.rangeChip.addEventListener("click", () => this.results.between(null));
    this.filterButton.addEventListener("click", () => this.#toggleFacets());
    this.pill.addEventListener("click", () => this.resume());
    const tools = [this.searchBox.element, this.rangeChip, this.filterButton, this.pauseButton];
    const stage = h("div", { class: "stage" }, this.table.element, this.pill, this.blank);
    return h(
      "section",
      { class: "explorer", id: `view-${id}`, role: "tabpanel", "aria-labelledby": `tab-${id}` },
      h("div", { class: "toolbar", role: "search" }, ...tools),
      this.facets.element,
      h("div", { class: "content" }, this.histogram.element, stage),
      this.drawer.element,
      h("div", { class: "status-line" }, this.foot, keyLegend()),
    );
  }

  #toggleFacets() {
    const isOpen = this.element.classList.toggle("facets-open");
    this.filterButton.setAttribute("aria-expanded", String(isOpen));
  }

  #search() {
    this.results.search(compile(this.searchBox.text, this.definition.valueOf));
  }

  /** @param {string} term */
  #addTerm(term) {
    const words = this.searchBox.text.trim();
    if (` ${words} `.includes(` ${term} `)) return;
    this.searchBox.text = words === "" ? term : `${words} ${term}`;
    this.#search();
  }

  /** @param {"grown" | "replaced"} change */
  #changed(change) {
    if (change === "replaced") {
      this.table.redraw();
      this.#summarise();
    } else {
      this.table.draw();
      this.summarise();
    }
    this.#showPending();
    if (this.definition.store.size === 0) this.#emptied();
    else if (this.awaited !== null) this.openSeq(this.awaited);
  }

  /** Everything is gone: nothing is left to read or to hold still for. */
  #emptied() {
    this.drawer.close();
    this.table.setCursor(null);
    this.resume();
  }

  #summarise() {
    if (this.element.hidden) return;
    this.#showBlank();
    this.facets.refresh();
    this.histogram.show(this.results, this.results.range ?? spanOf(this.definition.store));
    this.#showRange();
    setText(this.foot, this.#footText());
  }

  #footText() {
    const { store, noun } = this.definition;
    const matching = this.results.length + this.results.pending;
    const shown = this.results.isFiltered ? `${count(matching)} of ${counted(store.size, noun)}` : counted(store.size, noun);
    const { maxRecords, maxBytes } = store.bounds;
    const cap = `this page keeps the newest ${count(maxRecords)}, at most ${count(maxBytes / 1_000_000)} MB`;
    const left = store.evicted > 0 ? `, ${count(store.evicted)} older ones left it` : "";
    return `${shown} · ${cap}${left}${this.loss}`;
  }

  #showRange() {
    const { range } = this.results;
    this.rangeChip.hidden = range === null;
    if (range) fill(this.rangeChip, `${clockSeconds(range.from)} – ${clockSeconds(range.to)}`, icon("close"));
  }

  #showBlank() {
    const { store, noun } = this.definition;
    const kind = store.size === 0 ? "empty" : this.results.length === 0 && this.results.pending === 0 ? "unmatched" : "";
    this.blank.hidden = kind === "";
    this.element.classList.toggle("is-empty", kind === "empty");
    if (this.blank.dataset.kind === kind && kind !== "unmatched") return;
    this.blank.dataset.kind = kind;
    if (kind === "empty") fill(this.blank, this.definition.empty());
    if (kind === "unmatched") fill(this.blank, this.#unmatched(counted(store.size, noun)));
  }

  /** @param {string} loaded */
  #unmatched(loaded) {
    const clear = h("button", { class: "button", type: "button" }, "Clear all filters");
    clear.addEventListener("click", () => this.searchFor(""));
    return h("div", { class: "blank-inner" }, h("h2", {}, "Nothing matches"), h("p", {}, `None of ${loaded} on this page.`), clear);
  }

  #showPending() {
    const { pending } = this.results;
    this.pill.hidden = pending === 0;
    if (pending > 0) fill(this.pill, icon("up"), `${count(pending)} new`);
  }

  /** @param {Partial<Explorer<R>["reasons"]>} change */
  #because(change) {
    Object.assign(this.reasons, change);
    const { paused, away, reading } = this.reasons;
    const wasHolding = this.isHolding;
    if (paused || away || reading) this.results.hold();
    else this.results.follow();
    if (wasHolding === this.isHolding) return;
    this.#showPauseButton();
    this.onMode();
  }

  #showPauseButton() {
    const words = this.isHolding ? "Resume" : "Pause";
    fill(this.pauseButton, icon(this.isHolding ? "play" : "pause"), h("span", {}, words));
    this.pauseButton.title = this.isHolding ? "Show the newest again (p)" : "Hold the table still (p)";
    this.pauseButton.classList.toggle("active", this.isHolding);
  }

  /** @param {R} record @param {"move" | "open"} how */
  #pick(record, how) {
    this.#because({ reading: true });
    if (how === "move" && !this.drawer.isOpen) return;
    this.drawer.open(this.#detailsOf(record));
    this.element.classList.add("drawer-open");
  }

  /** @param {R} record @returns {(signal: AbortSignal) => import("./drawer.js").Details} */
  #detailsOf(record) {
    return (signal) => this.definition.details(record, { addTerm: (term) => this.#addTerm(term), signal });
  }

  #closed() {
    this.element.classList.remove("drawer-open");
    this.table.focus();
  }

  /** Closes the drawer; once more, leaves the record and follows again where the newest is in sight. */
  #escape() {
    if (this.drawer.isOpen) return this.drawer.close();
    this.table.setCursor(null);
    this.#because({ reading: false });
  }
}

function keyLegend() {
  const keys = [["/", "search"], ["j k", "move"], ["↵", "open"], ["esc", "close"], ["p", "pause"]];
  return h(
    "p",
    { class: "keys", "aria-hidden": "true" },
    ...keys.map(([key, does]) => h("span", {}, h("kbd", {}, key), ` ${does}`)),
  );
}
