// The view of traces: a list of them, the chosen one as a waterfall with the details of a span; the security events on
// their spans; and the stats of resources as a table.
//
// Asks for what is new once a second while it is in sight.

import { arrange, fill, h, setText } from "./dom.js";
import { clock, count, counted, oneLine } from "./format.js";
import { icon } from "./icons.js";
import { LiveView, press, segments } from "./live-view.js";
import { SecurityList } from "./security-list.js";
import { SignalReader } from "./signal-reader.js";
import { spanDetails } from "./span-details.js";
import { ResourceStats } from "./trace-stats.js";
import { nanoseconds } from "./trace-format.js";
import { extentOf, rootOf, StatsModel, TraceModel } from "./trace-model.js";
import { Waterfall } from "./waterfall.js";

/** @typedef {import("./trace-model.js").Trace} Trace */
/** @typedef {import("./trace-model.js").Span} Span */
/** @typedef {import("./api.js").Summary} Summary */

/** Traces listed at once, the newest. */
const MAX_LISTED = 300;

export class TracesView extends LiveView {
  /** @param {{ onMode: () => void, openRequest: (seq: number) => void }} page */
  constructor(page) {
    super(page.onMode);
    this.page = page;
    this.definition = { id: "traces", title: "Traces", total: (/** @type {Summary} */ summary) => this.reader.total(summary) };
    this.reader = new SignalReader(["traces", "stats"], (name, record) => (name === "traces" ? this.model : this.stats).add(record));
    this.model = new TraceModel();
    this.stats = new StatsModel();
    /** @type {Map<string, Row>} by id of the trace */
    this.rows = new Map();
    this.section = "traces";
    this.table = new ResourceStats(page.openRequest);
    this.security = new SecurityList((attack) => this.#open(attack));
    this.waterfall = new Waterfall((span) => this.#pick(span));
    this.#assemble();
    this.forget();
  }

  /** Drops everything, because the intake did. */
  forget() {
    this.reader.forget();
    this.model.clear();
    this.stats.clear();
    this.#choose(null);
    this.show();
  }

  /** @param {Summary} summary */
  read(summary) {
    return this.reader.readNew(summary);
  }

  #assemble() {
    this.filter = h("input", {
      class: "search-input",
      type: "search",
      id: "filter-traces",
      placeholder: "Filter by service, name, resource, rule or trace id",
      "aria-label": "Filter traces",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.filter.addEventListener("input", () => this.show());
    this.filter.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.filter.blur();
    });
    this.sections = segments({ traces: "Waterfalls", security: "Security", stats: "Stats" }, (name) => {
      this.section = name;
      this.show();
    });
    this.list = h("div", { class: "metric-list trace-list", "aria-label": "Traces" });
    this.title = h("h2", { class: "metric-title" });
    this.facts = h("p", { class: "note" });
    this.details = h("div", { class: "span-details" });
    this.detail = h("div", { class: "trace-detail" }, this.title, this.facts, this.waterfall.element, this.details);
    this.blank = h("div", { class: "metrics-blank" });
    this.stage = h("div", { class: "metric-charts" }, this.list, this.detail, this.blank);
    this.foot = h("p", { class: "foot" });
    this.element = h(
      "section",
      { class: "metrics", id: "view-traces", role: "tabpanel", "aria-labelledby": "tab-traces", hidden: true },
      h("div", { class: "toolbar" }, h("div", { class: "search" }, icon("search"), this.filter), h("div", { class: "segments" }, ...this.sections.values())),
      h("div", { class: "metrics-stage" }, this.stage, this.security.element, this.table.element),
      h("div", { class: "status-line" }, this.foot),
    );
  }

  show() {
    if (this.element.hidden) return;
    press(this.sections, this.section);
    this.stage.hidden = this.section !== "traces";
    this.security.element.hidden = this.section !== "security";
    this.table.element.hidden = this.section !== "stats";
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    setText(this.foot, this.#showSection(words));
  }

  /** @param {string[]} words @returns {string} what the foot says */
  #showSection(words) {
    if (this.section === "security") return this.security.show(this.model, words);
    return this.section === "traces" ? this.#showTraces(words) : this.table.show(this.stats, words);
  }

  /** @param {string[]} words @returns {string} what the foot says */
  #showTraces(words) {
    const all = [...this.model.traces.values()].reverse();
    const found = all.filter((trace) => words.every((word) => trace.searched.includes(word)));
    const listed = found.slice(0, MAX_LISTED);
    if (!listed.some((trace) => trace.id === this.chosen)) this.#choose(listed[0]?.id ?? null);
    this.rows = new Map(listed.map((trace) => [trace.id, this.rows.get(trace.id) ?? this.#row(trace)]));
    for (const trace of listed) this.rows.get(trace.id)?.show(trace, trace.id === this.chosen);
    arrange(this.list, [...this.rows.values()].map((row) => row.element));
    this.blank.hidden = listed.length > 0;
    this.list.hidden = listed.length === 0;
    this.detail.hidden = listed.length === 0;
    fill(this.blank, all.length > 0 ? "No trace matches." : "No traces yet. Point a tracer at the agent.");
    this.#showDetail();
    const of = found.length === all.length ? counted(all.length, "trace") : `${count(found.length)} of ${counted(all.length, "trace")}`;
    const more = found.length > listed.length ? `, the newest ${MAX_LISTED} listed` : "";
    const cut = this.model.cut > 0 ? `, ${counted(this.model.cut, "older span")} not kept` : "";
    return `${of}${more}, ${counted(this.model.spans, "span")}${cut}`;
  }

  /** @param {string | null} id */
  #choose(id) {
    /** @type {string | null} id of the trace whose waterfall is shown */
    this.chosen = id;
    /** @type {Span | null} */
    this.span = null;
    /** How many spans of the chosen trace are drawn. */
    this.drawn = -1;
  }

  /** Shows the trace of a security event at its span. @param {import("./trace-model.js").Attack} attack */
  #open({ trace, span }) {
    const newest = [...this.model.traces.keys()].slice(-MAX_LISTED);
    this.filter.value = newest.includes(trace.id) ? "" : trace.id;
    this.section = "traces";
    this.#choose(trace.id);
    this.span = span;
    this.show();
    this.rows.get(trace.id)?.element.focus();
  }

  /** @param {Span} span */
  #pick(span) {
    this.span = span;
    this.waterfall.choose(span);
    fill(this.details, ...spanDetails(span, this.page.openRequest));
  }

