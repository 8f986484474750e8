// The view of patterns: what the open streams have defined, how often each was used, and what the streams cost.
//
// Unlike the views of records it asks for everything anew each time it is refreshed; the intake bounds the answer.

import { getPatterns, getStreams } from "./api.js";
import { textBlock } from "./details.js";
import { arrange, fill, h, setText } from "./dom.js";
import { bytes, clock, count, counted, duration, oneLine } from "./format.js";
import { LiveView } from "./live-view.js";

/** @typedef {import("./api.js").Pattern} Pattern */
/** @typedef {import("./api.js").Stream} Stream */

/** What stands for a value. */
const PLACE = "<*>";

/** Longest piece of a template in a row. */
const LONGEST_PIECE = 400;

/**
 * One pattern in sight.
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(pattern: Pattern, most: number) => void} show
 */

export class PatternsView extends LiveView {
  /** @param {() => void} onMode called when it starts or stops holding still */
  constructor(onMode) {
    super(onMode);
    this.definition = {
      id: "patterns",
      title: "Patterns",
      total: (/** @type {import("./api.js").Summary} */ summary) => summary.streams?.patterns ?? 0,
    };
    this.isAsking = false;
    /** @type {{ streams: import("./api.js").Streams, patterns: import("./api.js").Patterns } | null} */
    this.answer = null;
    /** @type {Map<string, Row>} by stream and pattern */
    this.rows = new Map();
    this.stats = {
      open: stat("Streams open"),
      age: stat("Oldest open for"),
      state: stat("State", "What the patterns and texts take in the intake's memory"),
      wire: stat("On the wire", "Messages of the open streams, each with its frame"),
      http: stat("Over HTTP", "The same logs as JSON under zstd, a request for each batch; heads left out on both sides"),
    };
    this.ended = h("p", { class: "note streams-ended", hidden: true });
    this.list = h("div", { class: "pattern-list" });
    this.blank = h("div", { class: "pattern-blank" }, blank());
    this.foot = h("p", { class: "foot" });
    this.element = this.#assemble();
  }

  #assemble() {
    return h(
      "section",
      { class: "patterns", id: "view-patterns", role: "tabpanel", "aria-labelledby": "tab-patterns", hidden: true },
      h("div", { class: "streams" }, h("dl", { class: "stream-stats" }, ...Object.values(this.stats).map((one) => one.element)), this.ended),
      h("div", { class: "pattern-stage" }, this.list, this.blank),
      h("div", { class: "status-line" }, this.foot),
    );
  }

  async read() {
    if (this.isAsking) return false;
    this.isAsking = true;
    try {
      const [streams, patterns] = await Promise.all([getStreams(), getPatterns()]);
      this.answer = { streams, patterns };
      return true;
    } catch {
      // The connection says so itself, and the next summary asks again.
      return false;
    } finally {
      this.isAsking = false;
    }
  }

  show() {
    if (!this.answer) return;
    this.#showStreams(this.answer.streams);
    const { patterns, total, cut } = this.answer.patterns;
    const most = Math.max(1, ...patterns.map((pattern) => pattern.logs));
    const shown = patterns.map((pattern) => this.#row(pattern, most));
    this.rows = new Map(shown);
    const elements = shown.map(([, row]) => row.element);
    arrange(this.list, elements);
    this.blank.hidden = total > 0;
    setText(this.foot, `${counted(total, "live pattern")}${cut > 0 ? `, ${count(cut)} of them less used and not shown` : ""}`);
  }

  /** @param {import("./api.js").Streams} answer */
  #showStreams({ now, streams, http_batches_left: left }) {
    const open = streams.filter((stream) => stream.ended === null);
    const sum = (/** @type {(stream: Stream) => number} */ of) => open.reduce((total, stream) => total + of(stream), 0);
    const oldest = Math.min(now, ...open.map((stream) => stream.opened_at));
    this.stats.open.show(count(open.length));
    this.stats.age.show(open.length > 0 ? duration(now - oldest) : "–");
    this.stats.state.show(bytes(sum((stream) => stream.state.state_bytes)));
    this.stats.wire.show(bytes(sum((stream) => stream.wire_bytes)));
    const wire = sum((stream) => stream.http.wire_bytes);
    const http = sum((stream) => stream.http.http_bytes);
    const share = http > 0 ? `the stream takes ${Math.round((100 * wire) / http)} %` : "";
    const compared = sum((stream) => stream.http.batches);
    const of = compared < sum((stream) => stream.batches) ? ` of ${counted(compared, "batch", "batches")}` : "";
    this.stats.http.show(http > 0 ? bytes(http) : "–", `${share}${share && of}${left ? ", still counting" : ""}`);
    this.#showEnded(streams.filter((stream) => stream.ended !== null).at(-1), now);
  }

  /** @param {Stream | undefined} stream the last that ended @param {number} now */
  #showEnded(stream, now) {
    this.ended.hidden = !stream;
    if (!stream?.ended) return;
    const { ended } = stream;
    const how = ended.grpc_status ?? (ended.http_status === null ? "cut" : `HTTP ${ended.http_status}`);
    const why = ended.message === "" ? "" : `: ${oneLine(ended.message, 200)}`;
    setText(this.ended, `Stream ${stream.stream} ended ${duration(now - ended.at)} ago, ${how}${why}`);
  }

  /** @param {Pattern} pattern @param {number} most @returns {[string, Row]} */
  #row(pattern, most) {
    const key = `${pattern.stream}/${pattern.pattern_id}`;
    const row = this.rows.get(key) ?? makeRow(pattern);
    row.show(pattern, most);
    return [key, row];
  }
}

