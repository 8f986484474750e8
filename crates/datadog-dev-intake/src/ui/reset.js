// The button that makes the intake forget everything, with a question first that blocks nothing.

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {() => string} what says what would be forgotten
 * @param {() => Promise<void>} forget
 * @returns {{ button: HTMLElement, element: HTMLElement, refresh: () => void }} `refresh` asks anew what would be forgotten
 */
export function resetControl(what, forget) {
  const button = h(
    "button",
    { class: "button reset-button", type: "button", popovertarget: "reset", "aria-label": "Reset", title: "Forget everything received" },
    icon("trash"),
    h("span", { class: "button-words" }, "Reset"),
  );
  const question = h("p", {});
  const yes = h("button", { class: "button danger", type: "button" }, "Forget everything");
  const no = h("button", { class: "button", type: "button", autofocus: true }, "Keep");
  const element = h(
    "div",
    { class: "popover confirm", id: "reset", popover: "auto", role: "dialog", "aria-label": "Reset" },
    question,
    h("div", { class: "confirm-buttons" }, no, yes),
  );
  const refresh = () => setText(question, what());
  no.addEventListener("click", () => element.hidePopover());
  yes.addEventListener("click", async () => {
    element.hidePopover();
    await forget();
  });
  return { button, element, refresh };
}
