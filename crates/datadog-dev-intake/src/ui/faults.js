// The panel that makes the intake misbehave: presets, a script of one's own, and what is in force.

import { clearFaults, getFaults, setFaults } from "./api.js";
import { fill, h } from "./dom.js";
import { counted, duration } from "./format.js";
import { icon } from "./icons.js";
import { failure } from "./notice.js";

/** @typedef {import("./api.js").Fault} Fault */

/** @typedef {{ title: string, means: string, rule: () => Fault, field?: HTMLElement }} Preset */

/** Keys that say which requests a rule concerns; the others say what it does. */
const MATCHERS = ["path", "times", "hits", "api_key_suffix", "min_items", "min_raw_bytes"];

/** Every method of the stateful stream, whatever path is chosen for the other presets. */
const STREAMS = "/datadog.intake.stateful.*";

/** Where agents ask for remote configuration. */
const POLLS = "/api/v0.1/configurations";

/** Paths offered at most. */
const MOST_PATHS = 30;

export class FaultsPanel {
  /** @param {() => void} onChange called after the script was changed */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Fault[]} */
    this.rules = [];
    /** @type {string[]} */
    this.paths = ["/api/v2/logs"];
    this.badge = h("span", { class: "badge", hidden: true });
    this.button = h(
      "button",
      { class: "button faults-button", type: "button", popovertarget: "faults", "aria-label": "Faults", title: "Make the intake misbehave" },
      icon("bolt"),
      h("span", { class: "button-words" }, "Faults"),
      this.badge,
    );
    this.active = h("div", { class: "faults-active" });
    this.pathSelect = h("select", { id: "fault-path" });
    this.script = h("textarea", { id: "fault-script", rows: 5, spellcheck: "false" });
    this.element = this.#build();
    this.#showPaths();
    this.show([]);
  }

  /** @param {Fault[]} rules what the intake says is in force */
  show(rules) {
    const before = JSON.stringify(this.rules);
    this.rules = rules;
    const live = rules.filter(isLive).length;
    this.badge.hidden = live === 0;
    this.badge.textContent = String(live);
    this.button.classList.toggle("active", live > 0);
    if (before !== JSON.stringify(rules) || !this.active.hasChildNodes()) this.#showRules();
  }

  /** Offers paths that requests came in on; the intake also counts some under a word that is no path. @param {string[]} seen */
  offerPaths(seen) {
    const fresh = seen.filter((path) => path.startsWith("/") && !this.paths.includes(path));
    const added = fresh.slice(0, MOST_PATHS - this.paths.length);
    if (added.length === 0) return;
    this.paths.push(...added);
    this.#showPaths();
  }

  #build() {
    const panel = h(
      "div",
      { class: "popover faults", id: "faults", popover: "auto", role: "dialog", "aria-label": "Faults" },
      h("h2", {}, "Misbehave on request"),
      this.active,
      h(
        "div",
        { class: "faults-for" },
        h("label", { for: "fault-path" }, "Add a rule for"),
        this.pathSelect,
      ),
      h("div", { class: "presets" }, ...this.#presets().map((preset) => this.#presetRow(preset))),
      this.#ownScript(),
    );
    panel.addEventListener("toggle", () => this.#opened(panel.matches(":popover-open")));
    return panel;
  }

  /** @returns {Preset[]} */
  #presets() {
    const limit = h("input", { type: "number", min: 0, value: 50, "aria-label": "Entries", id: "fault-entries" });
    return [
      { title: "429 twice", means: "Too many requests, Retry-After 1 s", rule: () => ({ times: 2, status: 429, retry_after: 1 }) },
      { title: "500", means: "Server error until cleared", rule: () => ({ status: 500 }) },
      { title: "413", means: "Too large, over this many entries:", field: limit, rule: () => ({ min_items: Math.max(0, Number(limit.value)) + 1, status: 413 }) },
      { title: "403", means: "The key is refused", rule: () => ({ status: 403 }) },
      { title: "Hang", means: "Reads the request, never answers", rule: () => ({ hang: true }) },
      { title: "Slow", means: "Answers 500 ms late", rule: () => ({ delay_ms: 500 }) },
      { title: "End stream", means: "Ends the next stream, UNAVAILABLE", rule: () => ({ path: STREAMS, times: 1, grpc_status: "UNAVAILABLE" }) },
      { title: "Forget", means: "Forgets the state of the next stream", rule: () => ({ path: STREAMS, times: 1, forget_state: true }) },
      { title: "Forge", means: "Forges the next remote configuration", rule: () => ({ path: POLLS, times: 1, tamper: "bad_signature" }) },
      { title: "Freeze", means: "Repeats the last remote configuration", rule: () => ({ path: POLLS, tamper: "frozen" }) },
      { title: "No acks", means: "Acknowledges nothing on streams", rule: () => ({ path: STREAMS, ack: "none" }) },
    ];
  }

  /** @param {Preset} preset */
  #presetRow(preset) {
    const add = h("button", { class: "button preset", type: "button" }, preset.title);
    add.addEventListener("click", () => this.#set([...this.rules.flatMap(left), { path: this.pathSelect.value, ...preset.rule() }]));
    return h("div", { class: "preset-row" }, add, h("span", {}, preset.means), preset.field);
  }

  #ownScript() {
    this.script.value = '{"rules": [\n  {"path": "/api/v2/logs", "times": 1, "status": 503},\n  {"path": "*", "delay_ms": 200}\n]}';
    const apply = h("button", { class: "button", type: "button" }, "Replace the script");
    apply.addEventListener("click", () => this.#applyOwn());
    return h(
      "details",
      { class: "own-script" },
      h("summary", {}, "Write a script"),
      h("label", { for: "fault-script", class: "sr-only" }, "Script of rules, as JSON"),
      this.script,
      apply,
    );
  }

  #applyOwn() {
    try {
      const written = JSON.parse(this.script.value);
      this.#set(Array.isArray(written) ? written : written.rules);
    } catch (error) {
      failure("The script is not JSON", error);
    }
  }

  /** @param {boolean} isOpen */
  async #opened(isOpen) {
    if (!isOpen) return;
    try {
      this.show(await getFaults());
    } catch (error) {
      failure("The faults cannot be read", error);
    }
  }

  #showPaths() {
    const chosen = this.pathSelect.value || this.paths[0];
    fill(
      this.pathSelect,
      ...this.paths.map((path) => h("option", { value: path }, path)),
      h("option", { value: "*" }, "every path"),
    );
    this.pathSelect.value = chosen;
  }

  #showRules() {
    if (this.rules.length === 0) {
      fill(this.active, h("p", { class: "note" }, "Every request is answered as the real intake would. The first rule that still applies decides."));
      return;
    }
    const clear = h("button", { class: "button", type: "button" }, "Clear all");
    clear.addEventListener("click", () => this.#change(clearFaults()));
    fill(this.active, h("ol", { class: "rules" }, ...this.rules.map((rule) => this.#ruleRow(rule))), clear);
  }

  /** @param {Fault} rule */
  #ruleRow(rule) {
    const remove = h("button", { class: "icon-button", type: "button", "aria-label": "Remove this rule", title: "Remove this rule" }, icon("close"));
    remove.addEventListener("click", () => this.#set(this.rules.filter((other) => other !== rule).flatMap(left)));
    return h(
      "li",
      { class: isLive(rule) ? "rule" : "rule spent" },
      h("b", {}, effect(rule)),
      h("span", { class: "rule-path mono" }, reach(rule)),
      h("span", { class: "rule-hits" }, counted(rule.hits ?? 0, "hit"), rule.times === undefined ? "" : ` of ${rule.times}`),
      remove,
    );
  }

  /** @param {Fault[]} rules */
  #set(rules) {
    return this.#change(setFaults(rules));
  }

  /** @param {Promise<void>} change */
  async #change(change) {
    try {
      await change;
      this.show(await getFaults());
      this.onChange();
    } catch (error) {
      failure("The intake refused the script", error);
    }
  }
}