/** @param {Pattern} pattern @returns {Row} */
function makeRow(pattern) {
  const logs = h("span", { class: "pattern-count" });
  const bar = h("span", { class: "pattern-bar" });
  const template = h("span", { class: "pattern-template" });
  const seen = h("span", { class: "pattern-seen" });
  const example = h("div", { class: "pattern-example" });
  const element = h(
    "details",
    { class: "pattern", "data-pattern": pattern.pattern_id },
    h("summary", {}, logs, bar, template, seen),
    example,
  );
  let shownPieces = "";
  let shownExample = "";
  /** @param {Pattern} now @param {number} most */
  const show = (now, most) => {
    setText(logs, count(now.logs));
    bar.style.setProperty("--share", String(now.logs / most));
    setText(seen, now.last_seen === null ? "not used yet" : clock(now.last_seen));
    seen.title = `stream ${now.stream}, pattern ${now.pattern_id}`;
    const pieces = JSON.stringify(now.pieces);
    if (pieces !== shownPieces) fill(template, ...places(now));
    shownPieces = pieces;
    const text = now.example ?? "";
    if (text !== shownExample || !example.hasChildNodes()) fill(example, exampleOf(now));
    shownExample = text;
  };
  return { element, show };
}

/** A template with its places marked. @param {Pattern} pattern @returns {(string | HTMLElement)[]} */
function places({ pieces, is_cut: isCut }) {
  const shown = pieces.flatMap((piece, index) => [
    ...(index > 0 ? [h("span", { class: "place" }, PLACE)] : []),
    oneLine(piece, LONGEST_PIECE),
  ]);
  return isCut ? [...shown, "…"] : shown;
}

/** @param {Pattern} pattern */
function exampleOf(pattern) {
  const words = `Pattern ${pattern.pattern_id} of stream ${pattern.stream}, ${counted(pattern.pieces.length - 1, "value")}`;
  const text = pattern.example === null ? null : textBlock(pattern.example, "example");
  return h("div", {}, h("p", { class: "note" }, text ? `${words}. Last seen as` : `${words}. No log used it yet.`), text);
}

/** @param {string} title @param {string} [means] */
function stat(title, means = "") {
  const value = h("span", {}, "–");
  const extra = h("span", { class: "stat-extra" });
  const element = h("div", { class: "stat", title: means }, h("dt", {}, title), h("dd", {}, value, extra));
  /** @param {string} text @param {string} [more] */
  const show = (text, more = "") => {
    setText(value, text);
    setText(extra, more);
  };
  return { element, show };
}

function blank() {
  return h(
    "div",
    { class: "blank-inner" },
    h("h2", {}, "No patterns"),
    h("p", {}, "What an agent sends over a stateful stream refers to patterns. Those that the open streams have defined appear here, and go with their stream."),
  );
}
