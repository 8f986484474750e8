// What a firewall says on a span: events with what they matched, fingerprints of the request, and schemas of what it
// carried.
//
// All of it is text of attackers: it becomes text nodes as any other, and what is invisible in it is made visible.

import { copyButton, fields, section } from "./details.js";
import { h, marked } from "./dom.js";
import { block, count, counted, oneLine } from "./format.js";
import { jsonTree } from "./json-tree.js";

/** @typedef {import("./trace-model.js").Span} Span */
/** @typedef {import("./trace-model.js").SecurityEvent} SecurityEvent */
/** @typedef {import("./trace-model.js").MatchedParameter} MatchedParameter */

/** Longest value shown, in UTF-16 units. */
const LONGEST_VALUE = 20_000;
/** Highlights that are looked for in a value, and shown beside it. */
const MAX_HIGHLIGHTS = 50;
/** What a schema calls a value. */
const KINDS = new Map(Object.entries({ 1: "null", 2: "bool", 4: "integer", 8: "string", 16: "float" }));

/** The part of a span's details about security, if there is any. @param {Span} span @returns {HTMLElement | null} */
export function securityPart(span) {
  const { security } = span.raw;
  if (!security) return null;
  const { events, problems, fingerprints, schemas } = security;
  const told = problems.map((/** @type {string} */ problem) => h("li", {}, oneLine(problem)));
  const isBare = events.length + told.length === 0;
  return section("Security", [
    told.length > 0 ? h("div", { class: "problem-box" }, h("h3", {}, counted(told.length, "problem")), h("ul", {}, ...told)) : null,
    isBare ? h("p", { class: "note" }, security.blocked ? "The request was blocked, and no event says why." : "A firewall looked at this request and found no attack.") : null,
    ...events.map(eventPart),
    fields([...factsOf(span.raw), ...named(fingerprints, "fingerprint")]),
    ...Object.entries(schemas).map(([of, schema]) => schemaPart(of, schema)),
  ]);
}

/** Whether a request was let through in spite of an event. @param {SecurityEvent} event */
export function verdict(event) {
  return h("span", { class: "level-word", "data-level": event.blocked ? "error" : "warn" }, event.blocked ? "blocked" : "monitored");
}

/** Where something was found: `server.request.query › q › 0`. @param {MatchedParameter} parameter */
export function pathOf({ address, key_path: keys }) {
  return [address || "no address", ...keys.map((key) => (typeof key === "string" ? key : JSON.stringify(key)))].map((step) => oneLine(step, 200)).join(" › ");
}

/** What a rule is about. @param {SecurityEvent} event */
export function kindOf({ rule }) {
  return [rule.type, rule.category].filter(Boolean).map((word) => oneLine(word, 100)).join(" · ");
}

/** @param {SecurityEvent} event */
function eventPart(event) {
  const { rule } = event;
  const actions = rule.on_match.map((action) => oneLine(action, 100)).join(", ");
  return h(
    "article",
    { class: "security-event", "data-rule": rule.id, "data-blocked": event.blocked },
    h("div", { class: "security-head" }, verdict(event), h("b", {}, oneLine(rule.name || rule.id, 300)), h("span", { class: "security-id" }, oneLine(rule.id, 200))),
    h("p", { class: "note" }, [kindOf(event), actions && `on match ${actions}`].filter(Boolean).join(" · ")),
    ...event.rule_matches.flatMap((match) => match.parameters.map((parameter) => parameterPart(parameter, match.operator))),
    fields([
      ["response id", oneLine(event.security_response_id ?? "")],
      ["stack id", oneLine(event.stack_id ?? "")],
    ]),
  );
}

/** @param {MatchedParameter} parameter @param {string} operator */
function parameterPart(parameter, operator) {
  const value = block(parameter.value.slice(0, LONGEST_VALUE));
  const rest = parameter.value.length - LONGEST_VALUE;
  const wanted = parameter.highlight.slice(0, MAX_HIGHLIGHTS).map(block).filter(Boolean);
  // The firewall compares what it has decoded and made lower case, or says a word of its own.
  const elsewhere = wanted.filter((one) => !value.toLowerCase().includes(one.toLowerCase()));
  return h(
    "div",
    { class: "security-match" },
    h("div", { class: "security-path" }, parameter.name && h("span", { class: "aside" }, `${oneLine(parameter.name, 100)} `), h("span", { class: "mono" }, pathOf(parameter)), operator && h("span", { class: "aside" }, ` ${oneLine(operator, 100)}`)),
    h("div", { class: "text-block" }, h("pre", { class: "security-value" }, value === "" ? h("span", { class: "aside" }, "empty") : marked(value, anyOf(wanted))), rest > 0 && h("p", { class: "note" }, `${count(rest)} more characters are not shown.`)),
    elsewhere.length > 0 && h("p", { class: "note" }, "found as ", ...elsewhere.flatMap((one, index) => [index > 0 && ", ", h("mark", { class: "mono" }, oneLine(one))])),
  );
}

/** What finds any of these texts, in any case. @param {string[]} texts @returns {RegExp | null} */
function anyOf(texts) {
  const longestFirst = [...texts].sort((a, b) => b.length - a.length);
  const parts = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return parts.length > 0 ? new RegExp(parts.join("|"), "gi") : null;
}

/** @param {Record<string, any>} raw @returns {[string, string][]} */
function factsOf({ meta, metrics }) {
  const micros = metrics["_dd.appsec.waf.duration"];
  return [
    ["from", oneLine(meta["actor.ip"] ?? meta["http.client_ip"] ?? "")],
    ["library", oneLine(meta["_dd.appsec.waf.version"] ?? "")],
    ["rules", oneLine(meta["_dd.appsec.event_rules.version"] ?? "")],
    ["took", typeof micros === "number" ? `${Number(micros.toPrecision(3))} µs` : ""],
  ];
}

/** @param {Record<string, string>} values @param {string} what @returns {[string, string][]} */
function named(values, what) {
  return Object.entries(values).map(([of, text]) => [`${what} ${oneLine(of, 100)}`, oneLine(text, 2_000)]);
}

/** @param {string} of @param {unknown} schema */
function schemaPart(of, schema) {
  const name = h("span", { class: "mono" }, oneLine(of, 200));
  const copy = copyButton("Copy as JSON", () => JSON.stringify(schema));
  return h("div", { class: "security-schema", "data-schema": of }, h("div", { class: "part-head" }, h("h4", {}, "Schema of ", name), copy), jsonTree(inWords(schema)));
}

/**
 * A schema with words for what it has numbers and brackets for; what is none stays as it is.
 *
 * A value is `[8]`, or `[8, {"type": "email", "category": "pii"}]`; an object is `[{"name": [8]}]`, and an array
 * `[[[8], [4]], {"len": 3}]` with each schema that its elements have.
 * @param {unknown} schema
 * @returns {unknown}
 */
function inWords(schema) {
  if (!Array.isArray(schema) || schema.length === 0) return schema;
  const [what, more] = schema;
  if (Array.isArray(what)) {
    const elements = what.map(inWords);
    return { [`array of ${more?.len ?? "any"}`]: elements.length === 1 ? elements[0] : elements };
  }
  if (what !== null && typeof what === "object") {
    return Object.fromEntries(Object.entries(what).map(([key, value]) => [key, inWords(value)]));
  }
  const kind = KINDS.get(String(what));
  if (kind === undefined) return schema;
  const found = more && typeof more === "object" ? Object.values(more).map(String).join(" ") : "";
  return found ? `${kind}, ${found}` : kind;
}
