// Applies the remembered theme before the first paint, so that the page does not flash in the other one.
// A classic script on purpose: a module would run after the paint. `theme.js` does everything else.
(() => {
  try {
    const theme = localStorage.getItem("dev-intake.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the system's preference then decides.
  }
})();