/** @param {Fault} rule */
function isLive(rule) {
  return rule.times === undefined || (rule.hits ?? 0) < rule.times;
}

/** What is left of a rule, as a new rule: none when it is spent. @param {Fault} rule @returns {Fault[]} */
function left({ hits = 0, ...rule }) {
  if (rule.times === undefined) return [rule];
  return rule.times > hits ? [{ ...rule, times: rule.times - hits }] : [];
}

/** @param {Fault} rule @returns {string} what it does, in words */
function effect(rule) {
  const words = [];
  if (rule.status !== undefined) words.push(`answer ${rule.status}`);
  if (rule.retry_after !== undefined) words.push(`retry after ${rule.retry_after} s`);
  if (rule.hang) words.push("hang");
  if (rule.delay_ms !== undefined) words.push(`wait ${duration(rule.delay_ms)}`);
  const known = ["status", "retry_after", "hang", "delay_ms", ...MATCHERS];
  const others = Object.entries(rule).filter(([key]) => !known.includes(key));
  return [...words, ...others.map(([key, value]) => `${key} ${value}`)].join(", ");
}

/** @param {any} rule @returns {string} which requests it concerns */
function reach(rule) {
  const words = [rule.path === "*" || !rule.path ? "every path" : rule.path];
  if (rule.min_items !== undefined) words.push(`from ${counted(rule.min_items, "entry", "entries")}`);
  if (rule.min_raw_bytes !== undefined) words.push(`from ${rule.min_raw_bytes} bytes`);
  if (rule.api_key_suffix !== undefined) words.push(`key …${rule.api_key_suffix}`);
  return words.join(", ");
}
