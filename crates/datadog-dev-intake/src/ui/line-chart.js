// Lines over time, as SVG: axes with round numbers, and the values under the pointer.

import { fill, h } from "./dom.js";
import { clockSeconds, figure, oneLine } from "./format.js";

const NAMESPACE = "http://www.w3.org/2000/svg";

/** Room for the numbers at the left, the times at the foot, and a little at the other sides. */
const MARGIN = { top: 10, right: 14, bottom: 22, left: 58 };

/** Pixels between two lines of the grid, at the least. */
const GRID_Y = 44;
const GRID_X = 110;

/** Seconds from one time of the grid to the next. */
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];

/** @typedef {{ label: string, colour: number, points: { at: number, value: number }[] }} Curve */
/** @typedef {{ from: number, to: number, low: number, high: number, width: number, height: number }} Frame */

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function s(name, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

export class LineChart {
  constructor() {
    /** @type {Curve[]} */
    this.curves = [];
    this.picture = s("svg", { class: "chart-picture", role: "img" });
    this.tip = h("div", { class: "histogram-tip chart-tip", hidden: true, "aria-hidden": "true" });
    this.element = h("div", { class: "chart" }, this.picture, this.tip);
    this.element.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#hover(event.clientX));
    this.element.addEventListener("pointerleave", () => this.#leave());
    new ResizeObserver(() => this.#paint()).observe(this.element);
  }

  /** @param {Curve[]} curves */
  show(curves) {
    this.curves = curves.map((curve) => ({ ...curve, points: curve.points.filter((point) => Number.isFinite(point.value)) }));
    this.#paint();
  }

  #paint() {
    const frame = frameOf(this.curves, this.element.clientWidth, this.element.clientHeight);
    this.frame = frame;
    this.picture.replaceChildren();
    this.picture.setAttribute("aria-label", frame ? words(this.curves, frame) : "No points yet");
    if (!frame) return;
    this.picture.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    this.picture.append(...gridY(frame), ...gridX(frame), ...this.curves.map((curve) => drawn(curve, frame)));
    this.rule = s("line", { class: "chart-rule", y1: MARGIN.top, y2: frame.height - MARGIN.bottom, visibility: "hidden" });
    this.picture.append(this.rule);
  }

  /** @param {number} clientX */
  #hover(clientX) {
    const { frame, rule } = this;
    if (!frame || !rule) return;
    const pointer = clientX - this.element.getBoundingClientRect().left;
    const at = nearest(this.curves, timeAt(frame, pointer));
    if (at === null) return;
    const x = xOf(frame, at);
    rule.setAttribute("x1", String(x));
    rule.setAttribute("x2", String(x));
    rule.setAttribute("visibility", "visible");
    const rows = this.curves
      .map((curve) => ({ curve, point: curve.points.find((point) => point.at === at) }))
      .filter(({ point }) => point !== undefined)
      .map(({ curve, point }) => h("span", { class: "chart-tip-row", "data-curve": curve.colour }, `${oneLine(curve.label, 60)} `, h("b", {}, figure(point?.value ?? NaN))));
    fill(this.tip, h("b", {}, clockSeconds(at)), ...rows);
    this.tip.hidden = false;
    const left = Math.max(0, Math.min(frame.width - this.tip.offsetWidth, x + 12));
    this.tip.style.transform = `translateX(${left}px)`;
  }

  #leave() {
    this.tip.hidden = true;
    this.rule?.setAttribute("visibility", "hidden");
  }
}

/**
 * A line without axes, for a row of a list.
 * @param {{ at: number, value: number }[]} points
 * @param {number} width
 * @param {number} height
 */
