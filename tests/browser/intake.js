// Talks to the intake as an agent and as an inspector would.

import { gzipSync } from "node:zlib";

export const INTAKE_URL = required("INTAKE_URL");

/**
 * Posts logs to the intake itself.
 * @param {object[]} logs
 * @param {Record<string, string>} [headers]
 */
export function postLogs(logs, headers = {}) {
  return postText(JSON.stringify(logs), headers);
}

/**
 * Posts the text of an array of logs, for what a JavaScript object cannot hold.
 * @param {string} text
 * @param {Record<string, string>} [headers]
 */
export function postText(text, headers = {}) {
  return fetch(new URL("/api/v2/logs", INTAKE_URL), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-encoding": "gzip",
      "dd-api-key": "00000000000000000000000000005a3f",
      ...headers,
    },
    body: gzipSync(text),
  });
}

/**
 * Posts JSON as a client of the API would.
 * @param {string} path
 * @param {unknown} body
 */
export function postJson(path, body) {
  return fetch(new URL(path, INTAKE_URL), {
    method: "POST",
    headers: { "content-type": "application/json", "dd-api-key": "0" },
    body: JSON.stringify(body),
  });
}

/**
 * Posts gauges.
 * @param {{ metric: string, value: number, tags?: string[], ago?: number }[]} gauges `ago` in seconds
 */
export function postGauges(gauges) {
  const now = Math.floor(Date.now() / 1_000);
  const series = gauges.map(({ metric, value, tags, ago }) => ({ metric, points: [[now - (ago ?? 0), value]], type: "gauge", host: "box-1", tags: tags ?? [] }));
  return postJson("/api/v1/series", { series });
}

/** A distribution `m.d` of the values 1 and 2, tagged `a:b`, of the host `h`, as an agent sends it. */
const ONE_AND_TWO =
  "0a4d0a036d2e641201682203613a623a360880e2cfaa06100219000000000000f03f21000000000000004029000000000000f83f3100000000000008403a04f414ce154202010142060a04200a280a1200";

/** Posts a distribution as an agent does. */
export function postSketch() {
  return fetch(new URL("/api/beta/sketches", INTAKE_URL), {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "dd-api-key": "0" },
    body: Buffer.from(ONE_AND_TWO, "hex"),
  });
}

/** Makes the intake forget everything, faults included. */
export async function resetIntake() {
  const answer = await fetch(new URL("/inspect/reset", INTAKE_URL), { method: "POST" });
  if (!answer.ok) throw new Error(`reset was answered ${answer.status}`);
}

/** @param {string} message @param {object} [more] */
export function log(message, more = {}) {
  return { message, service: "web", ddsource: "node", hostname: "box-1", status: "info", ddtags: "env:test", ...more };
}

/** @param {string} name */
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see README.md`);
  return value;
}
