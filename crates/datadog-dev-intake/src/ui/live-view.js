// What the views have in common that ask the intake again with every summary: only while they are in sight, and not
// while they hold still.

import { h } from "./dom.js";

/** @typedef {import("./api.js").Summary} Summary */

/** Those that extend it say how to `read` and to `show`, and set `element`. */
export class LiveView {
  /** @param {() => void} onMode called when it starts or stops holding still */
  constructor(onMode) {
    this.onMode = onMode;
    this.isHolding = false;
    /** @type {Summary | undefined} the last one */
    this.summary = undefined;
    /** @type {any} the view's place in the page */
    this.element = null;
    /** @type {any} the field that the key `/` leads to, if there is one */
    this.filter = null;
  }

  /** Asks for what is new. @param {Summary} _summary @returns {Promise<boolean>} whether there is something to show */
  async read(_summary) {
    return false;
  }

  /** Shows what was read. */
  show() {}

  /** To be called with every summary; reads what is new if the view is in sight. @param {Summary} [summary] */
  async refresh(summary = this.summary) {
    this.summary = summary;
    if (!summary || this.element.hidden || this.isHolding) return;
    if ((await this.read(summary)) && !this.isHolding) this.show();
  }

  shown() {
    this.show();
    this.refresh();
  }

  togglePause() {
    this.isHolding = !this.isHolding;
    this.onMode();
    this.refresh();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it meant something here */
  key(event) {
    if (event.key === "p") this.togglePause();
    else if (event.key === "/" && this.filter) this.filter.focus();
    else return false;
    return true;
  }
}

/**
 * Buttons of which one is pressed, for the parts of a view.
 * @param {Record<string, string>} titles by the name of the part
 * @param {(name: string) => void} onChoose
 * @returns {Map<string, HTMLElement>}
 */
export function segments(titles, onChoose) {
  return new Map(
    Object.entries(titles).map(([name, title]) => {
      const button = h("button", { class: "button", type: "button", "data-section": name }, title);
      button.addEventListener("click", () => onChoose(name));
      return [name, button];
    }),
  );
}

/** Shows which of them is pressed. @param {Map<string, HTMLElement>} buttons @param {string} pressed */
export function press(buttons, pressed) {
  for (const [name, button] of buttons) {
    button.classList.toggle("active", name === pressed);
    button.setAttribute("aria-pressed", String(name === pressed));
  }
}