export function sparkline(points, width, height) {
  const picture = s("svg", { class: "sparkline", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const shown = points.slice(-60).filter((point) => Number.isFinite(point.value));
  if (shown.length < 2) return picture;
  const { low, high } = extent(shown);
  const from = shown[0].at;
  const span = Math.max(1, shown[shown.length - 1].at - from);
  const place = (/** @type {{ at: number, value: number }} */ { at, value }) =>
    `${round(((at - from) / span) * (width - 2) + 1)},${round(height - 2 - ((value - low) / (high - low || 1)) * (height - 4))}`;
  picture.append(s("polyline", { points: shown.map(place).join(" ") }));
  return picture;
}

/** @param {Curve[]} curves @param {number} width @param {number} height @returns {Frame | null} `null` when there is nothing to draw, or no room */
function frameOf(curves, width, height) {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0 || width < 120 || height < 80) return null;
  let { low, high } = extent(points);
  // A line that hardly moves is shown against zero, or amid its surroundings if that is far away.
  if (low >= 0 && low <= high * 0.75) low = 0;
  if (high <= 0 && high >= low * 0.75) high = 0;
  if (low === high) {
    const around = Math.abs(low) > 0 ? Math.abs(low) * 0.5 : 1;
    low = low >= 0 ? Math.max(0, low - around) : low - around;
    high += around;
  }
  let from = Infinity;
  let to = -Infinity;
  for (const { at } of points) {
    from = Math.min(from, at);
    to = Math.max(to, at);
  }
  return { from: Math.min(from, to - 30_000), to, low, high, width, height };
}

/** @param {{ value: number }[]} points */
function extent(points) {
  let low = Infinity;
  let high = -Infinity;
  for (const { value } of points) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

/** @param {Frame} frame @param {number} at */
function xOf(frame, at) {
  return MARGIN.left + ((at - frame.from) / (frame.to - frame.from)) * (frame.width - MARGIN.left - MARGIN.right);
}

/** @param {Frame} frame @param {number} value */
function yOf(frame, value) {
  const room = frame.height - MARGIN.top - MARGIN.bottom;
  return MARGIN.top + (1 - (value - frame.low) / (frame.high - frame.low)) * room;
}

/** @param {Frame} frame @param {number} x */
function timeAt(frame, x) {
  return frame.from + ((x - MARGIN.left) / (frame.width - MARGIN.left - MARGIN.right)) * (frame.to - frame.from);
}

/** @param {Curve[]} curves @param {number} time @returns {number | null} the time of the point that is nearest */
function nearest(curves, time) {
  let best = null;
  for (const { at } of curves.flatMap((curve) => curve.points)) {
    if (best === null || Math.abs(at - time) < Math.abs(best - time)) best = at;
  }
  return best;
}

/** @param {Frame} frame */
function gridY(frame) {
  const lines = Math.max(2, Math.floor((frame.height - MARGIN.top - MARGIN.bottom) / GRID_Y));
  const step = roundStep((frame.high - frame.low) / lines);
  const parts = [];
  for (let index = Math.ceil(frame.low / step); index * step <= frame.high; index += 1) {
    const y = round(yOf(frame, index * step));
    parts.push(s("line", { class: "chart-grid", x1: MARGIN.left, x2: frame.width - MARGIN.right, y1: y, y2: y }));
    parts.push(s("text", { class: "chart-label", x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, figure(index * step)));
  }
  return parts;
}

/** @param {Frame} frame */
function gridX(frame) {
  const span = (frame.to - frame.from) / 1_000;
  const most = Math.max(1, Math.floor((frame.width - MARGIN.left - MARGIN.right) / GRID_X));
  const step = 1_000 * (STEPS_S.find((one) => span / one <= most) ?? Math.ceil(span / most / 86_400) * 86_400);
  const parts = [];
  for (let at = Math.ceil(frame.from / step) * step; at <= frame.to; at += step) {
    const x = round(xOf(frame, at));
    parts.push(s("text", { class: "chart-label", x, y: frame.height - 6, "text-anchor": "middle" }, clockSeconds(at)));
  }
  return parts;
}

/** @param {number} least @returns {number} 1, 2 or 5 times a power of ten, no less than that */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((one) => one * power >= least) ?? 10) * power;
}

/** @param {Curve} curve @param {Frame} frame */
function drawn(curve, frame) {
  const places = curve.points.map(({ at, value }) => ({ x: round(xOf(frame, at)), y: round(yOf(frame, value)) }));
  const group = s("g", { class: "curve", "data-curve": curve.colour });
  group.append(s("polyline", { points: places.map(({ x, y }) => `${x},${y}`).join(" ") }));
  const last = places.at(-1);
  if (last) group.append(s("circle", { cx: last.x, cy: last.y, r: 2.5 }));
  return group;
}

/** @param {Curve[]} curves @param {Frame} frame */
function words(curves, frame) {
  const lasts = curves.map(({ label, points }) => `${label}: ${figure(points.at(-1)?.value ?? NaN)}`);
  return `From ${clockSeconds(frame.from)} to ${clockSeconds(frame.to)}. ${lasts.join("; ")}`;
}

/** @param {number} n */
function round(n) {
  return Math.round(n * 10) / 10;
}
