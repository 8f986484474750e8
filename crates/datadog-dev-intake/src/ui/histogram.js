// Bars over time, one colour per level. Dragging over them chooses a range of time.

import { h } from "./dom.js";
import { clock, clockSeconds, count, counted, day } from "./format.js";

/** Widths that a bar may stand for, in milliseconds. */
const STEPS = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
];

/** A bar and the gap beside it, in pixels, at the narrowest. */
const NARROWEST_BAR = 5;

/** The least time shown, so that a single burst is not spread over the whole width. */
const SHORTEST_SPAN_MS = 30_000;

/** Height under the bars, for the times, and above them. */
const FOOT = 16;
const HEAD = 6;

/**
 * @typedef {object} Level
 * @property {string} id also names its colour: `--level-ID`
 * @property {string} title
 */

/**
 * @typedef {object} Buckets
 * @property {number} from
 * @property {number} step
 * @property {Uint32Array[]} levels per level, the count of each bar
 * @property {Uint32Array} totals
 */

/**
 * Counts records into bars.
 * @template {{ at: number }} R
 * @param {Iterable<R>} records
 * @param {{ from: number, to: number }} span
 * @param {number} bars at most this many
 * @param {number} levels
 * @param {(record: R) => number} levelOf
 * @returns {Buckets}
 */
export function bucketed(records, span, bars, levels, levelOf) {
  const wanted = (span.to - span.from) / Math.max(1, bars);
  const step = STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000;
  const from = Math.floor(span.from / step) * step;
  const length = Math.floor((span.to - 1 - from) / step) + 1;
  const perLevel = Array.from({ length: levels }, () => new Uint32Array(length));
  const totals = new Uint32Array(length);
  for (const record of records) {
    const bar = Math.floor((record.at - from) / step);
    if (bar < 0 || bar >= length) continue;
    perLevel[levelOf(record)][bar] += 1;
    totals[bar] += 1;
  }
  return { from, step, levels: perLevel, totals };
}

/**
 * @param {Iterable<{ at: number }>} records
 * @returns {{ from: number, to: number } | null} from the oldest to the newest; `null` when there is none
 */
export function spanOf(records) {
  let from = Infinity;
  let to = -Infinity;
  for (const { at } of records) {
    if (at < from) from = at;
    if (at > to) to = at;
  }
  if (from > to) return null;
  return { from: Math.min(from, to + 1 - SHORTEST_SPAN_MS), to: to + 1 };
}

/** @template {{ at: number }} R */
export class Histogram {
  /**
   * @param {{ levels: Level[], levelOf: (record: R) => number, noun: string,
   *   onRange: (range: { from: number, to: number } | null) => void, onResize: () => void }} options
   */
  constructor(options) {
    this.options = options;
    /** @type {Buckets | null} */
    this.buckets = null;
    /** @type {{ start: number, end: number } | null} pixels, while dragging */
    this.drag = null;
    /** @type {number | null} the bar under the pointer */
    this.hovered = null;
    this.canvas = h("canvas", { class: "histogram-canvas", role: "img", "aria-label": "Nothing over time yet" });
    this.tip = h("div", { class: "histogram-tip", hidden: true, "aria-hidden": "true" });
    this.element = h("div", { class: "histogram" }, this.canvas, this.tip);
    this.#listen();
    new ResizeObserver(options.onResize).observe(this.element);
  }

  /** How many bars fit. */
  get room() {
    return Math.max(8, Math.floor(this.element.clientWidth / NARROWEST_BAR));
  }

  /** @param {Iterable<R>} records @param {{ from: number, to: number } | null} span */
  show(records, span) {
    const { levels, levelOf } = this.options;
    this.buckets = span && bucketed(records, span, this.room, levels.length, levelOf);
    this.canvas.setAttribute("aria-label", this.#words());
    this.#paint();
  }

  /** Paints again, after a change of theme. */
  repaint() {
    this.#paint();
  }

  #words() {
    if (!this.buckets) return "Nothing over time yet";
    const { from, step, totals } = this.buckets;
    const total = totals.reduce((sum, n) => sum + n, 0);
    const end = from + step * totals.length;
    return `${counted(total, this.options.noun)} between ${clockSeconds(from)} and ${clockSeconds(end)}, at most ${count(Math.max(...totals))} in ${stepName(step)}`;
  }

