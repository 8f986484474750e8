// Events and service checks as lists, the newest first; each opens to all that is known of it.

import { fields, textBlock } from "./details.js";
import { arrange, h, setText } from "./dom.js";
import { counted, dateTime, oneLine } from "./format.js";

/** Records kept of each kind, and shown. */
const MAX_KEPT = 1_000;
const MAX_SHOWN = 200;

const ALERT_LEVELS = { error: "error", warning: "warn", info: "info", success: "ok" };
const STATUSES = [
  { word: "ok", level: "ok" },
  { word: "warning", level: "warn" },
  { word: "critical", level: "error" },
  { word: "unknown", level: "none" },
];

/**
 * @typedef {object} Happening
 * @property {number} seq
 * @property {number} at milliseconds
 * @property {string} word how it is, in a word
 * @property {string} level
 * @property {string} title
 * @property {string} aside
 * @property {string} text
 * @property {string} searched in lower case
 * @property {Record<string, any>} raw
 */

/** @param {Record<string, any>} raw one of `/inspect/events` @returns {Happening} */
export function parseEvent(raw) {
  const word = textOf(raw.alert_type) || "info";
  const seconds = raw.timestamp ?? raw.date_happened;
  return happening(raw, {
    at: Number.isInteger(seconds) && seconds > 0 ? seconds * 1_000 : raw.received_at,
    word,
    level: ALERT_LEVELS[/** @type {keyof typeof ALERT_LEVELS} */ (word)] ?? "none",
    title: textOf(raw.msg_title ?? raw.title),
    aside: [raw.host, raw.source ?? raw.source_type_name].map(textOf).filter(Boolean).join(" · "),
    text: textOf(raw.msg_text ?? raw.text),
  });
}

/** @param {Record<string, any>} raw one of `/inspect/checks` @returns {Happening} */
export function parseCheck(raw) {
  const status = STATUSES[raw.status] ?? { word: `status ${textOf(raw.status)}`, level: "none" };
  return happening(raw, {
    at: Number.isInteger(raw.timestamp) && raw.timestamp > 0 ? raw.timestamp * 1_000 : raw.received_at,
    ...status,
    title: textOf(raw.check),
    aside: textOf(raw.host_name),
    text: textOf(raw.message),
  });
}

export class Happenings {
  /**
   * @param {string} noun
   * @param {(raw: Record<string, any>) => Happening} parse
   * @param {(seq: number) => void} openRequest
   */
  constructor(noun, parse, openRequest) {
    this.noun = noun;
    this.parse = parse;
    this.openRequest = openRequest;
    /** @type {Happening[]} the oldest first */
    this.kept = [];
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.list = h("div", { class: "happening-list" });
    this.blank = h("p", { class: "metrics-blank" }, `No ${noun}s yet.`);
    this.element = h("div", { class: "happenings", hidden: true }, this.list, this.blank);
  }

  /** @param {Record<string, any>} record */
  add(record) {
    this.kept.push(this.parse(record));
    if (this.kept.length > MAX_KEPT) this.kept.shift();
  }

  clear() {
    this.kept = [];
  }

  /** @param {string[]} words in lower case @returns {string} what the foot says */
  show(words) {
    const found = this.kept.filter((one) => words.every((word) => one.searched.includes(word)));
    const shown = found.slice(-MAX_SHOWN).reverse();
    const rows = new Map(shown.map((one) => [one.seq, this.rows.get(one.seq) ?? row(one, this.openRequest)]));
    this.rows = rows;
    arrange(this.list, [...rows.values()]);
    this.blank.hidden = shown.length > 0;
    setText(this.blank, this.kept.length > 0 ? `No ${this.noun} matches.` : `No ${this.noun}s yet.`);
    const more = found.length > shown.length ? `, the newest ${shown.length} shown` : "";
    return found.length === this.kept.length ? `${counted(found.length, this.noun)}${more}` : `${found.length} of ${counted(this.kept.length, this.noun)}${more}`;
  }
}

/**
 * @param {Record<string, any>} raw
 * @param {{ at: number, word: string, level: string, title: string, aside: string, text: string }} parts
 * @returns {Happening}
 */
function happening(raw, parts) {
  const tags = Array.isArray(raw.tags) ? raw.tags.map(textOf) : [];
  const searched = [parts.word, parts.title, parts.aside, parts.text, ...tags].join("\n").toLowerCase();
  return { ...parts, seq: raw._seq ?? raw.seq, searched, raw };
}

/** @param {Happening} one @param {(seq: number) => void} openRequest */
function row(one, openRequest) {
  const { raw } = one;
  const element = h(
    "details",
    { class: "happening", "data-level": one.level },
    h(
      "summary",
      {},
      h("time", {}, dateTime(one.at).slice(0, -4)),
      h("span", {}, h("span", { class: "level-word" }, oneLine(one.word, 20))),
      h("span", { class: "happening-title" }, one.title === "" ? h("span", { class: "aside" }, "no title") : oneLine(one.title, 300)),
      h("span", { class: "happening-aside" }, oneLine(one.aside, 80)),
    ),
  );
  element.addEventListener("toggle", () => {
    if (element.open && element.children.length === 1) element.append(body(one, raw, openRequest));
  });
  return element;
}

/** @param {Happening} one @param {Record<string, any>} raw @param {(seq: number) => void} openRequest */
function body(one, raw, openRequest) {
  const request = raw._request ?? raw.request;
  const link = h("button", { class: "value-button request-link", type: "button" }, `request ${request}`);
  link.addEventListener("click", () => openRequest(request));
  const tags = Array.isArray(raw.tags) ? raw.tags.map((/** @type {unknown} */ tag) => h("span", { class: "chip" }, oneLine(textOf(tag), 200))) : [];
  return h(
    "div",
    { class: "happening-body" },
    one.text !== "" && textBlock(one.text),
    tags.length > 0 && h("div", { class: "chips" }, ...tags),
    fields([
      ["priority", oneLine(textOf(raw.priority), 40)],
      ["aggregation key", oneLine(textOf(raw.aggregation_key), 200)],
      ["source", oneLine(textOf(raw.source ?? raw.source_type_name), 200)],
      ["held by", link],
    ]),
  );
}

/** @param {unknown} value */
function textOf(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
