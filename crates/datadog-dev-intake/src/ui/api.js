// The intake's HTTP interface, as functions. Knows neither the stores nor the document.

/**
 * @typedef {object} Signal totals of one signal since the start or the last reset
 * @property {number} items
 * @property {number} requests
 * @property {number} raw_bytes
 * @property {number} wire_bytes
 */

/**
 * @typedef {object} Fault one rule of the script of verdicts, with how often it has struck
 * @property {string} [path] `*` or nothing for every path
 * @property {number} [times] nothing for "until reset"
 * @property {number} [status]
 * @property {number} [retry_after] seconds
 * @property {number} [delay_ms]
 * @property {boolean} [hang]
 * @property {string} [grpc_status] the name of a status of gRPC, for streams
 * @property {string} [ack] which batches of a stream are acknowledged
 * @property {boolean} [forget_state]
 * @property {string} [tamper] what is wrong with answers of remote configuration
 * @property {string} [document] which document of theirs
 * @property {number} [hits]
 */

/**
 * @typedef {object} Summary
 * @property {number | string} started_at
 * @property {number} now
 * @property {number} seq
 * @property {Record<string, Signal>} signals
 * @property {{ total: number, by_path: Record<string, number> }} requests
 * @property {{ open: number, patterns: number }} [streams] those that are open, and what they have defined
 * @property {{ pushed: number }} [remote_config]
 * @property {Record<string, number>} problems how often each kind occurred
 * @property {number} kept_bytes
 * @property {number} keep_bytes
 * @property {{ records: number, bytes: number }} evicted
 * @property {Fault[]} faults
 * @property {string} [hint] a line that posts a log to the agent
 */

/**
 * @typedef {object} Stream one stateful stream
 * @property {number} stream
 * @property {number} opened_at
 * @property {number} batches
 * @property {number} logs
 * @property {number} wire_bytes
 * @property {{ patterns: number, texts: number, schemas: number, state_bytes: number }} state
 * @property {{ batches: number, logs: number, wire_bytes: number, http_bytes: number }} http the batches whose cost over HTTP was worked out
 * @property {{ at: number, grpc_status: string | null, http_status: number | null, message: string } | null} ended
 */

/** @typedef {{ now: number, streams: Stream[], http_batches_left: number | null }} Streams */

/**
 * @typedef {object} Pattern one that an open stream has defined
 * @property {number} stream
 * @property {number} pattern_id
 * @property {string[]} pieces the text between its values
 * @property {boolean} is_cut
 * @property {number} logs
 * @property {number | null} last_seen
 * @property {string | null} example
 */

/** @typedef {{ patterns: Pattern[], total: number, cut: number }} Patterns */

/**
 * @typedef {object} Acknowledgement what a client says of a file
 * @property {string} client
 * @property {string} kind
 * @property {string} name
 * @property {string} language
 * @property {string} runtime_id
 * @property {"unknown" | "unacknowledged" | "acknowledged" | "error"} apply_state
 * @property {string} apply_error
 */

/**
 * @typedef {object} PushedConfig a file of remote configuration
 * @property {string} path
 * @property {string} product
 * @property {string} id
 * @property {number} version
 * @property {number} pushed_at
 * @property {number} bytes
 * @property {Record<string, string>[]} predicates
 * @property {string | null} text
 * @property {Acknowledgement[]} clients
 */

/**
 * @typedef {object} ConfigClient a client of an agent
 * @property {string} id
 * @property {string} kind
 * @property {string} name
 * @property {string} version
 * @property {string} language
 * @property {string} env
 * @property {string} runtime_id
 * @property {string[]} products
 * @property {string} error
 */

/**
 * @typedef {object} ConfigAgent what an agent said with its last poll
 * @property {number} polled_at
 * @property {string} hostname
 * @property {string} agent_version
 * @property {string} agent_uuid
 * @property {string} error
 * @property {ConfigClient[]} clients
 * @property {number} clients_cut
 */

/**
 * @typedef {object} RemoteConfig
 * @property {number} config_snapshot_version
 * @property {number} config_root_version
 * @property {number} director_root_version
 * @property {PushedConfig[]} pushed
 * @property {ConfigAgent[]} agents the one that polled last at the end
 */

/** @typedef {{ product: string, id: string, name?: string, config?: unknown, config_base64?: string, predicates?: Record<string, string>[] }} ConfigToPush */

/** How long a request that is answered at once may take before the intake counts as unreachable. */
const PATIENCE_MS = 5_000;

/** Work on incoming records yields to painting after this long. */
const SLICE_MS = 10;

/** @returns {Promise<Summary>} */
export function getSummary() {
  return ask("GET", "/inspect/summary");
}

/** Makes the intake forget everything. */
export function reset() {
  return ask("POST", "/inspect/reset");
}

