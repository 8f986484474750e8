// Shows a JSON value as a tree that opens and closes. Large arrays and objects show their beginning first.

import { h } from "./dom.js";
import { block, count, oneLine } from "./format.js";

/** Members shown of one array or object before "more" is asked for. */
const PAGE = 100;

/** Levels below the root that are open at first. */
const OPEN_DEPTH = 2;

/** Longest text of a string shown in place, in UTF-16 units. */
const LONGEST_STRING = 10_000;

/** @typedef {(path: string, value: string | number | boolean) => void} OnPick */

/**
 * A place in the tree.
 * @typedef {object} Place
 * @property {string} path as searches name it: elements of an array share the path of the array
 * @property {number} depth
 * @property {OnPick | undefined} onPick
 */

/**
 * @param {unknown} value
 * @param {OnPick} [onPick] called with the path of a leaf that was clicked
 * @returns {HTMLElement}
 */
export function jsonTree(value, onPick) {
  const root = h("div", { class: "json" });
  const place = { path: "", depth: 0, onPick };
  if (isBranch(value)) grow(root, value, Object.entries(value), place);
  else root.append(leaf(value, place));
  return root;
}

/**
 * Adds the next members to a list, and the way to those after them.
 * @param {HTMLElement} list
 * @param {object} parent
 * @param {[string, unknown][]} members
 * @param {Place} place of the parent
 */
function grow(list, parent, members, place) {
  for (const [key, value] of members.slice(0, PAGE)) list.append(member(key, value, parent, place));
  const rest = members.slice(PAGE);
  if (rest.length === 0) return;
  const more = h("button", { class: "link", type: "button" }, `${count(rest.length)} more`);
  more.addEventListener("click", () => {
    more.remove();
    grow(list, parent, rest, place);
  });
  list.append(more);
}

/** @param {string} key @param {unknown} value @param {object} parent @param {Place} place of the parent */
function member(key, value, parent, { path, depth, onPick }) {
  const isElement = Array.isArray(parent);
  const name = h("span", { class: isElement ? "json-index" : "json-key" }, oneLine(key, 200));
  const below = isElement ? path : path === "" ? key : `${path}.${key}`;
  const place = { path: below, depth: depth + 1, onPick };
  return isBranch(value) ? branch(name, value, place) : h("div", { class: "json-member" }, name, leaf(value, place));
}

/** @param {HTMLElement} name @param {object} value @param {Place} place */
function branch(name, value, place) {
  const members = Object.entries(value);
  const list = h("div", { class: "json-members" });
  const isOpen = place.depth <= OPEN_DEPTH;
  const size = Array.isArray(value) ? `[${count(members.length)}]` : `{${count(members.length)}}`;
  const summary = h("summary", {}, name, h("span", { class: "json-mark" }, size));
  const details = h("details", { class: "json-branch", open: isOpen }, summary, list);
  const make = () => grow(list, value, members, place);
  if (isOpen) make();
  else details.addEventListener("toggle", make, { once: true });
  return details;
}

/** @param {unknown} value @param {Place} place */
function leaf(value, { path, onPick }) {
  const kind = value === null ? "null" : typeof value;
  const text = typeof value === "string" ? quoted(value) : JSON.stringify(value);
  if (!onPick || value === null || typeof value === "object" || path === "") {
    return h("span", { class: `json-${kind}` }, text);
  }
  const button = h("button", { class: `json-${kind} json-leaf`, type: "button", title: `Search for @${path}` }, text);
  button.addEventListener("click", () => onPick(path, /** @type {string | number | boolean} */ (value)));
  return button;
}

/** @param {unknown} value @returns {value is object} whether there is something inside it */
function isBranch(value) {
  return value !== null && typeof value === "object" && Object.keys(value).length > 0;
}

/** @param {string} text */
function quoted(text) {
  const cut = text.length > LONGEST_STRING ? `${text.slice(0, LONGEST_STRING)}…` : text;
  return `"${block(cut)}"`;
}
