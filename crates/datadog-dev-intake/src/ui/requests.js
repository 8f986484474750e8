// The view of raw requests: what came in, how it was answered, and what was wrong with it.

import { bodyAddress, getBody } from "./api.js";
import { copyButton, fields, section, textBlock } from "./details.js";
import { fill, h, marked } from "./dom.js";
import { bytes, clock, count, counted, dateTime, duration, oneLine, ratio } from "./format.js";
import { jsonTree } from "./json-tree.js";
import { headersOf, holdsLogs, isStream, OUTCOMES, outcomeOf, parseRequest, requestValue } from "./request-record.js";

/** @typedef {import("./request-record.js").RequestRecord} RequestRecord */

/** Most of a body that is loaded to be shown. */
const BODY_LIMIT = 512 * 1_024;

const HINTS = [
  { example: "/api/v2/logs", means: "the words in path, headers or problems" },
  { example: "status:>=400", means: "a field: status, method, path, fault, encoding, items" },
  { example: 'problem:"no message"', means: "what was wrong" },
  { example: "content-type:*json*", means: "a header; anything in place of *" },
  { example: "raw_bytes:>100000", means: "a number; also >= < <=" },
  { example: "-status:202", means: "not" },
];

/**
 * @param {import("./store.js").RecordStore<RequestRecord>} store
 * @param {{ showLogsOf: (seq: number) => void, empty: () => HTMLElement }} page
 * @returns {import("./explorer.js").Definition<RequestRecord>}
 */
export function requestsView(store, page) {
  return {
    id: "requests",
    title: "Requests",
    noun: "request",
    path: "/inspect/requests",
    parse: parseRequest,
    total: (summary) => summary.requests.total,
    store,
    levels: OUTCOMES,
    levelOf: (request) => request.outcome,
    facets: [
      { id: "status", title: "Status", valueOf: (request) => request.status },
      { id: "path", title: "Path", valueOf: (request) => request.raw.path },
      { id: "problem", title: "Problem", valueOf: (request) => request.problemKinds },
      { id: "fault", title: "Fault", valueOf: (request) => request.faults },
      { id: "encoding", title: "Encoding", valueOf: (request) => request.encoding },
    ],
    facetLevel,
    columns: [
      { id: "time", title: "Time" },
      { id: "status", title: "Status" },
      { id: "method", title: "Method" },
      { id: "path", title: "Path" },
      { id: "problems", title: "Problems" },
      { id: "fault", title: "Fault" },
      { id: "items", title: "Items", isNumber: true },
      { id: "raw", title: "Raw", isNumber: true },
      { id: "wire", title: "Wire", isNumber: true },
      { id: "ratio", title: "Ratio", isNumber: true },
      { id: "encoding", title: "Encoding" },
      { id: "duration", title: "Took", isNumber: true },
    ],
    fillRow,
    valueOf: requestValue,
    hints: HINTS,
    details: (request, tools) => details(request, tools, page.showLogsOf),
    empty: page.empty,
  };
}

/** @param {string} facet @param {string} value @returns {string | null} */
function facetLevel(facet, value) {
  if (facet === "status" && /^\d+$|^–$/.test(value)) return OUTCOMES[outcomeOf(Number(value) || null)].id;
  if (facet === "status") return { open: "notice", OK: "ok" }[value] ?? "error";
  return { problem: "warn", fault: "fatal" }[facet] ?? null;
}

