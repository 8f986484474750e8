// What the page says while nothing has arrived: the line to copy that makes something arrive.

import { copyButton } from "./details.js";
import { h } from "./dom.js";

/** @param {string} origin @returns {string} a line that posts a log to this intake itself */
export function directLine(origin) {
  const log = '[{"message":"hello","service":"demo","ddsource":"curl","status":"info","ddtags":"env:dev"}]';
  return `curl -X POST ${origin}/api/v2/logs -H 'Content-Type: application/json' -H 'DD-API-KEY: dev' -d '${log}'`;
}

/**
 * @param {string | undefined} hint a line that posts to the agent, when the intake knows one
 * @returns {HTMLElement}
 */
export function welcome(hint) {
  const line = hint ?? directLine(location.origin);
  const words = hint
    ? "Send a log through the agent. It appears here as soon as the agent delivers it."
    : "Point an agent at this address, or post a log to it directly.";
  return h(
    "div",
    { class: "blank-inner welcome" },
    h("h2", {}, "Listening. Nothing has arrived yet."),
    h("p", {}, words),
    h("div", { class: "command" }, h("pre", { tabindex: 0 }, line), copyButton("Copy", () => line)),
    h("p", { class: "note" }, "This intake holds what it receives in memory and passes nothing on."),
  );
}
