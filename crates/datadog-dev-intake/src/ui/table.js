// A table of which only the rows in sight exist, so that a hundred thousand records scroll like fifty.
//
// Rows have one height, which the style sheet states as `--row`. The table knows nothing of searches or signals: it asks
// for the record at an index and lets its owner fill the cells.

import { h, oncePerFrame } from "./dom.js";

/** Rows kept ready above and below what is in sight. */
const SPARE_ROWS = 8;

/**
 * @typedef {object} Column
 * @property {string} id also the class of its cells: `cell-ID`
 * @property {string} title
 * @property {boolean} [isNumber] aligned to the right
 */

/**
 * @template {{ seq: number }} R
 * @typedef {object} Rows
 * @property {() => number} length
 * @property {(index: number) => R | undefined} at
 * @property {(seq: number) => number} indexOf -1 when it is not shown
 * @property {(record: R, cells: HTMLElement[], row: HTMLElement) => void} fill writes the cells of one row
 */

/**
 * An element that shows one row after another.
 * @typedef {object} Slot
 * @property {HTMLElement} row
 * @property {HTMLElement[]} cells
 * @property {number} seq of the record shown, or -1
 * @property {number} epoch in which it was filled
 */

/** @template {{ seq: number }} R */
export class Table {
  /**
   * @param {{ id: string, label: string, columns: Column[], rows: Rows<R>,
   *   onScroll: (isAtTop: boolean) => void, onPick: (record: R, how: "move" | "open") => void }} options
   */
  constructor(options) {
    this.options = options;
    this.rowHeight = 22;
    /** @type {Slot[]} */
    this.pool = [];
    /** Rows filled in an earlier epoch are filled again. */
    this.epoch = 0;
    /** @type {number | null} `seq` of the row under the cursor */
    this.cursor = null;
    this.draw = oncePerFrame(() => this.#draw());
    this.head = h("div", { class: "table-head row", role: "row", "aria-rowindex": 1 }, ...this.#cells("columnheader"));
    this.head.childNodes.forEach((/** @type {Node} */ cell, /** @type {number} */ index) => {
      cell.textContent = options.columns[index].title;
    });
    this.body = h("div", { class: "table-body", role: "rowgroup" });
    this.scroller = h(
      "div",
      { class: "table-scroller", tabindex: 0, role: "grid", id: `${options.id}-grid`, "aria-label": options.label },
      h("div", { class: "table-head-holder", role: "rowgroup" }, this.head),
      this.body,
    );
    this.element = h("div", { class: `table table-${options.id}` }, this.scroller);
    this.#listen();
  }

  #listen() {
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.body.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clicked(event));
    new ResizeObserver(() => this.#measure()).observe(this.scroller);
  }

  /** @param {"columnheader" | "gridcell"} role @returns {HTMLElement[]} an empty cell for each column */
  #cells(role) {
    return this.options.columns.map(({ id, isNumber }) =>
      h("div", { role, class: `cell cell-${id}${isNumber ? " number" : ""}` }),
    );
  }

  get isAtTop() {
    return this.scroller.scrollTop < this.rowHeight;
  }

  /** Fills every row in sight again, for when what is highlighted or shown in them changed. */
  redraw() {
    this.epoch += 1;
    this.draw();
  }

  scrollToTop() {
    this.scroller.scrollTop = 0;
    this.draw();
  }

  focus() {
    this.scroller.focus({ preventScroll: true });
  }

  /** @param {number | null} seq */
  setCursor(seq) {
    this.cursor = seq;
    this.redraw();
  }

  /** Moves the cursor by some rows, or to the first or last one with an infinite number. @param {number} by */
  move(by) {
    const count = this.options.rows.length();
    if (count === 0) return;
    const from = this.cursor === null ? -1 : this.options.rows.indexOf(this.cursor);
    const start = from === -1 ? this.#firstInSight() - (by > 0 ? 1 : 0) : from;
    const record = this.options.rows.at(Math.max(0, Math.min(count - 1, start + by)));
    if (!record) return;
    this.cursor = record.seq;
    this.options.onPick(record, "move");
    this.reveal(record.seq);
    this.redraw();
  }

