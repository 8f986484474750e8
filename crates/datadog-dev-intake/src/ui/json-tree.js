// Shows a JSON value as a tree that opens and closes. Large arrays and objects show their beginning first.

import { h } from "./dom.js";
import { block, count, oneLine } from "./format.js";

/** Members shown of one array or object before "more" is asked for. */
const PAGE = 100;

/** Levels that are open at first. */
const OPEN_DEPTH = 2;

/** Longest text of a string shown in place, in UTF-16 units. */
const LONGEST_STRING = 10_000;

/**
 * @param {unknown} value
 * @param {(path: string, value: string | number | boolean) => void} [onPick] called with the path of a leaf that was clicked
 * @returns {HTMLElement}
 */
export function jsonTree(value, onPick) {
  return h("div", { class: "json" }, node(value, "", 0, onPick));
}

/**
 * @param {unknown} value
 * @param {string} path
 * @param {number} depth
 * @param {((path: string, value: string | number | boolean) => void) | undefined} onPick
 * @returns {HTMLElement}
 */
function node(value, path, depth, onPick) {
  if (value === null || typeof value !== "object") return leaf(value, path, onPick);
  const members = Object.entries(value);
  if (members.length === 0) return h("span", { class: "json-mark" }, Array.isArray(value) ? "[]" : "{}");
  const list = h("div", { class: "json-members" });
  const make = () => grow(list, members, 0, Array.isArray(value) ? path : null, path, depth, onPick);
  const mark = Array.isArray(value) ? `[ ${count(members.length)} ]` : `{ ${count(members.length)} }`;
  const details = h("details", { class: "json-branch", open: depth < OPEN_DEPTH }, h("summary", {}, mark), list);
  if (depth < OPEN_DEPTH) make();
  else details.addEventListener("toggle", make, { once: true });
  return details;
}

/**
 * Adds the next members to a list, and the way to those after them.
 * @param {HTMLElement} list
 * @param {[string, unknown][]} members
 * @param {number} start
 * @param {string | null} arrayPath elements of an array share its path, as searches see them
 * @param {string} path
 * @param {number} depth
 * @param {((path: string, value: string | number | boolean) => void) | undefined} onPick
 */
function grow(list, members, start, arrayPath, path, depth, onPick) {
  for (const [key, value] of members.slice(start, start + PAGE)) {
    const below = arrayPath ?? (path === "" ? key : `${path}.${key}`);
    const name = h("span", { class: arrayPath === null ? "json-key" : "json-index" }, oneLine(key, 200));
    list.append(h("div", { class: "json-member" }, name, node(value, below, depth + 1, onPick)));
  }
  const left = members.length - start - PAGE;
  if (left <= 0) return;
  const more = h("button", { class: "link", type: "button" }, `${count(left)} more`);
  more.addEventListener("click", () => {
    more.remove();
    grow(list, members, start + PAGE, arrayPath, path, depth, onPick);
  });
  list.append(more);
}

/**
 * @param {unknown} value
 * @param {string} path
 * @param {((path: string, value: string | number | boolean) => void) | undefined} onPick
 */
function leaf(value, path, onPick) {
  const kind = value === null ? "null" : typeof value;
  const text = typeof value === "string" ? quoted(value) : String(value);
  if (!onPick || value === null || path === "") return h("span", { class: `json-${kind}` }, text);
  const title = `Search for @${path}`;
  const button = h("button", { class: `json-${kind} json-leaf`, type: "button", title }, text);
  button.addEventListener("click", () => onPick(path, /** @type {string | number | boolean} */ (value)));
  return button;
}

/** @param {string} text */
function quoted(text) {
  const cut = text.length > LONGEST_STRING ? `${text.slice(0, LONGEST_STRING)}…` : text;
  return `"${block(cut)}"`;
}
