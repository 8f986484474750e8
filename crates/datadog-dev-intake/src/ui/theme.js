// Light or dark: the system's preference until the reader chooses, then the choice, remembered in this browser.
// `theme-boot.js` applies the remembered choice before the first paint.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const KEY = "dev-intake.theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} the theme in force */
export function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return systemDark.matches ? "dark" : "light";
}

/**
 * The button that switches themes.
 * @param {() => void} onChange called after each change, for what is painted rather than styled
 */
export function themeToggle(onChange) {
  const button = h("button", { class: "icon-button", type: "button" });
  const show = () => {
    const other = currentTheme() === "dark" ? "light" : "dark";
    button.replaceChildren(icon(other === "dark" ? "moon" : "sun"));
    button.title = `Switch to the ${other} theme`;
    button.setAttribute("aria-label", button.title);
    onChange();
  };
  button.addEventListener("click", () => {
    choose(currentTheme() === "dark" ? "light" : "dark");
    show();
  });
  systemDark.addEventListener("change", show);
  show();
  return button;
}

/** @param {"light" | "dark"} theme */
function choose(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}