  /** How many rows fit, for moving by a page. */
  get pageSize() {
    return Math.max(1, Math.floor(this.#bodyHeight() / this.rowHeight) - 1);
  }

  /** Opens the row under the cursor. @returns {boolean} whether there is one */
  open() {
    const index = this.cursor === null ? -1 : this.options.rows.indexOf(this.cursor);
    const record = this.options.rows.at(index);
    if (record) this.options.onPick(record, "open");
    return record !== undefined;
  }

  /** Scrolls as little as needed to bring a record into sight. @param {number} seq */
  reveal(seq) {
    const index = this.options.rows.indexOf(seq);
    if (index === -1) return;
    const top = index * this.rowHeight;
    const inSight = this.#bodyHeight();
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + this.rowHeight > this.scroller.scrollTop + inSight) {
      this.scroller.scrollTop = top + this.rowHeight - inSight;
    }
  }

  #firstInSight() {
    return Math.ceil(this.scroller.scrollTop / this.rowHeight);
  }

  #bodyHeight() {
    return Math.max(0, this.scroller.clientHeight - this.head.offsetHeight);
  }

  #measure() {
    const stated = Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row"));
    if (stated > 0) this.rowHeight = stated;
    this.redraw();
  }

  #scrolled() {
    this.options.onScroll(this.isAtTop);
    this.draw();
  }

  #draw() {
    const { rows } = this.options;
    const count = rows.length();
    this.body.style.height = `${count * this.rowHeight}px`;
    this.scroller.setAttribute("aria-rowcount", String(count + 1));
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.rowHeight) - SPARE_ROWS);
    const inSight = Math.ceil(this.#bodyHeight() / this.rowHeight) + 2 * SPARE_ROWS;
    const last = Math.min(count, first + inSight);
    this.#growPool(inSight);
    for (let index = first; index < first + this.pool.length; index += 1) {
      const slot = this.pool[index % this.pool.length];
      const record = index < last ? rows.at(index) : undefined;
      if (record) this.#place(slot, record, index);
      else if (slot.seq !== -1) this.#vacate(slot);
    }
    this.#nameActive();
  }

  /** Tells assistive technology which row the cursor is on, while that row exists. */
  #nameActive() {
    const active = this.pool.find((slot) => slot.seq === this.cursor);
    if (active) this.scroller.setAttribute("aria-activedescendant", active.row.id);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  /** @param {number} wanted */
  #growPool(wanted) {
    while (this.pool.length > wanted) this.pool.pop()?.row.remove();
    while (this.pool.length < wanted) {
      const cells = this.#cells("gridcell");
      const row = h("div", { class: "row", role: "row", hidden: true }, ...cells);
      this.body.append(row);
      this.pool.push({ row, cells, seq: -1, epoch: -1 });
    }
  }

  /** @param {Slot} slot @param {R} record @param {number} index */
  #place(slot, record, index) {
    const { row } = slot;
    row.style.transform = `translateY(${index * this.rowHeight}px)`;
    row.setAttribute("aria-rowindex", String(index + 2));
    if (slot.seq === record.seq && slot.epoch === this.epoch) return;
    const isCursor = record.seq === this.cursor;
    row.hidden = false;
    row.id = `${this.options.id}-row-${record.seq}`;
    row.className = "row";
    row.dataset.seq = String(record.seq);
    row.setAttribute("aria-selected", String(isCursor));
    this.options.rows.fill(record, slot.cells, row);
    slot.seq = record.seq;
    slot.epoch = this.epoch;
  }

  /** @param {Slot} slot */
  #vacate(slot) {
    slot.row.hidden = true;
    slot.row.removeAttribute("id");
    slot.seq = -1;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (String(getSelection()) !== "") return;
    const row = /** @type {Element} */ (event.target).closest("[data-seq]");
    const seq = Number(/** @type {HTMLElement} */ (row)?.dataset.seq);
    const record = this.options.rows.at(this.options.rows.indexOf(seq));
    if (!record) return;
    this.setCursor(record.seq);
    this.options.onPick(record, "open");
  }
}
