// The search box, and the hint under it that says what it understands.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {{ example: string, means: string }} Hint */

export class SearchBox {
  /**
   * @param {{ id: string, noun: string, hints: Hint[], onInput: () => void, onLeave: () => void }} options
   */
  constructor(options) {
    this.options = options;
    this.input = h("input", {
      class: "search-input",
      type: "search",
      id: `search-${options.id}`,
      placeholder: `Search ${options.noun}s`,
      "aria-label": `Search ${options.noun}s`,
      "aria-describedby": `hint-${options.id}`,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
    });
    this.hint = h("div", { class: "search-hint", id: `hint-${options.id}`, hidden: true }, this.#hintRows());
    this.element = h(
      "div",
      { class: "search" },
      icon("search"),
      this.input,
      h("kbd", { class: "search-key", "aria-hidden": "true" }, "/"),
      this.hint,
    );
    this.#listen();
  }

  get text() {
    return this.input.value;
  }

  /** Does not run the search. */
  set text(text) {
    this.input.value = text;
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #hintRows() {
    const rows = this.options.hints.map(({ example, means }) => {
      const use = h("button", { type: "button", class: "hint-example", tabindex: -1 }, example);
      use.addEventListener("click", () => {
        this.text = this.text.trim() === "" ? example : `${this.text.trim()} ${example}`;
        this.input.focus();
        this.options.onInput();
      });
      return h("li", {}, use, h("span", {}, means));
    });
    return h("ul", {}, ...rows);
  }

  #listen() {
    this.input.addEventListener("input", () => this.options.onInput());
    this.input.addEventListener("focus", () => (this.hint.hidden = false));
    this.element.addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
      if (!this.element.contains(/** @type {Node | null} */ (event.relatedTarget))) this.hint.hidden = true;
    });
    this.hint.addEventListener("pointerdown", (/** @type {Event} */ event) => event.preventDefault());
    this.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!["Escape", "Enter", "ArrowDown"].includes(event.key) || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape" && !this.hint.hidden) this.hint.hidden = true;
    this.options.onLeave();
  }
}
