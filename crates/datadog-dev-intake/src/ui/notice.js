// Short messages that come and go: shown at the foot of the page, and read out by screen readers.

import { h, setText } from "./dom.js";

const SHOWN_FOR_MS = 6_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let ending;

/** Says something to screen readers only. @param {string} text */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer) setText(announcer, text);
}

/** Shows a message for a while. @param {string} text */
export function notice(text) {
  announce(text);
  document.querySelector(".notice")?.remove();
  clearTimeout(ending);
  const element = h("div", { class: "notice" }, text);
  document.body.append(element);
  ending = setTimeout(() => element.remove(), SHOWN_FOR_MS);
}

/** Says that something asked of the intake failed. @param {string} what @param {unknown} error */
export function failure(what, error) {
  notice(`${what}: ${error instanceof Error ? error.message : String(error)}`);
}
