// Security events of all traces as a list, the newest first; each leads to its trace.

import { arrange, fill, h } from "./dom.js";
import { clock, count, counted, oneLine } from "./format.js";
import { kindOf, pathOf, verdict } from "./span-security.js";

/** @typedef {import("./trace-model.js").Attack} Attack */
/** @typedef {import("./trace-model.js").TraceModel} TraceModel */

/** Events listed at once, the newest. */
const MAX_LISTED = 300;

export class SecurityList {
  /** @param {(attack: Attack) => void} onPick */
  constructor(onPick) {
    this.onPick = onPick;
    /** @type {WeakMap<Attack, HTMLElement>} */
    this.rows = new WeakMap();
    this.list = h("div", { class: "security-rows", role: "list", "aria-label": "Security events" });
    this.blank = h("div", { class: "metrics-blank" });
    this.element = h("div", { class: "security-list", hidden: true }, this.list, this.blank);
  }

  /** @param {TraceModel} model @param {string[]} words in lower case @returns {string} what the foot says */
  show(model, words) {
    const all = model.attacks;
    const found = all.filter((attack) => words.every((word) => attack.searched.includes(word)));
    const listed = found.slice(-MAX_LISTED).reverse();
    arrange(this.list, listed.map((attack) => this.#row(attack)));
    this.blank.hidden = listed.length > 0;
    fill(this.blank, all.length > 0 ? "No security event matches." : "No security events yet. They come on the spans of requests that a firewall looks at: turn AppSec on in the tracer or in the agent.");
    const of = found.length === all.length ? counted(all.length, "security event") : `${count(found.length)} of ${counted(all.length, "security event")}`;
    const blocked = all.filter(({ event }) => event.blocked).length;
    const more = found.length > listed.length ? `, the newest ${MAX_LISTED} listed` : "";
    const cut = model.attacksCut > 0 ? `, ${counted(model.attacksCut, "older one", "older ones")} not listed` : "";
    return `${of}${blocked > 0 ? `, ${count(blocked)} blocked` : ""}${more}${cut}`;
  }

  /** @param {Attack} attack */
  #row(attack) {
    const known = this.rows.get(attack);
    if (known) return known;
    const { event, span, trace } = attack;
    const { rule } = event;
    const parameter = event.rule_matches[0]?.parameters[0];
    const button = h(
      "button",
      { class: "security-row", type: "button", "data-rule": rule.id, title: "Show its trace" },
      h("time", {}, clock(attack.at)),
      h("span", { class: "security-verdict" }, verdict(event)),
      h("span", { class: "security-rule" }, h("b", {}, oneLine(rule.name || rule.id, 200)), h("small", {}, [oneLine(rule.id, 100), kindOf(event)].filter(Boolean).join(" · "))),
      h("span", { class: "security-found" }, h("span", {}, parameter ? oneLine(parameter.value, 200) : ""), h("small", {}, parameter ? pathOf(parameter) : "")),
      h("span", { class: "security-span" }, h("span", {}, oneLine(span.raw.resource || span.raw.name, 200)), h("small", {}, [oneLine(span.raw.service, 60), oneLine(span.raw.meta["actor.ip"] ?? span.raw.meta["http.client_ip"] ?? "", 60)].filter(Boolean).join(" · "))),
    );
    button.addEventListener("click", () => this.onPick(attack));
    const row = h("div", { role: "listitem", "data-trace": trace.id }, button);
    this.rows.set(attack, row);
    return row;
  }
}
