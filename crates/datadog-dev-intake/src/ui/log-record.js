// A log as the page keeps it: made from one line of `/inspect/logs`. Pure.

/** Where a record has no such key; the intake's own totals say the same. */
export const NONE = "(none)";

/** The gravest first; `status` words are matched by their beginning. */
export const LEVELS = [
  { id: "fatal", title: "fatal", words: ["emerg", "alert", "crit", "fatal", "panic"] },
  { id: "error", title: "error", words: ["err"] },
  { id: "warn", title: "warn", words: ["warn"] },
  { id: "notice", title: "notice", words: ["notice"] },
  { id: "info", title: "info", words: ["info"] },
  { id: "ok", title: "ok", words: ["ok", "success"] },
  { id: "debug", title: "debug", words: ["debug", "trace", "verbose"] },
  { id: "none", title: "other", words: [] },
];

const NO_LEVEL = LEVELS.length - 1;

/** What the intake notes about a log, in front of the log's own keys. */
const NOTES = ["seq", "received_at", "via", "api_key", "endpoint", "request"];

/** What it notes behind those of a log that came over a stream. */
const STREAM_NOTES = ["stream", "batch_id", "pattern_id", "uuid", "wire", "shadow", "body_base64"];

/** Keys of a log that have a place of their own in the details. */
const USUAL_KEYS = new Set(["message", "timestamp", "hostname", "service", "ddsource", "ddtags", "status"]);

/** Names of fields in a search, where they differ from the wire's. */
const ALIASES = new Map([["source", "ddsource"], ["host", "hostname"]]);

/** A timestamp further than this from its arrival does not place a log on the page's axis of time. */
const PLAUSIBLE_MS = 86_400_000;

/** Attributes nested more deeply than this are shown but not searched. */
const DEEPEST = 64;

/**
 * @typedef {object} LogRecord
 * @property {number} seq
 * @property {number} bytes
 * @property {number} at when it happened if that is plausible, else when it arrived; milliseconds
 * @property {number} received
 * @property {number | null} stated the record's own timestamp, when it can be understood
 * @property {number} level index into `LEVELS`
 * @property {string} status
 * @property {string} service
 * @property {string} source
 * @property {string[]} tags
 * @property {string} text the message
 * @property {string} rest every other value, for searching
 * @property {string} via `http` or `stream`
 * @property {Record<string, any>} raw the log as it was sent
 * @property {Record<string, any>} notes what the intake noted about it: `received_at`, `via`, `endpoint` and so on
 */

/** @param {string} line @returns {LogRecord} */
export function parseLog(line) {
  const { notes, raw } = split(JSON.parse(line));
  const stated = timeOf(raw.timestamp);
  const received = notes.received_at;
  const isPlausible = stated !== null && Math.abs(stated - received) < PLAUSIBLE_MS;
  const tags = tagsOf(raw.ddtags);
  const status = shared(wordOr(raw.status, NONE));
  return {
    seq: notes.seq,
    bytes: line.length * 2,
    at: isPlausible ? stated : received,
    received,
    stated,
    level: levelOf(status),
    status,
    service: shared(wordOr(raw.service, NONE)),
    source: shared(wordOr(raw.ddsource, NONE)),
    tags,
    text: textOf(raw.message),
    rest: restOf(raw),
    via: shared(textOf(notes.via)),
    raw,
    notes,
  };
}

/**
 * Parts what the intake noted from what was sent. The notes are the first keys of the line; where a log has a key named
 * like one of them, the note's name has `_` in front, hence going by place rather than by name.
 * @param {Record<string, any>} record
 */
function split(record) {
  const entries = Object.entries(record);
  // Keys that are whole numbers come first whatever their place in the text; they are never notes.
  const start = entries.findIndex(([key]) => !/^\d+$/.test(key));
  const via = entries[start + NOTES.indexOf("via")]?.[1];
  const names = via === "stream" ? [...NOTES, ...STREAM_NOTES] : NOTES;
  const noted = entries.splice(start, names.length);
  return {
    notes: Object.fromEntries(noted.map(([, value], index) => [names[index], value])),
    raw: Object.fromEntries(entries),
  };
}

/** @param {LogRecord} log @returns {Record<string, unknown>} what the sender added beyond the usual keys */
export function attributesOf(log) {
  return Object.fromEntries(Object.entries(log.raw).filter(([key]) => !USUAL_KEYS.has(key)));
}

