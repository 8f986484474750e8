// The view of metrics: their names with the last value, a live chart of the chosen one, and events and checks as lists.
//
// Asks for what is new once a second while it is in sight.

import { arrange, fill, h, setText } from "./dom.js";
import { clock, count, counted, figure, oneLine } from "./format.js";
import { Happenings, parseCheck, parseEvent } from "./happenings.js";
import { icon } from "./icons.js";
import { LineChart, sparkline } from "./line-chart.js";
import { LiveView, press, segments } from "./live-view.js";
import { isFound, lastOf, MetricModel, QUANTILES } from "./metric-model.js";
import { SignalReader } from "./signal-reader.js";

/** @typedef {import("./metric-model.js").Metric} Metric */
/** @typedef {import("./metric-model.js").Line} Line */
/** @typedef {import("./api.js").Summary} Summary */

/** Metrics listed, and tag sets drawn at once: there are as many colours. */
const MAX_LISTED = 300;
const MAX_DRAWN = 8;

const SIGNALS = ["series", "sketches", "events", "checks"];

export class MetricsView extends LiveView {
  /** @param {{ onMode: () => void, openRequest: (seq: number) => void }} page */
  constructor(page) {
    super(page.onMode);
    this.page = page;
    this.definition = {
      id: "metrics",
      title: "Metrics",
      total: (/** @type {Summary} */ summary) => this.reader.total(summary),
    };
    this.reader = new SignalReader(SIGNALS, (name, record) => this.#take(name, record));
    this.model = new MetricModel();
    /** @type {Map<string, Row>} by key of the metric */
    this.rows = new Map();
    /** @type {string | null} key of the metric whose chart is shown */
    this.chosen = null;
    /** @type {string | null} key of the only line that is drawn */
    this.focused = null;
    this.section = "charts";
    this.events = new Happenings("event", parseEvent, page.openRequest);
    this.checks = new Happenings("check", parseCheck, page.openRequest);
    this.chart = new LineChart();
    this.forget();
    this.#assemble();
  }

  /** Drops everything, because the intake did. */
  forget() {
    this.reader.forget();
    this.model.clear();
    this.events.clear();
    this.checks.clear();
    this.chosen = null;
    this.focused = null;
    if (this.element) this.show();
  }

  /** @param {Summary} summary */
  read(summary) {
    return this.reader.readNew(summary);
  }

  /** @param {string} name @param {Record<string, any>} record */
  #take(name, record) {
    if (name === "series") this.model.addSeries(record);
    else if (name === "sketches") this.model.addSketch(record);
    else if (name === "events") this.events.add(record);
    else this.checks.add(record);
  }

