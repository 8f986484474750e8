// The metrics that arrived: for each its tag sets, and for each tag set its newest points. Pure.
//
// Bounded in every direction; what finds no room is counted, and its metric says so.

/** Most metrics, most tag sets of one and of all, most points of one tag set: an hour of ten-second points. */
const MAX_METRICS = 2_000;
const MAX_LINES_OF_ONE = 200;
const MAX_LINES = 5_000;
const MAX_POINTS = 360;

/** What is shown of a distribution over time, the smallest first. */
export const QUANTILES = ["p50", "p75", "p90", "p95", "p99"];

/**
 * @typedef {object} Point
 * @property {number} at milliseconds
 * @property {number} value of a distribution its median
 * @property {Record<string, number>} [sketch] of a distribution: its summary and quantiles
 */

/**
 * @typedef {object} Line one tag set of a metric
 * @property {string} key
 * @property {string} label tags and host in words
 * @property {Point[]} points by time, the oldest first
 * @property {number} request the request that brought the newest
 */

/**
 * @typedef {object} Metric
 * @property {string} key
 * @property {string} name
 * @property {boolean} isDistribution
 * @property {string} type `count`, `rate`, `gauge`, `distribution`, or whatever was sent
 * @property {string} unit
 * @property {number} interval seconds, 0 if none
 * @property {string} origin in words, empty if none
 * @property {Map<string, Line>} lines
 * @property {Line | null} newest the line that the last point came on
 * @property {number} cut points that found no room
 */

export class MetricModel {
  constructor() {
    this.clear();
  }

  clear() {
    /** @type {Map<string, Metric>} */
    this.metrics = new Map();
    this.lines = 0;
    /** Points of metrics beyond the most. */
    this.cut = 0;
  }

  /** @param {Record<string, any>} record one of `/inspect/series` */
  addSeries(record) {
    const metric = this.#metric(record, false, String(record.type));
    const points = record.points.map((/** @type {any} */ { timestamp, value }) => ({ at: timestamp * 1_000, value: Number(value) }));
    this.#add(metric, record, points);
    if (!metric) return;
    metric.type = String(record.type);
    metric.unit = record.unit;
    metric.interval = record.interval;
  }

  /** @param {Record<string, any>} record one of `/inspect/sketches` */
  addSketch(record) {
    const metric = this.#metric(record, true, "distribution");
    const points = record.dogsketches.map((/** @type {any} */ bucket) => ({ at: bucket.ts * 1_000, value: bucket.p50 ?? NaN, sketch: numbersOf(bucket) }));
    this.#add(metric, record, points);
  }

  /** @param {Record<string, any>} record @param {boolean} isDistribution @param {string} type @returns {Metric | null} `null` without room */
  #metric(record, isDistribution, type) {
    const key = `${isDistribution ? "d" : "s"}:${record.metric}`;
    const known = this.metrics.get(key);
    if (known) return known;
    if (this.metrics.size >= MAX_METRICS) return null;
    /** @type {Metric} */
    const metric = { key, name: record.metric, isDistribution, type, unit: "", interval: 0, origin: "", lines: new Map(), newest: null, cut: 0 };
    this.metrics.set(key, metric);
    return metric;
  }

  /** @param {Metric | null} metric @param {Record<string, any>} record @param {Point[]} points */
  #add(metric, record, points) {
    if (!metric) {
      this.cut += points.length;
      return;
    }
    const line = this.#line(metric, record);
    metric.origin = originOf(record.metadata);
    if (!line) {
      metric.cut += points.length;
      return;
    }
    for (const point of points) insert(line.points, point);
    line.request = record.request;
    if (points.length > 0) metric.newest = line;
  }

  /** @param {Metric} metric @param {Record<string, any>} record @returns {Line | null} `null` without room */
  #line(metric, record) {
    const tags = [...record.tags].sort();
    const key = JSON.stringify([record.host ?? "", ...tags]);
    const known = metric.lines.get(key);
    if (known) return known;
    if (metric.lines.size >= MAX_LINES_OF_ONE || this.lines >= MAX_LINES) return null;
    const words = record.host ? [...tags, `host:${record.host}`] : tags;
    /** @type {Line} */
    const line = { key, label: words.length > 0 ? words.join(" ") : "no tags", points: [], request: record.request };
    metric.lines.set(key, line);
    this.lines += 1;
    return line;
  }
}

/** The newest value of a metric, on whichever line it came. @param {Metric} metric @returns {number | null} */
export function lastOf(metric) {
  return metric.newest?.points.at(-1)?.value ?? null;
}

/**
 * Whether each of the words is in the name of a metric, its type, or the tags of one of its lines.
 * @param {Metric} metric
 * @param {string[]} words in lower case
 */
export function isFound(metric, words) {
  const head = `${metric.name} ${metric.type}`.toLowerCase();
  return words.every((word) => head.includes(word) || [...metric.lines.values()].some((line) => line.label.toLowerCase().includes(word)));
}

/** Puts a point in its place; one of the same time takes the place of the older. @param {Point[]} points @param {Point} point */
function insert(points, point) {
  let at = points.length;
  while (at > 0 && points[at - 1].at > point.at) at -= 1;
  if (at > 0 && points[at - 1].at === point.at) points[at - 1] = point;
  else points.splice(at, 0, point);
  if (points.length > MAX_POINTS) points.shift();
}

/** @param {Record<string, any>} bucket @returns {Record<string, number>} */
function numbersOf(bucket) {
  const names = ["cnt", "min", "max", "avg", "sum", ...QUANTILES];
  return Object.fromEntries(names.map((name) => [name, bucket[name] === null ? NaN : Number(bucket[name])]));
}

/** @param {any} metadata */
function originOf(metadata) {
  const origin = metadata?.origin;
  return origin ? `product ${origin.origin_product}, category ${origin.origin_category}, service ${origin.origin_service}` : "";
}
