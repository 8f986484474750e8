// A request as the page keeps it: made from one line of `/inspect/requests`. Pure.

/** The gravest first. */
export const OUTCOMES = [
  { id: "fatal", title: "unanswered" },
  { id: "error", title: "5xx" },
  { id: "warn", title: "4xx" },
  { id: "notice", title: "other" },
  { id: "ok", title: "2xx" },
];

/**
 * @typedef {object} RequestRecord
 * @property {number} seq
 * @property {number} bytes
 * @property {number} at
 * @property {number} outcome index into `OUTCOMES`
 * @property {string} status
 * @property {string[]} faults one or none
 * @property {string} encoding
 * @property {string[]} problems
 * @property {string[]} problemKinds the problems without what differs from entry to entry
 * @property {string} text
 * @property {string} rest
 * @property {Record<string, any>} raw
 */

/** @param {string} line @returns {RequestRecord} */
export function parseRequest(line) {
  const raw = JSON.parse(line);
  const problems = (raw.problems ?? []).map(String);
  const status = statusOf(raw);
  return {
    seq: raw.seq,
    bytes: line.length * 2,
    at: raw.received_at,
    outcome: isStream(raw) ? streamOutcome(raw) : outcomeOf(raw.status),
    status,
    faults: raw.fault ? [String(raw.fault)] : [],
    encoding: raw.encoding ? String(raw.encoding) : "identity",
    problems,
    problemKinds: kindsOf(problems),
    text: raw.query ? `${raw.path}?${raw.query}` : String(raw.path),
    rest: restOf(raw, problems),
    raw,
  };
}

/**
 * The value of a field as searches name it: a key of the request, or the name of a header.
 * @param {RequestRecord} request
 * @param {string} field
 * @returns {unknown}
 */
export function requestValue(request, field) {
  if (field === "status") return request.status;
  if (field === "fault") return request.faults;
  if (field === "encoding") return request.encoding;
  if (field === "problem" || field === "problems") return request.problemKinds;
  if (field === "request") return request.seq;
  if (Object.hasOwn(request.raw, field)) return request.raw[field] ?? undefined;
  const headers = headersOf(request);
  const values = headers.filter(([name]) => name.toLowerCase() === field.toLowerCase()).map(([, value]) => value);
  return values.length > 0 ? values : undefined;
}

/** @param {RequestRecord} request @returns {[string, string][]} a header sent twice is listed twice */
export function headersOf(request) {
  return Object.entries(request.raw.headers ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => /** @type {[string, string]} */ ([name, String(one)])),
  );
}

/** @param {Record<string, any>} raw */
export function isStream(raw) {
  return raw.via === "stream";
}

/** Whether what it holds are logs. @param {Record<string, any>} raw */
export function holdsLogs(raw) {
  return isStream(raw) || ["/api/v2/logs", "/v1/input"].includes(raw.path);
}

/** @param {Record<string, any>} raw @returns {string} of a stream `open`, or the name of the status that it ended with */
function statusOf(raw) {
  if (isStream(raw) && raw.ended === null) return "open";
  if (isStream(raw) && raw.ended.grpc_status) return String(raw.ended.grpc_status);
  return raw.status ? String(raw.status) : "–";
}

/** @param {Record<string, any>} raw of a stream @returns {number} index into `OUTCOMES` */
function streamOutcome({ ended }) {
  if (ended === null) return 3;
  if (ended.grpc_status) return ended.grpc_status === "OK" ? 4 : 1;
  return outcomeOf(ended.http_status);
}

/** @param {number | null | undefined} status @returns {number} index into `OUTCOMES` */
export function outcomeOf(status) {
  if (!status) return 0;
  if (status >= 500) return 1;
  if (status >= 400) return 2;
  return status >= 200 && status < 300 ? 4 : 3;
}

/** @param {string[]} problems @returns {string[]} */
function kindsOf(problems) {
  const kinds = problems
    .filter((problem) => !/^\d+ more$/.test(problem))
    .map((problem) => problem.replace(/^((?:entry|series|sketch|event|check|chunk|group|client|bucket) \d+|batch \d+, log \d+): /, "").replace(/^([^:]+): .*$/s, "$1"));
  return [...new Set(kinds)];
}

/** @param {Record<string, any>} raw @param {string[]} problems */
function restOf(raw, problems) {
  const headers = Object.entries(raw.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  return [raw.method, raw.status, raw.fault, ...headers, ...problems].filter(Boolean).join("\n");
}
