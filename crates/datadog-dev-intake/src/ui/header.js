// The bar at the top: name, tabs, totals, the health of the connection, and the page's own controls.

import { h, setText } from "./dom.js";
import { bytes, compact, count, counted, ratio } from "./format.js";

/** @typedef {{ id: string, title: string, total: (summary: import("./api.js").Summary) => number }} Tab */

export class Header {
  /**
   * @param {{ tabs: Tab[], onTab: (id: string) => void, onProblems: () => void, onHealth: () => void,
   *   rate: HTMLElement, controls: HTMLElement[] }} options
   */
  constructor(options) {
    this.options = options;
    this.tabs = new Map(options.tabs.map((tab) => [tab.id, this.#tab(tab)]));
    this.stats = {
      logs: stat("Logs"),
      requests: stat("Requests"),
      raw: stat("Raw"),
      wire: stat("On the wire"),
    };
    this.problems = h("button", { class: "problems", type: "button", title: "Show the requests with problems" });
    this.problems.addEventListener("click", options.onProblems);
    this.problemStat = h("div", { class: "stat" }, h("dt", {}, "Problems"), h("dd", {}, this.problems));
    this.healthButton = h("button", { class: "health", type: "button" }, h("span", { class: "health-dot" }), h("span", { class: "health-words" }));
    this.healthButton.addEventListener("click", options.onHealth);
    this.#showProblems({});
  }

  /** @param {HTMLElement} place */
  mount(place) {
    const { rate, controls } = this.options;
    place.append(
      h("div", { class: "brand" }, h("img", { src: "/ui/icon.svg", alt: "", width: 22, height: 22 }), h("h1", {}, "dev intake")),
      h("div", { class: "tabs", role: "tablist", "aria-label": "Signals" }, ...[...this.tabs.values()].map((tab) => tab.button)),
      h("dl", { class: "stats" }, ...Object.values(this.stats).map((one) => one.element), this.problemStat, rate),
      h("div", { class: "controls" }, this.healthButton, ...controls),
    );
  }

  /** @param {string} id */
  select(id) {
    for (const [name, { button }] of this.tabs) {
      button.setAttribute("aria-selected", String(name === id));
      button.tabIndex = name === id ? 0 : -1;
    }
    // On a narrow page the tabs scroll.
    this.tabs.get(id)?.button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {import("./api.js").Summary} summary */
  show(summary) {
    const signals = Object.values(summary.signals);
    const sum = (/** @type {"raw_bytes" | "wire_bytes"} */ key) => signals.reduce((total, signal) => total + signal[key], 0);
    const raw = sum("raw_bytes");
    const wire = sum("wire_bytes");
    this.stats.logs.show(count(summary.signals.logs?.items ?? 0));
    this.stats.requests.show(count(summary.requests.total));
    this.stats.raw.show(bytes(raw));
    this.stats.wire.show(bytes(wire), wire > 0 ? ratio(raw, wire) : "", "How many times smaller it travelled");
    for (const { tab, number } of this.tabs.values()) setText(number, compact(tab.total(summary)));
    this.#showProblems(summary.problems);
  }

  /** @param {import("./connection.js").Health} health @param {boolean} isHolding */
  showHealth(health, isHolding) {
    const kind = health.kind === "live" && isHolding ? "paused" : health.kind;
    this.healthButton.dataset.kind = kind;
    const words = {
      connecting: "Connecting",
      live: "Live",
      paused: "Paused",
      waiting: health.kind === "waiting" ? `Gone, retrying in ${health.seconds} s` : "",
    }[kind];
    const title = { connecting: "", live: "Pause", paused: "Resume", waiting: "Try again now" }[kind];
    setText(/** @type {Element} */ (this.healthButton.querySelector(".health-words")), words);
    this.healthButton.title = title;
  }

  /** @param {Tab} tab */
  #tab(tab) {
    const number = h("span", { class: "tab-count" }, "0");
    const button = h(
      "button",
      { class: "tab", type: "button", role: "tab", id: `tab-${tab.id}`, "aria-controls": `view-${tab.id}` },
      tab.title,
      number,
    );
    button.addEventListener("click", () => this.options.onTab(tab.id));
    button.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#tabKey(event, tab.id));
    return { tab, button, number };
  }

  /** @param {KeyboardEvent} event @param {string} id */
  #tabKey(event, id) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const ids = [...this.tabs.keys()];
    const next = ids[(ids.indexOf(id) + step + ids.length) % ids.length];
    this.options.onTab(next);
    this.tabs.get(next)?.button.focus();
  }

  /** @param {Record<string, number>} problems */
  #showProblems(problems) {
    const total = Object.values(problems).reduce((sum, n) => sum + n, 0);
    this.problems.classList.toggle("some", total > 0);
    this.problems.disabled = total === 0;
    setText(this.problems, count(total));
    const kinds = Object.entries(problems).map(([kind, n]) => `${count(n)} × ${kind}`);
    this.problems.title = total === 0 ? "No problems" : kinds.slice(0, 12).join("\n");
    this.problems.setAttribute("aria-label", counted(total, "problem"));
  }
}

/** @param {string} title */
function stat(title) {
  const value = h("span", {}, "0");
  const extra = h("span", { class: "stat-extra", hidden: true });
  const element = h("div", { class: "stat" }, h("dt", {}, title), h("dd", {}, value, extra));
  /** @param {string} text @param {string} [more] @param {string} [moreTitle] */
  const show = (text, more = "", moreTitle = "") => {
    setText(value, text);
    setText(extra, more);
    extra.hidden = more === "";
    extra.title = moreTitle;
  };
  return { element, show };
}
