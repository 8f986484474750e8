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
