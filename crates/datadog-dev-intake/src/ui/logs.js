// The view of logs: what its table, facets, search and details are.

import { copyButton, fields, filterButton, section, textBlock } from "./details.js";
import { h, marked } from "./dom.js";
import { clock, dateTime, duration, oneLine } from "./format.js";
import { jsonTree } from "./json-tree.js";
import { attributesOf, LEVELS, levelOf, logValue, NONE, parseLog, textOf } from "./log-record.js";
import { termFor } from "./query.js";

/** @typedef {import("./log-record.js").LogRecord} LogRecord */

const HINTS = [
  { example: "timeout", means: "the word anywhere in the log" },
  { example: '"connection refused"', means: "the phrase" },
  { example: "status:error", means: "a field: status, service, source, host, request, via, stream, pattern" },
  { example: "env:prod", means: "a tag" },
  { example: "@http.status_code:>=500", means: "an attribute; also > >= < <=" },
  { example: "service:web-*", means: "anything in place of *" },
  { example: "-noise", means: "not" },
];

/**
 * @param {import("./store.js").RecordStore<LogRecord>} store
 * @param {{ openRequest: (seq: number) => void, empty: () => HTMLElement }} page
 * @returns {import("./explorer.js").Definition<LogRecord>}
 */
export function logsView(store, page) {
  return {
    id: "logs",
    title: "Logs",
    noun: "log",
    path: "/inspect/logs",
    parse: parseLog,
    total: (summary) => summary.signals.logs?.items ?? 0,
    store,
    levels: LEVELS,
    levelOf: (log) => log.level,
    facets: [
      { id: "status", title: "Status", valueOf: (log) => log.status },
      { id: "service", title: "Service", valueOf: (log) => log.service },
      { id: "source", title: "Source", valueOf: (log) => log.source },
      { id: "via", title: "Via", valueOf: (log) => log.via },
    ],
    facetLevel: (facet, value) => (facet === "status" ? LEVELS[levelOf(value)].id : null),
    columns: [
      { id: "time", title: "Time" },
      { id: "status", title: "Status" },
      { id: "service", title: "Service" },
      { id: "message", title: "Message" },
    ],
    fillRow,
    valueOf: logValue,
    hints: HINTS,
    details: (log, tools) => details(log, tools, page.openRequest),
    empty: page.empty,
  };
}

/** @param {LogRecord} log @param {HTMLElement[]} cells @param {HTMLElement} row @param {RegExp | null} marks */
function fillRow(log, [time, status, service, message], row, marks) {
  row.dataset.level = LEVELS[log.level].id;
  row.dataset.via = log.via;
  time.textContent = clock(log.at);
  time.title = log.at === log.received && log.stated !== log.received ? `received ${dateTime(log.at)}` : dateTime(log.at);
  status.textContent = oneLine(log.status, 20);
  service.textContent = oneLine(log.service, 80);
  service.classList.toggle("absent", log.service === NONE);
  message.replaceChildren(...marked(oneLine(log.text), marks));
}

/**
 * @param {LogRecord} log
 * @param {import("./explorer.js").DetailTools} tools
 * @param {(seq: number) => void} openRequest
 * @returns {import("./drawer.js").Details}
 */
function details(log, { addTerm }, openRequest) {
  const attributes = attributesOf(log);
  const hasAttributes = Object.keys(attributes).length > 0;
  return {
    title: h(
      "span",
      { class: "detail-title" },
      h("span", { class: "level-word", "data-level": LEVELS[log.level].id }, log.status),
      h("time", {}, dateTime(log.at)),
    ),
    actions: [copyButton("Copy JSON", () => JSON.stringify(log.raw, null, 2))],
    body: h(
      "div",
      {},
      message(log, addTerm),
      log.tags.length > 0 && section("Tags", [tagChips(log.tags, addTerm)]),
      hasAttributes && section("Attributes", [attributeTree(attributes, addTerm)]),
      section("Fields", [logFields(log, addTerm, openRequest)]),
    ),
  };
}

/** @param {LogRecord} log @param {(term: string) => void} addTerm */
function message(log, addTerm) {
  const copy = copyButton("Copy", () => log.text);
  const value = structured(log);
  if (value === null) return section("Message", [textBlock(log.text, "message")], copy);
  const sentAsText = typeof log.raw.message === "string";
  const tree = jsonTree(value, sentAsText ? undefined : (path, leaf) => addTerm(termFor(`@${path}`, String(leaf))));
  return section(sentAsText ? "Message, JSON in a string" : "Message", [tree], copy);
}

