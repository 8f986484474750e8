// Traces as they come, chunk by chunk, and trace stats by what they are about. Pure: knows neither the document nor
// the network.
//
// Ids and times are texts of 64 bits; times become BigInt, and only differences of them become numbers.

/** Spans kept over all traces, security events of them, and rows of stats. */
const MAX_SPANS = 100_000;
const MAX_ATTACKS = 5_000;
const MAX_ROWS = 5_000;

/**
 * @typedef {object} Span
 * @property {Record<string, any>} raw with the names of the wire
 * @property {bigint} start nanoseconds
 * @property {number} duration nanoseconds
 * @property {boolean} isError
 * @property {number} request
 */

/**
 * @typedef {object} Node a span in its place
 * @property {Span} span
 * @property {number} depth
 * @property {number} at nanoseconds since the begin of the trace
 */

/**
 * @typedef {object} Trace
 * @property {string} id 32 digits of hex
 * @property {Span[]} spans in the order in which they came
 * @property {Record<string, any>[]} chunks without their spans
 * @property {number} received milliseconds
 * @property {number} errors
 * @property {number} attacks security events on its spans
 * @property {boolean} isBlocked whether one of them was blocked
 * @property {string[]} services in the order in which they came
 * @property {string} searched in lower case
 */

/**
 * @typedef {object} MatchedParameter
 * @property {string | null} name the part that it plays where several belong together
 * @property {string} address
 * @property {unknown[]} key_path keys, and places in arrays
 * @property {string} value
 * @property {string[]} highlight
 */

/**
 * @typedef {object} SecurityEvent
 * @property {boolean} blocked
 * @property {{ id: string, name: string, type: string, category: string, on_match: string[] }} rule
 * @property {{ operator: string, operator_value: string, parameters: MatchedParameter[] }[]} rule_matches
 * @property {string | null} security_response_id
 * @property {string | null} stack_id
 */

/**
 * @typedef {object} Attack a security event in its place
 * @property {SecurityEvent} event
 * @property {Span} span
 * @property {Trace} trace
 * @property {number} at milliseconds
 * @property {string} searched in lower case
 */

export class TraceModel {
  constructor() {
    /** @type {Map<string, Trace>} by id, the one that began to come first at the front */
    this.traces = new Map();
    this.clear();
  }

  clear() {
    this.traces.clear();
    this.spans = 0;
    /** Spans that had to go. */
    this.cut = 0;
    /** @type {Attack[]} in the order in which they came */
    this.attacks = [];
    /** Security events that are no longer listed. */
    this.attacksCut = 0;
  }

  /** @param {Record<string, any>} record one of `/inspect/traces` */
  add(record) {
    const { spans, ...chunk } = record;
    const trace = this.traces.get(record.trace_id) ?? emptyTrace(record);
    this.traces.set(record.trace_id, trace);
    trace.chunks.push(chunk);
    for (const raw of spans) this.#attack(trace, addSpan(trace, raw, record.request));
    this.spans += spans.length;
    while (this.spans > MAX_SPANS && this.traces.size > 1) this.#dropOldest();
  }

  /** Lists the security events of a span. @param {Trace} trace @param {Span} span */
  #attack(trace, span) {
    const { raw } = span;
    for (const event of eventsOf(span)) {
      const { id, name, type, category } = event.rule;
      const found = event.rule_matches.flatMap(({ parameters }) => parameters.map(({ address, value }) => `${address} ${value.slice(0, 1_000)}`));
      const words = [trace.id, raw.service, raw.resource, id, name, type, category, event.blocked ? "blocked" : "monitored", ...found].join("\n");
      this.attacks.push({ event, span, trace, at: Number(span.start / 1_000_000n), searched: words.slice(0, 10_000).toLowerCase() });
    }
    const tooMany = Math.max(0, this.attacks.length - MAX_ATTACKS);
    this.attacks.splice(0, tooMany);
    this.attacksCut += tooMany;
  }

  #dropOldest() {
    const [oldest] = this.traces.values();
    if (oldest.attacks > 0) {
      const before = this.attacks.length;
      this.attacks = this.attacks.filter(({ trace }) => trace !== oldest);
      this.attacksCut += before - this.attacks.length;
    }
    this.traces.delete(oldest.id);
    this.spans -= oldest.spans.length;
    this.cut += oldest.spans.length;
  }
}

/** @param {Record<string, any>} record @returns {Trace} */
function emptyTrace(record) {
  return { id: record.trace_id, spans: [], chunks: [], received: record.received_at, errors: 0, attacks: 0, isBlocked: false, services: [], searched: record.trace_id };
}

/** The security events on a span. @param {Span} span @returns {SecurityEvent[]} */
export function eventsOf(span) {
  return span.raw.security?.events ?? [];
}