  #paint() {
    const context = sized(this.canvas);
    if (!context || !this.buckets) return;
    const { width, height } = this.canvas.getBoundingClientRect();
    const { totals, levels } = this.buckets;
    const top = Math.max(...totals, 1);
    const pitch = width / totals.length;
    const colours = this.options.levels.map((level) => colour(this.canvas, `--level-${level.id}`));
    this.#paintAxis(context, width, height);
    totals.forEach((total, index) => {
      if (total === 0) return;
      context.globalAlpha = this.hovered === null || this.hovered === index ? 1 : 0.55;
      const x = Math.round(index * pitch);
      const bar = Math.max(1, Math.round((index + 1) * pitch) - x - 1);
      paintBar(context, { x, bar, height, top }, levels, colours, index);
    });
    context.globalAlpha = 1;
    this.#paintDrag(context, height);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  #paintAxis(context, width, height) {
    const { from, step, totals } = /** @type {Buckets} */ (this.buckets);
    const span = step * totals.length;
    const every = STEPS.find((one) => (one / span) * width >= 96 && one >= step) ?? span;
    context.fillStyle = colour(this.canvas, "--ink-3");
    context.strokeStyle = colour(this.canvas, "--line");
    context.font = getComputedStyle(this.canvas).font;
    context.textBaseline = "bottom";
    context.beginPath();
    context.moveTo(0, height - FOOT + 0.5);
    context.lineTo(width, height - FOOT + 0.5);
    context.stroke();
    const offset = new Date(from).getTimezoneOffset() * 60_000;
    for (let at = Math.ceil((from - offset) / every) * every + offset; at < from + span; at += every) {
      const x = ((at - from) / span) * width;
      if (x > width - 50) break;
      context.fillRect(Math.round(x), height - FOOT, 1, 4);
      context.fillText(axisLabel(at, every), Math.round(x) + 4, height + 1);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} height */
  #paintDrag(context, height) {
    if (!this.drag) return;
    const { start, end } = this.drag;
    context.fillStyle = colour(this.canvas, "--ink");
    context.globalAlpha = 0.12;
    context.fillRect(Math.min(start, end), 0, Math.abs(end - start), height - FOOT);
    context.globalAlpha = 1;
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0 || !this.buckets) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { start: event.offsetX, end: event.offsetX };
    });
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (this.drag) this.drag.end = event.offsetX;
      this.#hover(event.offsetX);
    });
    canvas.addEventListener("pointerup", () => this.#drop());
    canvas.addEventListener("pointercancel", () => this.#leave());
    canvas.addEventListener("pointerleave", () => this.#leave());
  }

  /** @param {number} x */
  #hover(x) {
    if (!this.buckets) return;
    const { totals, from, step } = this.buckets;
    const { width } = this.canvas.getBoundingClientRect();
    this.hovered = Math.max(0, Math.min(totals.length - 1, Math.floor((x / width) * totals.length)));
    const at = from + this.hovered * step;
    this.tip.replaceChildren(
      h("b", {}, `${axisLabel(at, step)}`),
      h("span", {}, ` ${stepName(step)} · ${counted(totals[this.hovered], this.options.noun)}`),
      ...this.#tipLevels(this.hovered),
    );
    this.tip.hidden = false;
    const left = Math.max(0, Math.min(width - this.tip.offsetWidth, x + 12));
    this.tip.style.transform = `translateX(${left}px)`;
    this.#paint();
  }

  /** @param {number} bar */
  #tipLevels(bar) {
    const { levels } = /** @type {Buckets} */ (this.buckets);
    return this.options.levels
      .map((level, index) => ({ level, n: levels[index][bar] }))
      .filter(({ n }) => n > 0)
      .map(({ level, n }) => h("span", { class: "tip-level", "data-level": level.id }, `${level.title} ${count(n)}`));
  }

  #drop() {
    const { drag, buckets } = this;
    this.#leave();
    if (!drag || !buckets) return;
    const { width } = this.canvas.getBoundingClientRect();
    const pitch = width / buckets.totals.length;
    const first = Math.max(0, Math.floor(Math.min(drag.start, drag.end) / pitch));
    const last = Math.min(buckets.totals.length - 1, Math.floor(Math.max(drag.start, drag.end) / pitch));
    this.options.onRange({ from: buckets.from + first * buckets.step, to: buckets.from + (last + 1) * buckets.step });
  }

  #leave() {
    this.drag = null;
    this.hovered = null;
    this.tip.hidden = true;
    this.#paint();
  }
}

/**
 * Paints one bar, the gravest level at its foot.
 * @param {CanvasRenderingContext2D} context
 * @param {{ x: number, bar: number, height: number, top: number }} place
 * @param {Uint32Array[]} levels
 * @param {string[]} colours
 * @param {number} index
 */
function paintBar(context, place, levels, colours, index) {
  const full = place.height - FOOT - HEAD;
  let foot = place.height - FOOT;
  levels.forEach((level, which) => {
    if (level[index] === 0) return;
    const tall = Math.max(1.5, (level[index] / place.top) * full);
    context.fillStyle = colours[which];
    context.fillRect(place.x, foot - tall, place.bar, tall);
    foot -= tall;
  });
}

/**
 * Makes a canvas as sharp as the screen, and empties it.
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D | null} `null` while it has no size
 */
export function sized(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return null;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  context.scale(devicePixelRatio, devicePixelRatio);
  return context;
}

/**
 * The colour that a custom property of the style sheet has in the current theme.
 * @param {HTMLElement} near
 * @param {string} property registered as a colour, so that the browser resolves it
 */
export function colour(near, property) {
  return getComputedStyle(near).getPropertyValue(property);
}

/** @param {number} step */
function stepName(step) {
  if (step < 1_000) return `${step} ms`;
  if (step < 60_000) return `${step / 1_000} s`;
  if (step < 3_600_000) return `${step / 60_000} min`;
  return `${step / 3_600_000} h`;
}

/** @param {number} at @param {number} step */
function axisLabel(at, step) {
  if (step < 1_000) return clock(at).slice(0, -2);
  if (step < 60_000) return clockSeconds(at);
  if (step < 86_400_000) return clockSeconds(at).slice(0, 5);
  return day(at);
}
