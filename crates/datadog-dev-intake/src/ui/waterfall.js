// One trace as a waterfall: a row for each span, below its parent, with a bar where and as long as it ran; and above it
// the same as a flame, all spans of one depth in one line.

import { fill, h } from "./dom.js";
import { counted, oneLine } from "./format.js";
import { icon } from "./icons.js";
import { nanoseconds } from "./trace-format.js";
import { eventsOf, extentOf, treeOf } from "./trace-model.js";

/** @typedef {import("./trace-model.js").Trace} Trace */
/** @typedef {import("./trace-model.js").Node} Node */
/** @typedef {import("./trace-model.js").Span} Span */

/** Rows drawn of one trace; colours of services; steps that a name is moved to the right. */
const MAX_ROWS = 1_000;
const COLOURS = 8;
const MAX_INDENT = 24;
/** Depths that the flame shows. */
const MAX_DEPTH = 12;

export class Waterfall {
  /** @param {(span: Span) => void} onPick */
  constructor(onPick) {
    this.onPick = onPick;
    this.flame = h("div", { class: "flame", "aria-hidden": "true" });
    this.ruler = h("div", { class: "waterfall-ruler", "aria-hidden": "true" });
    this.rows = h("div", { class: "waterfall-rows", role: "tree", "aria-label": "Spans" });
    this.more = h("p", { class: "note" });
    this.element = h("div", { class: "waterfall" }, this.flame, this.ruler, this.rows, this.more);
    this.rows.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#move(event));
    /** @type {Map<Span, HTMLElement>} */
    this.byOfSpan = new Map();
  }

  /** @param {Trace} trace @param {Span | null} chosen */
  show(trace, chosen) {
    const nodes = treeOf(trace);
    const { duration } = extentOf(trace);
    const drawn = nodes.slice(0, MAX_ROWS);
    const colours = new Map(trace.services.map((service, index) => [service, index % COLOURS]));
    fill(this.flame, ...drawn.filter(({ depth }) => depth < MAX_DEPTH).map((node) => this.#block(node, duration, colours)));
    const depth = Math.min(MAX_DEPTH, 1 + drawn.reduce((most, node) => Math.max(most, node.depth), 0));
    this.flame.style.height = `${depth * 14}px`;
    fill(this.ruler, ...[0, 0.25, 0.5, 0.75, 1].map((share) => h("span", {}, nanoseconds(duration * share))));
    this.byOfSpan = new Map(drawn.map((node) => [node.span, this.#row(node, duration, colours)]));
    fill(this.rows, ...this.byOfSpan.values());
    this.more.hidden = nodes.length === drawn.length;
    fill(this.more, `${counted(nodes.length - drawn.length, "more span")} not drawn.`);
    this.choose(chosen);
  }

  /** Marks the row of a span. @param {Span | null} chosen */
  choose(chosen) {
    for (const [span, row] of this.byOfSpan) row.setAttribute("aria-selected", String(span === chosen));
  }

  /** @param {Node} node @param {number} duration @param {Map<string, number>} colours */
  #row(node, duration, colours) {
    const { raw, isError } = node.span;
    const attacks = eventsOf(node.span).length;
    const name = h(
      "span",
      { class: "span-name" },
      h("span", { class: "span-service", "data-curve": colours.get(raw.service) }, oneLine(raw.service || "no service", 60)),
      attacks > 0 && h("span", { class: "security-mark", title: counted(attacks, "security event") }, icon("shield")),
      h("span", { class: "span-resource" }, oneLine(raw.resource || raw.name || "no resource", 200)),
    );
    name.style.paddingInlineStart = `${Math.min(node.depth, MAX_INDENT) * 14}px`;
    const bar = this.#bar(node, duration, colours, "span-bar");
    const time = h("span", { class: "span-time" }, nanoseconds(node.span.duration));
    const row = h(
      "button",
      { class: "span-row", type: "button", role: "treeitem", "aria-level": node.depth + 1, "data-span": raw.spanID, "data-error": isError, title: `${raw.name} · ${raw.resource}` },
      name,
      h("span", { class: "span-track" }, bar),
      time,
    );
    row.addEventListener("click", () => this.onPick(node.span));
    return row;
  }

  /** @param {Node} node @param {number} duration @param {Map<string, number>} colours */
  #block(node, duration, colours) {
    const block = this.#bar(node, duration, colours, "flame-block");
    block.style.top = `${node.depth * 14}px`;
    block.addEventListener("click", () => this.onPick(node.span));
    return block;
  }

  /** @param {Node} node @param {number} duration @param {Map<string, number>} colours @param {string} kind */
  #bar(node, duration, colours, kind) {
    const { raw, isError } = node.span;
    const bar = h("span", { class: kind, "data-curve": colours.get(raw.service), "data-error": isError });
    const whole = Math.max(1, duration);
    bar.style.left = `${((node.at / whole) * 100).toFixed(3)}%`;
    bar.style.width = `${((node.span.duration / whole) * 100).toFixed(3)}%`;
    return bar;
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const rows = [...this.byOfSpan];
    const at = rows.findIndex(([, row]) => row === document.activeElement);
    const next = rows[at + by];
    if (at === -1 || !next) return;
    event.preventDefault();
    next[1].focus();
    this.onPick(next[0]);
  }
}