/** @param {RequestRecord} request @param {HTMLElement[]} cells @param {HTMLElement} row @param {RegExp | null} marks */
function fillRow(request, cells, row, marks) {
  const { raw, problems } = request;
  const [time, status, method, path, problem, ...others] = cells;
  row.dataset.level = OUTCOMES[request.outcome].id;
  row.classList.toggle("has-problems", problems.length > 0);
  time.textContent = clock(request.at);
  time.title = dateTime(request.at);
  status.textContent = request.status;
  status.title = request.status;
  method.textContent = oneLine(String(raw.method), 10);
  path.replaceChildren(...marked(oneLine(request.text, 300), marks));
  problem.textContent = problemWords(problems);
  problem.title = problems.slice(0, 5).map((one) => oneLine(one, 200)).join("\n");
  const texts = [
    raw.fault ? oneLine(String(raw.fault), 40) : "",
    raw.items === null || raw.items === undefined ? "–" : count(raw.items),
    raw.raw_bytes === null ? "–" : bytes(raw.raw_bytes),
    bytes(raw.wire_bytes),
    ratio(raw.raw_bytes, raw.wire_bytes),
    oneLine(request.encoding, 20),
    duration(raw.duration_ms ?? 0),
  ];
  texts.forEach((text, index) => (others[index].textContent = text));
}

/** @param {string[]} problems */
function problemWords(problems) {
  if (problems.length === 0) return "";
  const first = oneLine(problems[0], 80);
  return problems.length === 1 ? first : `${first} +${problems.length - 1}`;
}

/**
 * @param {RequestRecord} request
 * @param {import("./explorer.js").DetailTools} tools
 * @param {(seq: number) => void} showLogsOf
 * @returns {import("./drawer.js").Details}
 */
function details(request, tools, showLogsOf) {
  const { raw } = request;
  return {
    title: h(
      "span",
      { class: "detail-title" },
      h("span", { class: "level-word", "data-level": OUTCOMES[request.outcome].id }, request.status),
      h("span", { class: "mono" }, `${oneLine(String(raw.method), 10)} ${oneLine(request.text, 200)}`),
    ),
    actions: [],
    body: h(
      "div",
      {},
      problemBox(request.problems),
      section("Exchange", [exchange(request, showLogsOf)]),
      section("Headers", [headerFields(request)], copyButton("Copy", () => headerLines(request))),
      !isStream(request.raw) && bodySection(request, tools.signal),
    ),
  };
}

/** @param {string[]} problems */
function problemBox(problems) {
  if (problems.length === 0) return null;
  return h(
    "section",
    { class: "problem-box" },
    h("h3", {}, counted(problems.length, "problem")),
    h("ul", {}, ...problems.map((problem) => h("li", {}, oneLine(problem, 500)))),
  );
}

