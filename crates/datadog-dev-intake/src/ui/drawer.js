// The panel beside a table with everything about one record.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} Details
 * @property {Node} title
 * @property {HTMLElement[]} actions buttons beside the title
 * @property {HTMLElement} body
 */

export class Drawer {
  /** @param {{ label: string, onClose: () => void, onMove: (by: number) => void }} options */
  constructor(options) {
    this.options = options;
    /** @type {AbortController | null} */
    this.current = null;
    this.title = h("div", { class: "drawer-title" });
    this.actions = h("div", { class: "drawer-actions" });
    this.body = h("div", { class: "drawer-body", tabindex: 0, role: "group", "aria-label": options.label });
    this.element = h(
      "aside",
      { class: "drawer", hidden: true, "aria-label": options.label },
      h(
        "div",
        { class: "drawer-head" },
        this.title,
        this.actions,
        this.#button("up", "Newer (k)", () => options.onMove(-1), "newer"),
        this.#button("up", "Older (j)", () => options.onMove(1), "older"),
        this.#button("close", "Close (Escape)", () => this.close(), "close"),
      ),
      this.body,
    );
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {(signal: AbortSignal) => Details} make */
  open(make) {
    this.replace(make);
    this.body.scrollTop = 0;
    this.element.hidden = false;
    if (this.#coversTable) this.body.focus();
  }

  /** Shows other details of the same record, where the reader is. @param {(signal: AbortSignal) => Details} make */
  replace(make) {
    this.current?.abort();
    this.current = new AbortController();
    const details = make(this.current.signal);
    fill(this.title, details.title);
    fill(this.actions, ...details.actions);
    fill(this.body, details.body);
  }

  close() {
    if (!this.isOpen) return;
    this.current?.abort();
    this.element.hidden = true;
    fill(this.body);
    this.options.onClose();
  }

  /** On a narrow page the table is behind it, and so would be the focus. */
  get #coversTable() {
    return getComputedStyle(this.element).position === "fixed";
  }

  /** @param {"up" | "close"} picture @param {string} title @param {() => void} act @param {string} name */
  #button(picture, title, act, name) {
    const button = h("button", { class: `icon-button drawer-${name}`, type: "button", title, "aria-label": title }, icon(picture));
    button.addEventListener("click", act);
    return button;
  }
}
