// Trace stats as a table: what was hit how often, how much of it failed, and how long it took.

import { fill, h } from "./dom.js";
import { compact, count, counted, oneLine } from "./format.js";
import { nanoseconds } from "./trace-format.js";

/** @typedef {import("./trace-model.js").StatsModel} StatsModel */
/** @typedef {import("./trace-model.js").StatsRow} StatsRow */

/** Rows shown, those with the most hits. */
const MAX_SHOWN = 300;
const QUANTILES = ["p50", "p95", "p99"];
const COLUMNS = ["Service", "Resource", "Hits", "Errors", "Mean", ...QUANTILES, "Request"];

export class ResourceStats {
  /** @param {(seq: number) => void} openRequest */
  constructor(openRequest) {
    this.openRequest = openRequest;
    this.body = h("tbody");
    const head = h("tr", {}, ...COLUMNS.map((title, index) => h("th", { scope: "col", class: index > 1 ? "number" : null }, title)));
    this.blank = h("p", { class: "metrics-blank" }, "No stats yet. An agent sends them every ten seconds.");
    this.note = h("p", { class: "note" }, "Hits, errors and the mean are over all that came; p50 to p99 are those of the newest bucket, of spans that did not fail if there are any.");
    this.table = h("table", { class: "resources", "aria-label": "Stats of resources" }, h("thead", {}, head), this.body);
    this.element = h("div", { class: "resource-stats", hidden: true }, this.table, this.note, this.blank);
  }

  /** @param {StatsModel} model @param {string[]} words in lower case @returns {string} what the foot says */
  show(model, words) {
    const all = [...model.rows.values()];
    const found = all.filter((row) => words.every((word) => row.searched.includes(word)));
    const shown = found.sort((a, b) => b.hits - a.hits || (a.key < b.key ? -1 : 1)).slice(0, MAX_SHOWN);
    // A row that is clicked in must not go away under the pointer.
    if (!this.body.contains(document.activeElement)) fill(this.body, ...shown.map((row) => this.#row(row)));
    this.table.hidden = shown.length === 0;
    this.note.hidden = shown.length === 0;
    this.blank.hidden = shown.length > 0;
    fill(this.blank, all.length > 0 ? "No stats match." : "No stats yet. An agent sends them every ten seconds.");
    const of = found.length === all.length ? counted(all.length, "resource") : `${count(found.length)} of ${counted(all.length, "resource")}`;
    const more = found.length > shown.length ? `, the first ${MAX_SHOWN} shown` : "";
    const cut = model.cut > 0 ? `, ${counted(model.cut, "group")} of others not kept` : "";
    return `${of}${more}${cut}`;
  }

  /** @param {StatsRow} row */
  #row(row) {
    const { group } = row;
    const aside = [group.Name, group.Type, group.SpanKind, group.HTTPStatusCode || "", group.GRPCStatusCode, row.env].filter(Boolean).join(" · ");
    const request = h("button", { class: "link", type: "button", title: "Show the request that brought the newest bucket" }, String(row.request));
    request.addEventListener("click", () => this.openRequest(row.request));
    return h(
      "tr",
      { "data-resource": group.Resource },
      h("td", {}, oneLine(group.Service, 100)),
      h("td", { class: "resource-name" }, h("span", { title: group.Resource }, oneLine(group.Resource, 300)), h("small", {}, oneLine(aside, 300))),
      number(compact(row.hits)),
      h("td", { class: "number", "data-error": row.errors > 0 }, compact(row.errors)),
      number(row.hits > 0 ? nanoseconds(row.duration / row.hits) : "–"),
      ...QUANTILES.map((name) => number(latency(group, name))),
      h("td", { class: "number" }, request),
    );
  }
}

/** @param {string} text */
function number(text) {
  return h("td", { class: "number" }, text);
}

/** @param {Record<string, any>} group @param {string} name */
function latency(group, name) {
  const value = group.OkSummary?.[name] ?? group.ErrorSummary?.[name];
  return typeof value === "number" ? nanoseconds(value) : "–";
}