/** The streams, with what their logs would have cost over HTTP. @returns {Promise<Streams>} */
export function getStreams() {
  return ask("GET", "/inspect/streams?http_bytes=1");
}

/** The patterns of the open streams, the most used first. @returns {Promise<Patterns>} */
export function getPatterns() {
  return ask("GET", "/inspect/patterns");
}

/** The record of a request as it is now. @param {number} seq @returns {Promise<string | null>} `null` when it is gone */
export async function getRequestLine(seq) {
  const response = await fetch(`/inspect/requests?after=${seq - 1}&limit=1`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(await refusal(response));
  const text = (await response.text()).trim();
  return text === "" ? null : text;
}

/** @returns {Promise<Fault[]>} the script in force */
export async function getFaults() {
  return rulesOf(await ask("GET", "/inspect/faults"));
}

/** Replaces the script. @param {Fault[]} rules @returns {Promise<void>} */
export async function setFaults(rules) {
  await ask("POST", "/inspect/faults", { rules });
}

/** @returns {Promise<void>} */
export async function clearFaults() {
  await ask("DELETE", "/inspect/faults");
}

/** @returns {Promise<RemoteConfig>} */
export function getRemoteConfig() {
  return ask("GET", "/inspect/remote_config");
}

/** Pushes files of configuration, all or none. @param {ConfigToPush[]} files @returns {Promise<RemoteConfig>} */
export function pushConfigs(files) {
  return ask("POST", "/inspect/remote_config", files);
}

/** Withdraws a file, or every one. @param {string} [path] @returns {Promise<RemoteConfig>} */
export function withdrawConfig(path) {
  return ask("DELETE", path === undefined ? "/inspect/remote_config" : `/inspect/remote_config?path=${encodeURIComponent(path)}`);
}

/** @param {number} seq @returns {string} the address of a request's decoded body */
export function bodyAddress(seq) {
  return `/inspect/requests/${seq}/body`;
}

/**
 * The beginning of a request's decoded body.
 * @param {number} seq
 * @param {number} limit bytes
 * @param {AbortSignal} signal
 * @returns {Promise<{ bytes: Uint8Array, isWhole: boolean }>}
 */
export async function getBody(seq, limit, signal) {
  const response = await fetch(bodyAddress(seq), { signal });
  if (!response.ok) throw new Error(await refusal(response));
  const reader = readerOf(response);
  const chunks = [];
  let size = 0;
  while (size <= limit) {
    const { value, done } = await reader.read();
    if (done) return { bytes: joined(chunks, limit), isWhole: true };
    chunks.push(value);
    size += value.length;
  }
  await reader.cancel();
  return { bytes: joined(chunks, limit), isWhole: false };
}

/**
 * Follows a stream of NDJSON until it ends, fails or is aborted.
 * @param {string} path
 * @param {number} after only records with a higher `seq`
 * @param {AbortSignal} signal
 * @param {(lines: string[]) => void} onLines whole lines, as many as came together
 */
export function follow(path, after, signal, onLines) {
  return readLines(`${path}?follow=1&after=${after}`, signal, onLines);
}

/**
 * Reads the records that there are now, as `follow` would.
 * @param {string} path
 * @param {number} after only records with a higher `seq`
 * @param {AbortSignal} signal
 * @param {(lines: string[]) => void} onLines
 */
export function readRecords(path, after, signal, onLines) {
  return readLines(`${path}?after=${after}`, signal, onLines);
}

/** @param {string} address @param {AbortSignal} signal @param {(lines: string[]) => void} onLines */
async function readLines(address, signal, onLines) {
  const response = await fetch(address, { signal });
  if (!response.ok) throw new Error(await refusal(response));
  const reader = readerOf(response);
  const decoder = new TextDecoder();
  let partial = "";
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (partial + decoder.decode(value, { stream: true })).split("\n");
    partial = lines.pop() ?? "";
    onLines(lines.filter((line) => line !== ""));
    if (performance.now() > sliceEnd) {
      await nextTask();
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>} the decoded answer, or `null` when there is none
 */
async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    signal: AbortSignal.timeout(PATIENCE_MS),
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await refusal(response));
  const text = await response.text();
  return text === "" ? null : JSON.parse(text);
}

/** @param {Response} response @returns {Promise<string>} why the intake refused, in one line */
async function refusal(response) {
  const text = (await response.text()).slice(0, 300).trim();
  return text === "" ? `the intake answered ${response.status}` : text;
}

/** @param {Response} response */
function readerOf(response) {
  if (!response.body) throw new Error("the answer has no body");
  return response.body.getReader();
}

/** @param {any} answer @returns {Fault[]} */
function rulesOf(answer) {
  return Array.isArray(answer) ? answer : (answer?.rules ?? []);
}

/** @param {Uint8Array[]} chunks @param {number} limit */
function joined(chunks, limit) {
  const size = Math.min(limit, chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, size - at);
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Lets the browser paint and answer the reader before going on. */
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
}