/**
 * The value of a field as searches name it: a key of the log, `@path.to.attribute`, or the key of a tag.
 * @param {LogRecord} log
 * @param {string} field
 * @returns {unknown}
 */
export function logValue(log, field) {
  if (field === "status") return log.status;
  if (field === "service") return log.service;
  if (field === "source" || field === "ddsource") return log.source;
  if (field === "tag" || field === "tags" || field === "ddtags") return log.tags;
  if (field === "message") return log.text;
  if (field === "request") return log.notes.request;
  if (field === "via") return log.via;
  if (field === "pattern" && log.via === "stream") return log.notes.pattern_id ?? undefined;
  if (field === "batch" && log.via === "stream") return log.notes.batch_id;
  if (field === "stream" && log.via === "stream") return log.notes.stream;
  if (field.startsWith("@")) return attributeAt(log.raw, field.slice(1));
  const tagged = log.tags.filter((tag) => tag.startsWith(`${field}:`)).map((tag) => tag.slice(field.length + 1));
  return tagged.length > 0 ? tagged : attributeAt(log.raw, ALIASES.get(field) ?? field);
}

/** @param {string} status @returns {number} index into `LEVELS` */
export function levelOf(status) {
  const word = status.toLowerCase();
  const level = LEVELS.findIndex(({ words }) => words.some((start) => word.startsWith(start)));
  return level === -1 ? NO_LEVEL : level;
}

/** @param {unknown} value @returns {string} a text as it is, nothing as nothing, all else as JSON */
export function textOf(value) {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  try {
    return JSON.stringify(value);
  } catch {
    return "(nested too deeply to be shown in a line)";
  }
}

/** @param {unknown} value @param {string} otherwise */
function wordOr(value, otherwise) {
  const text = textOf(value);
  return text === "" ? otherwise : text;
}

/** @param {unknown} value @returns {number | null} milliseconds since the epoch */
function timeOf(value) {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const time = typeof value === "string" && !/^\d+$/.test(value) ? Date.parse(value) : Number(value);
  return Number.isFinite(time) ? time : null;
}

/** @param {unknown} ddtags @returns {string[]} */
function tagsOf(ddtags) {
  if (ddtags === undefined || ddtags === null || ddtags === "") return [];
  const tags = typeof ddtags === "string" ? ddtags.split(",") : [ddtags].flat();
  return tags.map((tag) => String(tag).trim()).filter((tag) => tag !== "");
}

/**
 * Follows a path of keys; a key may itself have dots, and every element of an array is followed.
 * @param {any} value
 * @param {string} path
 * @param {number} [depth]
 * @returns {unknown}
 */
function attributeAt(value, path, depth = 0) {
  if (value === null || typeof value !== "object" || depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    const found = value.flatMap((element) => attributeAt(element, path, depth + 1) ?? []);
    return found.length > 0 ? found : undefined;
  }
  if (Object.hasOwn(value, path)) return value[path];
  for (let dot = path.indexOf("."); dot !== -1; dot = path.indexOf(".", dot + 1)) {
    const key = path.slice(0, dot);
    const found = Object.hasOwn(value, key) ? attributeAt(value[key], path.slice(dot + 1), depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  const message = value.message;
  return message !== null && typeof message === "object" ? attributeAt(message, path, depth + 1) : undefined;
}

/** @param {Record<string, any>} raw @returns {string} */
function restOf(raw) {
  /** @type {unknown[]} */
  const parts = [];
  for (const [key, value] of Object.entries(raw)) {
    if (!USUAL_KEYS.has(key)) collect(value, parts, 0);
  }
  for (const key of ["service", "ddsource", "hostname", "ddtags"]) parts.push(textOf(raw[key]));
  return parts.join("\n");
}

/** @param {any} value @param {unknown[]} parts gathers every leaf @param {number} depth */
function collect(value, parts, depth) {
  if (value === null || typeof value !== "object") parts.push(value);
  else if (depth < DEEPEST) for (const member of Object.values(value)) collect(member, parts, depth + 1);
}

/** @type {Map<string, string>} */
const words = new Map();

/** One copy of words that come again and again. @param {string} word */
function shared(word) {
  const known = words.get(word);
  if (known !== undefined) return known;
  if (words.size < 10_000) words.set(word, word);
  return word;
}
