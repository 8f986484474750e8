// The few pictograms of the page, drawn as strokes on a 16 by 16 grid in the colour of the text around them.

const PATHS = {
  sun: "M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1.05 1.05M11.55 11.55l1.05 1.05M12.6 3.4l-1.05 1.05M4.45 11.55L3.4 12.6M8 5.25a2.75 2.75 0 1 0 0 5.5a2.75 2.75 0 0 0 0-5.5z",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.25v9.5l7.5-4.75z",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5V3.5a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M3.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1z",
  check: "M3.5 8.5l3 3l6-7",
  bolt: "M9 1.75L3.5 9h4l-.5 5.25L12.5 7h-4z",
  trash: "M2.75 4.25h10.5M6 4V2.75h4V4M4.25 4.25l.6 9h6.3l.6-9M6.75 6.75v4M9.25 6.75v4",
  filter: "M2.5 4h11M4.75 8h6.5M6.75 12h2.5",
  up: "M8 12.5v-9M4 7.25L8 3.25l4 4",
  left: "M9.75 3.5L5.25 8l4.5 4.5",
  right: "M6.25 3.5L10.75 8l-4.5 4.5",
  shield: "M8 1.75l5.25 2v4.1c0 3.2-2.1 5.4-5.25 6.4c-3.15-1-5.25-3.2-5.25-6.4v-4.1z",
  warning: "M8 2.25L14.5 13.5h-13zM8 6.75v3M8 11.6v.1",
};

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGSVGElement} hidden from assistive technology: the control around it carries the words
 */
export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}