/** @param {Trace} trace @param {Record<string, any>} raw @param {number} request @returns {Span} */
function addSpan(trace, raw, request) {
  const isError = raw.error !== 0;
  const span = { raw, start: BigInt(raw.start), duration: Math.max(0, raw.duration), isError, request };
  trace.spans.push(span);
  if (isError) trace.errors += 1;
  if (!trace.services.includes(raw.service)) trace.services.push(raw.service);
  const events = eventsOf(span);
  trace.attacks += events.length;
  trace.isBlocked ||= events.some(({ blocked }) => blocked);
  const rules = events.map(({ rule }) => ` ${rule.id} ${rule.type}`).join("");
  if (trace.searched.length < 20_000) trace.searched += `\n${raw.service} ${raw.name} ${raw.resource}${rules}`.toLowerCase();
  return span;
}

/** Begin and length of a trace. @param {Trace} trace @returns {{ start: bigint, duration: number }} */
export function extentOf(trace) {
  if (trace.spans.length === 0) return { start: 0n, duration: 0 };
  let [{ start }] = trace.spans;
  let end = start;
  for (const span of trace.spans) {
    const spanEnd = span.start + BigInt(Math.round(span.duration));
    if (span.start < start) ({ start } = span);
    if (spanEnd > end) end = spanEnd;
  }
  return { start, duration: Number(end - start) };
}

/**
 * The spans of a trace, each below its parent and before its siblings that began later. What has no parent here begins
 * anew at the left; so does what is its own ancestor.
 * @param {Trace} trace
 * @returns {Node[]}
 */
export function treeOf(trace) {
  const { start } = extentOf(trace);
  const ids = new Set(trace.spans.map(({ raw }) => raw.spanID));
  /** @type {Map<string, Span[]>} */
  const children = new Map();
  const byStart = [...trace.spans].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : b.duration - a.duration));
  for (const span of byStart) {
    const { parentID, spanID } = span.raw;
    const below = ids.has(parentID) && parentID !== spanID ? parentID : "";
    const siblings = children.get(below);
    if (siblings) siblings.push(span);
    else children.set(below, [span]);
  }
  /** @type {Node[]} */
  const nodes = [];
  const placed = new Set();
  const place = (/** @type {Span[]} */ roots) => {
    const waiting = roots.map((span) => ({ span, depth: 0 })).reverse();
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { span, depth } = next;
      if (placed.has(span)) continue;
      placed.add(span);
      nodes.push({ span, depth, at: Number(span.start - start) });
      const below = children.get(span.raw.spanID) ?? [];
      for (let index = below.length - 1; index >= 0; index -= 1) waiting.push({ span: below[index], depth: depth + 1 });
    }
  };
  place(children.get("") ?? []);
  for (const span of byStart) if (!placed.has(span)) place([span]);
  return nodes;
}

/** The span that the others descend from. @param {Trace} trace @returns {Span | undefined} */
export function rootOf(trace) {
  const ids = new Set(trace.spans.map(({ raw }) => raw.spanID));
  return trace.spans.findLast(({ raw }) => raw.parentID === "0") ?? trace.spans.findLast(({ raw }) => !ids.has(raw.parentID)) ?? trace.spans.at(-1);
}

/**
 * @typedef {object} StatsRow all groups that are alike but for their time
 * @property {string} key
 * @property {Record<string, any>} group the newest
 * @property {bigint} start of the newest bucket
 * @property {number} hits
 * @property {number} errors
 * @property {number} duration nanoseconds of all hits
 * @property {string} env
 * @property {number} request
 * @property {string} searched in lower case
 */

export class StatsModel {
  constructor() {
    /** @type {Map<string, StatsRow>} */
    this.rows = new Map();
    this.clear();
  }

  clear() {
    this.rows.clear();
    /** Groups that found no room. */
    this.cut = 0;
  }

  /** @param {Record<string, any>} group one of `/inspect/stats` */
  add(group) {
    const env = group.client?.Env ?? "";
    const key = JSON.stringify([env, group.Service, group.Name, group.Resource, group.Type, group.SpanKind, group.HTTPStatusCode, group.GRPCStatusCode, group.PeerTags]);
    let row = this.rows.get(key);
    if (!row) {
      if (this.rows.size >= MAX_ROWS) {
        this.cut += 1;
        return;
      }
      const searched = `${group.Service} ${group.Name} ${group.Resource} ${env}`.toLowerCase();
      row = { key, group, start: 0n, hits: 0, errors: 0, duration: 0, env, request: group.request, searched };
      this.rows.set(key, row);
    }
    row.hits += group.Hits;
    row.errors += group.Errors;
    row.duration += group.Duration;
    const start = BigInt(group.bucket?.Start ?? 0);
    if (start < row.start) return;
    row.start = start;
    row.group = group;
    row.request = group.request;
  }
}
