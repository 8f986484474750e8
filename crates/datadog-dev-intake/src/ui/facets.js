// The facets beside a table: each value with its count, any number of which can be chosen.

import { fill, h } from "./dom.js";
import { count, oneLine } from "./format.js";

/** Values shown of a facet before "more" is asked for, and after. */
const FEW = 9;
const MANY = 200;

/**
 * One value of a facet.
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(n: number, top: number, isChosen: boolean, anyChosen: boolean) => void} show
 */

/**
 * One facet.
 * @template R
 * @typedef {object} Group
 * @property {import("./results.js").Facet<R>} facet
 * @property {HTMLElement} element
 * @property {HTMLElement} list
 * @property {Map<string, Row>} rows by value
 * @property {HTMLElement} more
 */

/** @template {import("./results.js").Findable} R */
export class Facets {
  /**
   * @param {import("./results.js").Results<R>} results
   * @param {(facet: string, value: string) => string | null} levelOf the level whose colour a value wears
   */
  constructor(results, levelOf) {
    this.results = results;
    this.levelOf = levelOf;
    /** @type {Set<string>} facets of which many values are shown */
    this.wide = new Set();
    this.groups = results.facets.map((facet) => this.#group(facet));
    this.clearButton = h("button", { class: "link facets-clear", type: "button", hidden: true }, "Clear all filters");
    this.element = h(
      "aside",
      { class: "facets", "aria-label": "Filters" },
      ...this.groups.map((group) => group.element),
      this.clearButton,
    );
  }

  refresh() {
    this.clearButton.hidden = !this.results.isFiltered;
    for (const group of this.groups) this.#refreshGroup(group);
  }

  /** @param {import("./results.js").Facet<R>} facet @returns {Group<R>} */
  #group(facet) {
    const list = h("div", { class: "facet-values" });
    const element = h(
      "fieldset",
      { class: "facet", "data-facet": facet.id },
      h("legend", {}, facet.title),
      list,
    );
    /** @type {Map<string, Row>} */
    const rows = new Map();
    const more = h("button", { class: "link facet-more", type: "button", hidden: true });
    more.addEventListener("click", () => {
      if (!this.wide.delete(facet.id)) this.wide.add(facet.id);
      this.refresh();
    });
    element.append(more);
    return { facet, element, list, rows, more };
  }

  /** @param {Group<R>} group */
  #refreshGroup(group) {
    const { facet, rows, list, more } = group;
    const counts = this.results.counts.get(facet.id) ?? new Map();
    const chosen = this.results.chosen.get(facet.id) ?? new Set();
    const all = sorted(counts, chosen);
    const limit = this.wide.has(facet.id) ? MANY : FEW;
    const shown = all.slice(0, limit);
    group.element.hidden = all.length === 0;
    for (const value of shown) if (!rows.has(value)) rows.set(value, this.#row(facet.id, value));
    for (const value of [...rows.keys()]) if (!shown.includes(value)) rows.delete(value);
    const top = Math.max(1, ...shown.map((value) => counts.get(value) ?? 0));
    const elements = shown.map((value) => {
      const row = /** @type {Row} */ (rows.get(value));
      row.show(counts.get(value) ?? 0, top, chosen.has(value), chosen.size > 0);
      return row.element;
    });
    if (elements.some((element, index) => list.children[index] !== element) || list.children.length !== elements.length) {
      fill(list, ...elements);
    }
    more.hidden = all.length <= FEW;
    more.textContent = this.wide.has(facet.id) ? "Show fewer" : `${count(all.length - shown.length)} more`;
  }

  /** @param {string} facet @param {string} value @returns {Row} */
  #row(facet, value) {
    const box = h("input", { type: "checkbox" });
    const number = h("span", { class: "facet-count" });
    const bar = h("span", { class: "facet-bar", "aria-hidden": "true" });
    const level = this.levelOf(facet, value);
    const name = h("span", { class: "facet-name", title: value }, oneLine(value, 80));
    const only = h("button", { class: "facet-only", type: "button", "aria-label": `Only ${value}` }, "only");
    const label = h("label", { class: "facet-label" }, box, h("span", { class: "facet-box" }), name, number);
    const element = h("div", { class: "facet-value", "data-value": value, "data-level": level }, bar, label, only);
    box.addEventListener("change", () => this.#toggle(facet, value));
    only.addEventListener("click", () => this.results.choose(facet, [value]));
    /** @param {number} n @param {number} top @param {boolean} isChosen @param {boolean} anyChosen */
    const show = (n, top, isChosen, anyChosen) => {
      if (number.textContent !== count(n)) number.textContent = count(n);
      box.checked = isChosen;
      element.classList.toggle("unchosen", anyChosen && !isChosen);
      bar.style.transform = `scaleX(${n / top})`;
    };
    return { element, show };
  }

  /** @param {string} facet @param {string} value */
  #toggle(facet, value) {
    const chosen = new Set(this.results.chosen.get(facet));
    if (!chosen.delete(value)) chosen.add(value);
    this.results.choose(facet, [...chosen]);
  }
}

/**
 * @param {Map<string, number>} counts
 * @param {Set<string>} chosen values that stay listed even when nothing has them
 * @returns {string[]} the most frequent first
 */
function sorted(counts, chosen) {
  const values = [...new Set([...counts.keys(), ...chosen])];
  return values.sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || (a < b ? -1 : 1));
}
