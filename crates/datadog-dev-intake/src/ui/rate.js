// How many records arrive per second: the last minute as a sparkline by level, and the present rate as a number.

import { h, setText } from "./dom.js";
import { rate } from "./format.js";
import { colour, sized } from "./histogram.js";

const SECONDS = 60;

/** The rate is the mean over this many whole seconds, since agents send in bursts. */
const MEAN_SECONDS = 10;

export class RateMeter {
  /** @param {import("./histogram.js").Level[]} levels */
  constructor(levels) {
    this.levels = levels;
    /** What the intake's clock is ahead of this browser's, in milliseconds. */
    this.ahead = 0;
    this.canvas = h("canvas", { class: "spark", role: "img", "aria-label": "Logs per second over the last minute" });
    this.number = h("dd", {}, "0");
    this.element = h("div", { class: "stat stat-rate" }, h("dt", {}, "Per second"), this.number, this.canvas);
    /** @type {Map<number, Uint32Array>} counts per level by second */
    this.seconds = new Map();
  }

  clear() {
    this.seconds.clear();
  }

  /** @param {number} received milliseconds @param {number} level */
  add(received, level) {
    const second = Math.floor(received / 1_000);
    if (second < this.#now() - SECONDS) return;
    let counts = this.seconds.get(second);
    if (!counts) {
      counts = new Uint32Array(this.levels.length);
      this.seconds.set(second, counts);
    }
    counts[level] += 1;
  }

  /** Forgets what is over a minute old, and paints. */
  tick() {
    const now = this.#now();
    for (const second of this.seconds.keys()) if (second < now - SECONDS) this.seconds.delete(second);
    let recent = 0;
    for (let second = now - MEAN_SECONDS; second < now; second += 1) recent += total(this.seconds.get(second));
    setText(this.number, rate(recent / MEAN_SECONDS));
    this.#paint(now);
  }

  #now() {
    return Math.floor((Date.now() + this.ahead) / 1_000);
  }

  /** @param {number} now */
  #paint(now) {
    const context = sized(this.canvas);
    if (!context) return;
    const { width, height } = this.canvas.getBoundingClientRect();
    const pitch = width / SECONDS;
    const top = Math.max(1, ...[...this.seconds.values()].map(total));
    const colours = this.levels.map((level) => colour(this.canvas, `--level-${level.id}`));
    context.fillStyle = colour(this.canvas, "--line-strong");
    context.fillRect(0, height - 1, width, 1);
    for (let index = 0; index < SECONDS; index += 1) {
      const counts = this.seconds.get(now - SECONDS + 1 + index);
      // Square roots, or one burst would flatten everything else.
      const full = Math.sqrt(total(counts) / top) * (height - 2);
      let foot = height - 1;
      counts?.forEach((n, level) => {
        const tall = (n / total(counts)) * full;
        context.fillStyle = colours[level];
        context.fillRect(index * pitch, foot - tall, Math.max(1, pitch - 0.5), tall);
        foot -= tall;
      });
    }
  }
}

/** @param {Uint32Array | undefined} counts */
function total(counts) {
  return counts ? counts.reduce((sum, n) => sum + n, 0) : 0;
}