  #assemble() {
    this.filter = h("input", {
      class: "search-input",
      type: "search",
      id: "filter-metrics",
      placeholder: "Filter by name or tag",
      "aria-label": "Filter metrics",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.filter.addEventListener("input", () => this.show());
    this.filter.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.filter.blur();
    });
    this.sections = segments({ charts: "Charts", events: "Events", checks: "Checks" }, (name) => {
      this.section = name;
      this.show();
    });
    this.list = h("div", { class: "metric-list", "aria-label": "Metrics" });
    this.title = h("h2", { class: "metric-title" });
    this.facts = h("p", { class: "note" });
    this.legend = h("div", { class: "legend" });
    this.detail = h("div", { class: "metric-detail" }, this.title, this.facts, this.chart.element, this.legend);
    this.blank = h("div", { class: "metrics-blank" });
    this.charts = h("div", { class: "metric-charts" }, this.list, this.detail, this.blank);
    this.foot = h("p", { class: "foot" });
    this.element = h(
      "section",
      { class: "metrics", id: "view-metrics", role: "tabpanel", "aria-labelledby": "tab-metrics", hidden: true },
      h("div", { class: "toolbar" }, h("div", { class: "search" }, icon("search"), this.filter), h("div", { class: "segments" }, ...this.sections.values())),
      h("div", { class: "metrics-stage" }, this.charts, this.events.element, this.checks.element),
      h("div", { class: "status-line" }, this.foot),
    );
  }

  show() {
    if (this.element.hidden) return;
    press(this.sections, this.section);
    this.charts.hidden = this.section !== "charts";
    this.events.element.hidden = this.section !== "events";
    this.checks.element.hidden = this.section !== "checks";
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (this.section === "charts") setText(this.foot, this.#showCharts(words));
    else setText(this.foot, (this.section === "events" ? this.events : this.checks).show(words));
  }

  /** @param {string[]} words @returns {string} what the foot says */
  #showCharts(words) {
    const all = [...this.model.metrics.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.key < b.key ? -1 : 1));
    const found = all.filter((metric) => isFound(metric, words));
    const listed = found.slice(0, MAX_LISTED);
    if (!listed.some((metric) => metric.key === this.chosen)) this.#choose(listed[0]?.key ?? null);
    const rows = new Map(listed.map((metric) => [metric.key, this.rows.get(metric.key) ?? this.#row(metric)]));
    this.rows = rows;
    for (const metric of listed) rows.get(metric.key)?.show(metric, metric.key === this.chosen);
    arrange(this.list, [...rows.values()].map((row) => row.element));
    this.#showBlank(all.length, listed.length);
    const metric = this.chosen === null ? undefined : this.model.metrics.get(this.chosen);
    if (metric) this.#showDetail(metric);
    const of = found.length === all.length ? counted(all.length, "metric") : `${count(found.length)} of ${counted(all.length, "metric")}`;
    const more = found.length > listed.length ? `, the first ${MAX_LISTED} listed` : "";
    const cut = this.model.cut > 0 ? `, ${counted(this.model.cut, "point")} of others not kept` : "";
    return `${of}${more}, ${counted(this.model.lines, "tag set")}${cut}`;
  }

  /** @param {number} all @param {number} listed */
  #showBlank(all, listed) {
    this.blank.hidden = listed > 0;
    this.list.hidden = listed === 0;
    this.detail.hidden = listed === 0;
    if (all > 0) fill(this.blank, "No metric matches.");
    else fill(this.blank, "No metrics yet. Point an agent or a client of the API at this address.");
  }

  /** @param {string | null} key */
  #choose(key) {
    this.chosen = key;
    this.focused = null;
  }

  /** @param {Metric} metric @returns {Row} */
  #row(metric) {
    const type = h("span", { class: "metric-type" });
    const spark = h("span", { class: "metric-spark" });
    const last = h("span", { class: "metric-last" });
    const name = h("span", { class: "metric-name", title: metric.name }, metric.name === "" ? "no name" : oneLine(metric.name, 200));
    const element = h("button", { class: "metric-row", type: "button", "data-metric": metric.name }, name, last, type, spark);
    element.addEventListener("click", () => {
      this.#choose(metric.key);
      this.show();
    });
    /** @type {unknown} */
    let drawn = null;
    /** @param {Metric} now @param {boolean} isChosen */
    const show = (now, isChosen) => {
      const value = lastOf(now);
      const points = now.newest?.points ?? [];
      setText(type, now.type);
      setText(last, value === null ? "–" : figure(value));
      if (points.at(-1) !== drawn) fill(spark, sparkline(points, 72, 18));
      drawn = points.at(-1);
      element.setAttribute("aria-pressed", String(isChosen));
    };
    return { element, show };
  }

  /** @param {Metric} metric */
  #showDetail(metric) {
    setText(this.title, metric.name === "" ? "no name" : oneLine(metric.name, 300));
    const lines = [...metric.lines.values()];
    const focused = lines.find((line) => line.key === this.focused) ?? (metric.isDistribution ? lines[0] : undefined);
    const drawn = focused ? [focused] : lines.slice(0, MAX_DRAWN);
    setText(this.facts, factsOf(metric, drawn.length));
    if (metric.isDistribution && focused) this.chart.show(quantileCurves(focused));
    else this.chart.show(drawn.map((line) => ({ label: line.label, colour: lines.indexOf(line) % MAX_DRAWN, points: line.points })));
    const rows = lines.map((line, index) => this.#legendRow(metric, line, index, line === focused, drawn.includes(line)));
    if (!this.legend.contains(document.activeElement)) fill(this.legend, ...rows);
    else rows.forEach((row, index) => refresh(this.legend, row, index));
  }

  /** @param {Metric} metric @param {Line} line @param {number} index @param {boolean} isFocused @param {boolean} isDrawn */
  #legendRow(metric, line, index, isFocused, isDrawn) {
    const last = line.points.at(-1);
    const values = metric.isDistribution ? sketchWords(last?.sketch) : last ? figure(last.value) : "–";
    const choose = h(
      "button",
      { class: "legend-row", type: "button", "aria-pressed": String(isFocused), "data-line": line.key },
      h("span", { class: "legend-swatch", "data-curve": isDrawn && !metric.isDistribution ? index % MAX_DRAWN : null }),
      h("span", { class: "legend-label", title: line.label }, oneLine(line.label, 300)),
      h("span", { class: "legend-value" }, values),
      h("span", { class: "legend-time" }, last ? clock(last.at).slice(0, -4) : ""),
    );
    choose.addEventListener("click", () => {
      this.focused = this.focused === line.key ? null : line.key;
      this.show();
    });
    const link = h("button", { class: "link request-link", type: "button", title: "Show the request that brought the newest point" }, `request ${line.request}`);
    link.addEventListener("click", () => this.page.openRequest(line.request));
    return h("div", { class: "legend-line" }, choose, link);
  }
}

/** @typedef {{ element: HTMLElement, show: (metric: Metric, isChosen: boolean) => void }} Row */

/** Brings a row up to date without taking the focus from it. @param {HTMLElement} legend @param {HTMLElement} fresh @param {number} index */
function refresh(legend, fresh, index) {
  const old = legend.children[index];
  if (!old) legend.append(fresh);
  else if (!old.contains(document.activeElement)) old.replaceWith(fresh);
  else {
    const [choose, freshChoose] = [old.children[0], fresh.children[0]];
    choose.setAttribute("aria-pressed", freshChoose.getAttribute("aria-pressed") ?? "false");
    [...choose.children].forEach((part, at) => setText(part, freshChoose.children[at].textContent ?? ""));
  }
}

/** @param {Line} line */
function quantileCurves(line) {
  return QUANTILES.map((name, colour) => ({
    label: name,
    colour,
    points: line.points.map(({ at, sketch }) => ({ at, value: sketch?.[name] ?? NaN })),
  }));
}

/** @param {Record<string, number> | undefined} sketch */
function sketchWords(sketch) {
  if (!sketch) return "–";
  const quantiles = QUANTILES.map((name) => `${name} ${figure(sketch[name])}`).join("  ");
  return `${counted(sketch.cnt, "value")}  ${quantiles}`;
}

/** @param {Metric} metric @param {number} drawn */
function factsOf(metric, drawn) {
  const { size } = metric.lines;
  const parts = [
    metric.type,
    metric.unit,
    metric.interval > 0 ? `every ${metric.interval} s` : "",
    counted(size, "tag set"),
    !metric.isDistribution && drawn > 1 && drawn < size ? `${drawn} drawn` : "",
    metric.origin,
    metric.cut > 0 ? `${counted(metric.cut, "point")} of further tag sets not kept` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}
