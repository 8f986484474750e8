// The facets beside a table: each value with its count, any number of which can be chosen.

import { fill, h } from "./dom.js";
import { count, oneLine } from "./format.js";

/** Values shown of a facet before "more" is asked for, and after. */
const FEW = 9;
const MANY = 200;

/**
 * @template {import("./results.js").Findable} R
 */
export class Facets {
  /**
   * @param {import("./results.js").Results<R>} results
   * @param {{ order?: Record<string, string[]>, levelOf: (facet: string, value: string) => string | null }} look
   *   a fixed order of some facets' values, and the level whose colour a value wears
   */
  constructor(results, look) {
    this.results = results;
    this.look = look;
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

  /** @param {import("./results.js").Facet<R>} facet */
  #group(facet) {
    const list = h("div", { class: "facet-values" });
    const element = h(
      "fieldset",
      { class: "facet", "data-facet": facet.id },
      h("legend", {}, facet.title),
      list,
    );
    /** @type {Map<string, ReturnType<Facets<R>["row"]>>} */
    const rows = new Map();
    const more = h("button", { class: "link facet-more", type: "button", hidden: true });
    more.addEventListener("click", () => {
      if (!this.wide.delete(facet.id)) this.wide.add(facet.id);
      this.refresh();
    });
    element.append(more);
    return { facet, element, list, rows, more };
  }

  /** @param {ReturnType<Facets<R>["#group"]>} group */
  #refreshGroup(group) {
    const { facet, rows, list, more } = group;
    const counts = this.results.counts.get(facet.id) ?? new Map();
    const chosen = this.results.chosen.get(facet.id) ?? new Set();
    const all = this.#sorted(facet.id, counts, chosen);
    const limit = this.wide.has(facet.id) ? MANY : FEW;
    const shown = all.slice(0, limit);
    group.element.hidden = all.length === 0;
    for (const value of shown) if (!rows.has(value)) rows.set(value, this.row(facet.id, value));
    for (const value of [...rows.keys()]) if (!shown.includes(value)) rows.delete(value);
    const top = Math.max(1, ...shown.map((value) => counts.get(value) ?? 0));
    const elements = shown.map((value) => {
      const row = /** @type {ReturnType<Facets<R>["row"]>} */ (rows.get(value));
      row.show(counts.get(value) ?? 0, top, chosen.has(value), chosen.size > 0);
      return row.element;
    });
    if (elements.some((element, index) => list.children[index] !== element) || list.children.length !== elements.length) {
      fill(list, ...elements);
    }
    more.hidden = all.length <= FEW;
    more.textContent = this.wide.has(facet.id) ? "Show fewer" : `${count(all.length - shown.length)} more`;
  }

  /**
   * @param {string} facet
   * @param {Map<string, number>} counts
   * @param {Set<string>} chosen values that stay listed even when nothing has them
   * @returns {string[]}
   */
  #sorted(facet, counts, chosen) {
    const order = this.look.order?.[facet] ?? [];
    const rank = (/** @type {string} */ value) => (order.indexOf(value) + order.length + 1) % (order.length + 1);
    const values = [...new Set([...counts.keys(), ...chosen])];
    return values.sort(
      (a, b) => rank(a) - rank(b) || (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || (a < b ? -1 : 1),
    );
  }

  /** @param {string} facet @param {string} value */
  row(facet, value) {
    const box = h("input", { type: "checkbox" });
    const number = h("span", { class: "facet-count" });
    const bar = h("span", { class: "facet-bar", "aria-hidden": "true" });
    const level = this.look.levelOf(facet, value);
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