  /** @param {Trace} trace @returns {Row} */
  #row(trace) {
    const resource = h("span", { class: "metric-name" });
    const duration = h("span", { class: "metric-last" });
    const facts = h("span", { class: "metric-type" });
    const errors = h("span", {});
    const attacks = h("span", { class: "security-mark", hidden: true });
    const marks = h("span", { class: "metric-spark trace-marks" }, attacks, errors);
    const element = h("button", { class: "metric-row trace-row", type: "button", "data-trace": trace.id }, resource, duration, facts, marks);
    element.addEventListener("click", () => {
      this.#choose(trace.id);
      this.show();
    });
    let drawn = -1;
    /** @param {Trace} now @param {boolean} isChosen */
    const show = (now, isChosen) => {
      element.setAttribute("aria-pressed", String(isChosen));
      if (now.spans.length === drawn) return;
      drawn = now.spans.length;
      const root = rootOf(now);
      setText(resource, oneLine(root?.raw.resource || root?.raw.name || "no spans", 200));
      setText(duration, nanoseconds(extentOf(now).duration));
      setText(facts, `${oneLine(root?.raw.service ?? "", 60)} · ${counted(now.spans.length, "span")} · ${clock(now.received)}`);
      setText(errors, now.errors > 0 ? counted(now.errors, "error") : "");
      element.toggleAttribute("data-error", now.errors > 0);
      attacks.hidden = now.attacks === 0;
      attacks.title = `${counted(now.attacks, "security event")}${now.isBlocked ? ", blocked" : ""}`;
      fill(attacks, icon("shield"), count(now.attacks), h("span", { class: "sr-only" }, " security events"));
    };
    return { element, show };
  }

  #showDetail() {
    const trace = this.chosen === null ? undefined : this.model.traces.get(this.chosen);
    if (!trace || this.drawn === trace.spans.length) return;
    this.drawn = trace.spans.length;
    const root = rootOf(trace);
    setText(this.title, oneLine(root?.raw.resource || root?.raw.name || "no spans", 300));
    setText(this.facts, factsOf(trace));
    const span = this.span ?? trace.spans.find(({ isError }) => isError) ?? root ?? null;
    this.waterfall.show(trace, span);
    if (span) this.#pick(span);
    else fill(this.details);
  }
}

/** @typedef {{ element: HTMLElement, show: (trace: Trace, isChosen: boolean) => void }} Row */

/** @param {Trace} trace */
function factsOf(trace) {
  const first = trace.chunks[0] ?? {};
  const tracer = first.tracer ?? {};
  const parts = [
    trace.services.map((service) => oneLine(service, 60)).slice(0, 5).join(", "),
    tracer.env || first.agent?.env,
    [tracer.languageName, tracer.tracerVersion].filter(Boolean).join(" "),
    counted(trace.spans.length, "span"),
    trace.chunks.length > 1 ? counted(trace.chunks.length, "chunk") : "",
    nanoseconds(extentOf(trace).duration),
    `priority ${first.priority}`,
    first.origin,
    trace.id,
  ];
  return parts.filter(Boolean).join(" · ");
}
