// The pieces that the details of every kind of record are made of.

import { h } from "./dom.js";
import { block, count } from "./format.js";
import { icon } from "./icons.js";

/** Longest text shown in one block, in UTF-16 units; copying takes all of it. */
const LONGEST_TEXT = 200_000;

/**
 * A titled part of the details.
 * @param {string} title
 * @param {(Node | null)[]} content
 * @param {HTMLElement | null} [tool] a button beside the title
 */
export function section(title, content, tool = null) {
  return h("section", { class: "part" }, h("div", { class: "part-head" }, h("h3", {}, title), tool), ...content);
}

/** Text as it came, with what is invisible made visible. @param {string} text @param {string} [kind] */
export function textBlock(text, kind = "") {
  const shown = text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text;
  const rest = text.length - shown.length;
  return h(
    "div",
    { class: `text-block ${kind}` },
    h("pre", {}, block(shown)),
    rest > 0 && h("p", { class: "note" }, `${count(rest)} more characters are not shown; copying takes them all.`),
  );
}

/** Names and values, in two columns; rows without a value are left out. @param {[string, Node | string | null][]} rows */
export function fields(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== "");
  return h("dl", { class: "fields" }, ...shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/**
 * A value that narrows the search when clicked.
 * @param {string} text
 * @param {string} term
 * @param {(term: string) => void} addTerm
 * @param {string} [kind]
 */
export function filterButton(text, term, addTerm, kind = "value-button") {
  const button = h("button", { class: kind, type: "button", title: `Search for ${term}` }, text);
  button.addEventListener("click", () => addTerm(term));
  return button;
}

/**
 * A button that copies, and says that it did.
 * @param {string} words
 * @param {() => string | Promise<string>} text
 */
export function copyButton(words, text) {
  const label = h("span", {}, words);
  const picture = h("span", { class: "copy-icon" }, icon("copy"));
  const button = h("button", { class: "button small copy", type: "button", title: words }, picture, label);
  const say = (/** @type {string} */ said, /** @type {"check" | "copy" | "warning"} */ name) => {
    label.textContent = said;
    picture.replaceChildren(icon(name));
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(await text());
      say("Copied", "check");
    } catch {
      say("Not allowed", "warning");
    }
    setTimeout(() => say(words, "copy"), 1_500);
  });
  return button;
}