/** @param {RequestRecord} request @param {(seq: number) => void} showLogsOf */
function exchange(request, showLogsOf) {
  const { raw } = request;
  const logs = h("button", { class: "value-button", type: "button", title: "Show the logs of this request" }, counted(raw.items ?? 0, "item"));
  logs.addEventListener("click", () => showLogsOf(request.seq));
  const version = String(raw.http_version ?? "").replace(/^HTTP\//i, "");
  return fields([
    [isStream(raw) ? "opened" : "received", dateTime(request.at)],
    ...streamRows(raw),
    isStream(raw) ? ["ended", endWords(raw)] : ["answered", `${request.status === "–" ? "never" : request.status}, after ${duration(raw.duration_ms ?? 0)}`],
    ["fault", raw.fault ? h("span", { class: "fault-word" }, oneLine(String(raw.fault), 60)) : null],
    ["held", raw.items && holdsLogs(raw) ? logs : counted(raw.items ?? 0, "item")],
    ...productRows(raw),
    ["size", sizeWords(raw)],
    ["encoding", oneLine(request.encoding, 40)],
    ["protocol", version === "" ? null : `HTTP/${oneLine(version, 10)}`],
    ["api key", raw.api_key ? `…${oneLine(String(raw.api_key), 8)}` : "none"],
    ["seq", String(request.seq)],
  ]);
}

/** @param {Record<string, any>} raw @returns {[string, string | null][]} what only a stream has */
function streamRows(raw) {
  if (!isStream(raw)) return [];
  const acked = raw.last_acked === null ? "none acknowledged" : `acknowledged up to ${raw.last_acked}`;
  return [
    ["stream", `${raw.stream}, generation ${String(raw.wire).toUpperCase()}${raw.shadow ? ", only to be compared" : ""}`],
    ["batches", `${count(raw.batches)}, ${acked}`],
  ];
}

/** @param {Record<string, any>} raw @returns {[string, string | null][]} what only a request has that an agent passes on */
function productRows(raw) {
  if (!raw.product) return [];
  const parts = (raw.parts ?? []).map((/** @type {any} */ part) => `${part.name || "no name"} (${[part.filename, bytes(part.bytes)].filter(Boolean).join(", ")})`);
  return [
    ["for", String(raw.product)],
    ["about", oneLine([raw.request_type, ...(raw.messages ?? [])].filter(Boolean).join(", "), 1_000)],
    ["parts", oneLine(parts.join(", "), 2_000)],
    ...pollRows(raw.poll),
  ];
}

/** @param {Record<string, any> | undefined} poll what an agent asks of remote configuration @returns {[string, string | null][]} */
function pollRows(poll) {
  if (!poll) return [];
  const words = (/** @type {string[]} */ texts) => oneLine(texts.join(", "), 1_000);
  const { config_snapshot_version: snapshot, config_root_version: root, director_root_version: director } = poll;
  return [
    ["agent", words([poll.hostname, poll.agent_version, poll.agent_uuid].filter(Boolean))],
    ["has", `config snapshot ${snapshot}, config root ${root}, director root ${director}`],
    ["products", words(poll.products)],
    ["new products", words(poll.new_products)],
    ["clients", words(poll.clients.map((/** @type {any} */ client) => [client.name, client.language, client.id].filter(Boolean).join(" ")))],
    ["error", oneLine(poll.error, 1_000)],
  ];
}

/** @param {Record<string, any>} raw of a stream */
function endWords({ ended, duration_ms: took }) {
  if (ended === null) return `not yet, after ${duration(took)}`;
  const how = ended.grpc_status ?? (ended.http_status === null ? "without an answer" : `HTTP ${ended.http_status}`);
  const why = ended.message === "" ? "" : `: ${oneLine(String(ended.message), 500)}`;
  return `${how}, after ${duration(took)}${why}`;
}

/** @param {Record<string, any>} raw */
function sizeWords(raw) {
  if (raw.raw_bytes === null) return `${bytes(raw.wire_bytes)} on the wire, not decoded`;
  if (raw.raw_bytes <= raw.wire_bytes) return bytes(raw.wire_bytes);
  return `${bytes(raw.raw_bytes)}, ${bytes(raw.wire_bytes)} on the wire, ${ratio(raw.raw_bytes, raw.wire_bytes)} smaller`;
}

/** @param {RequestRecord} request */
function headerFields(request) {
  return fields(headersOf(request).map(([name, value]) => [oneLine(name, 100), oneLine(value, 2_000)]));
}

/** @param {RequestRecord} request */
function headerLines(request) {
  return headersOf(request).map(([name, value]) => `${name}: ${value}`).join("\n");
}

/** @param {RequestRecord} request @param {AbortSignal} signal */
function bodySection(request, signal) {
  const place = h("div", { class: "request-body" }, h("p", { class: "note" }, "Loading…"));
  const download = h("a", { href: bodyAddress(request.seq), download: `request-${request.seq}.txt`, class: "button small" }, "Download");
  getBody(request.seq, BODY_LIMIT, signal).then(
    (body) => fill(place, ...shownBody(body)),
    (error) => {
      if (!signal.aborted) fill(place, h("p", { class: "note" }, `The body cannot be shown: ${error.message}`));
    },
  );
  return section("Body, decoded", [place], download);
}

/** @param {{ bytes: Uint8Array, isWhole: boolean }} body @returns {(HTMLElement | null)[]} */
function shownBody(body) {
  if (body.bytes.length === 0) return [h("p", { class: "note" }, "Empty.")];
  const text = new TextDecoder().decode(body.bytes);
  const cut = body.isWhole ? null : h("p", { class: "note" }, `Only the first ${bytes(BODY_LIMIT)} are shown; the download has all of it.`);
  const value = body.isWhole ? parsed(text) : undefined;
  return [cut, value === undefined ? textBlock(text) : jsonTree(value)];
}

/** @param {string} text @returns {unknown} `undefined` when it is not JSON */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