/** @param {LogRecord} log @returns {object | null} the message as a value, when it is an object or the text of one */
function structured(log) {
  const { message } = log.raw;
  if (message !== null && typeof message === "object") return message;
  if (typeof message !== "string" || !/^\s*[{[]/.test(message)) return null;
  try {
    return JSON.parse(message);
  } catch {
    return null;
  }
}

/** @param {string[]} tags @param {(term: string) => void} addTerm */
function tagChips(tags, addTerm) {
  return h("div", { class: "chips" }, ...tags.map((tag) => filterButton(oneLine(tag, 200), tagTerm(tag), addTerm, "chip")));
}

/** @param {string} tag */
function tagTerm(tag) {
  const [, key, value] = /^([\p{L}_][\p{L}\p{N}_./-]*):(.+)$/su.exec(tag) ?? [];
  return key === undefined || value.startsWith("//") ? termFor("tags", tag) : termFor(key, value);
}

/** @param {Record<string, unknown>} attributes @param {(term: string) => void} addTerm */
function attributeTree(attributes, addTerm) {
  return jsonTree(attributes, (path, value) => addTerm(termFor(`@${path}`, String(value))));
}

/** @param {LogRecord} log @param {(term: string) => void} addTerm @param {(seq: number) => void} openRequest */
function logFields(log, addTerm, openRequest) {
  const { raw, notes } = log;
  const filter = (/** @type {string} */ field, /** @type {string} */ value) =>
    value === NONE ? null : filterButton(oneLine(value, 200), termFor(field, value), addTerm);
  return fields([
    ["service", filter("service", log.service)],
    ["source", filter("source", log.source)],
    ["host", raw.hostname ? filter("host", textOf(raw.hostname)) : null],
    ["timestamp", timestamp(log)],
    ["received", h("span", {}, dateTime(log.received), lag(log))],
    ["request", requestLink(log, openRequest)],
    ["endpoint", oneLine(String(notes.endpoint), 200)],
    ["api key", notes.api_key ? `…${oneLine(String(notes.api_key), 8)}` : null],
    ["via", h("span", {}, filter("via", log.via), streamWords(log))],
    ["pattern", patternWords(log, addTerm)],
    ["uuid", notes.uuid ? oneLine(String(notes.uuid), 100) : null],
    ["exact bytes", notes.body_base64 ? oneLine(String(notes.body_base64), 200) : null],
    ["seq", String(log.seq)],
  ]);
}

/** @param {LogRecord} log */
function timestamp(log) {
  const { timestamp: sent } = log.raw;
  if (sent === undefined || sent === null) return "none sent";
  const means = log.stated === null ? " not understood" : ` ${dateTime(log.stated)}`;
  return h("span", {}, oneLine(textOf(sent), 60), h("span", { class: "aside" }, means));
}

/** @param {LogRecord} log */
function lag(log) {
  if (log.stated === null) return null;
  const late = log.received - log.stated;
  return h("span", { class: "aside" }, late >= 0 ? ` ${duration(late)} after` : ` ${duration(-late)} before its timestamp`);
}

/** @param {LogRecord} log */
function streamWords({ via, notes }) {
  if (via !== "stream") return null;
  const shadow = notes.shadow ? ", only to be compared" : "";
  return h("span", { class: "aside" }, ` ${notes.stream}, batch ${notes.batch_id}, generation ${String(notes.wire).toUpperCase()}${shadow}`);
}

/** @param {LogRecord} log @param {(term: string) => void} addTerm */
function patternWords({ via, notes }, addTerm) {
  if (via !== "stream") return null;
  if (notes.pattern_id === null) return "none, sent as it is";
  return filterButton(String(notes.pattern_id), `stream:${notes.stream} pattern:${notes.pattern_id}`, addTerm);
}

/** @param {LogRecord} log @param {(seq: number) => void} openRequest */
function requestLink({ via, notes }, openRequest) {
  const seq = notes.request;
  const words = via === "stream" ? `#${seq}, its stream` : `#${seq}, as it was sent`;
  const link = h("a", { href: `#requests/${seq}`, class: "request-link" }, words);
  link.addEventListener("click", (/** @type {Event} */ event) => {
    event.preventDefault();
    openRequest(seq);
  });
  return link;
}
