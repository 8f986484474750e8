// Posts traces and trace stats to the intake as an agent does, written without any of the project's encoders.

import { gzipSync } from "node:zlib";

import { INTAKE_URL } from "./intake.js";
import { double, message, number, text } from "./protobuf.js";

/** A sketch of the value 1000, as tracers and agents write it. */
const THOUSAND = Buffer.from("0a0909fd4a815abf52f03f120d1208000000000000f03f18b205", "hex");

/**
 * @typedef {object} Span
 * @property {bigint} id
 * @property {bigint} [parent]
 * @property {string} service
 * @property {string} [name]
 * @property {string} resource
 * @property {number} at milliseconds since the begin of the trace
 * @property {number} ms
 * @property {number} [error]
 * @property {Record<string, string>} [meta]
 * @property {Record<string, number>} [metrics]
 * @property {Record<string, unknown>} [structs] structured tags, which are sent as msgpack
 * @property {bigint} [link] the span of the same trace that it refers to
 * @property {string} [event] the name of an event, with an attribute `lines` that has two
 */

/**
 * Posts one chunk of a trace.
 * @param {bigint} trace
 * @param {Span[]} spans
 */
export function postTrace(trace, spans) {
  const begin = BigInt(Date.now()) * 1_000_000n;
  const chunk = Buffer.concat([number(1, 1n), ...spans.map((span) => message(3, spanBytes(trace, begin, span)))]);
  const tracer = Buffer.concat([text(2, "node"), text(4, "5.1.0"), message(6, chunk), text(8, "test")]);
  const payload = Buffer.concat([text(1, "box-1"), text(2, "test"), message(5, tracer), text(7, "7.70.0")]);
  return post("/api/v0.2/traces", "application/x-protobuf", payload);
}

/**
 * Posts one bucket of stats.
 * @param {Record<string, unknown>[]} groups
 */
export function postStats(groups) {
  const start = (BigInt(Math.floor(Date.now() / 10_000)) * 10n - 10n) * 1_000_000_000n;
  const body = {
    AgentHostname: "box-1",
    AgentVersion: "7.70.0",
    Stats: [{ Env: "test", Stats: [{ Start: start, Duration: 10_000_000_000n, Stats: groups.map((group) => ({ OkSummary: THOUSAND, IsTraceRoot: 1, ...group })) }] }],
  };
  return post("/api/v0.2/stats", "application/msgpack", pack(body));
}

/** @param {string} path @param {string} type @param {Buffer} body */
function post(path, type, body) {
  return fetch(new URL(path, INTAKE_URL), {
    method: "POST",
    headers: { "content-type": type, "content-encoding": "gzip", "dd-api-key": "0" },
    body: gzipSync(body),
  });
}

/** @param {bigint} trace @param {bigint} begin @param {Span} span */
function spanBytes(trace, begin, span) {
  const pair = (/** @type {string} */ key, /** @type {Buffer} */ value) => Buffer.concat([text(1, key), value]);
  return Buffer.concat([
    text(1, span.service),
    text(2, span.name ?? "web.request"),
    text(3, span.resource),
    number(4, trace),
    number(5, span.id),
    number(6, span.parent ?? 0n),
    number(7, begin + BigInt(Math.round(span.at * 1e6))),
    number(8, BigInt(Math.round(span.ms * 1e6))),
    number(9, BigInt(span.error ?? 0)),
    ...Object.entries(span.meta ?? {}).map(([key, value]) => message(10, pair(key, text(2, value)))),
    ...Object.entries(span.metrics ?? {}).map(([key, value]) => message(11, pair(key, double(2, value)))),
    ...Object.entries(span.structs ?? {}).map(([key, value]) => message(13, pair(key, message(2, pack(value))))),
    ...(span.link ? [message(14, Buffer.concat([number(1, trace), number(3, span.link)]))] : []),
    ...(span.event ? [message(15, eventBytes(begin, span.event))] : []),
  ]);
}

/** @param {bigint} begin @param {string} name */
function eventBytes(begin, name) {
  const time = Buffer.alloc(9);
  time[0] = 1 * 8 + 1;
  time.writeBigUInt64LE(begin, 1);
  return Buffer.concat([time, text(2, name), message(3, Buffer.concat([text(1, "lines"), message(2, text(2, "one\ntwo"))]))]);
}

/** A value as msgpack, in its longest forms. @param {unknown} value @returns {Buffer} */
function pack(value) {
  if (Buffer.isBuffer(value)) return Buffer.concat([headed(0xc6, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([headed(0xdd, value.length), ...value.map(pack)]);
  if (typeof value === "string") return Buffer.concat([headed(0xdb, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return Buffer.concat([headed(0xdf, entries.length), ...entries.flatMap(([key, one]) => [pack(key), pack(one)])]);
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcf;
  bytes.writeBigUInt64BE(BigInt(/** @type {number | bigint} */ (value)), 1);
  return bytes;
}

/** @param {number} first @param {number} length */
function headed(first, length) {
  const bytes = Buffer.alloc(5);
  bytes[0] = first;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
