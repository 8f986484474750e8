// Puts the page together: stores, connection, views, header, and the keys that work everywhere.
//
// A new signal is one more entry in `views`; its definition says where its records come from and what to make of them.

import { reset } from "./api.js";
import { Connection } from "./connection.js";
import { Explorer } from "./explorer.js";
import { FaultsPanel } from "./faults.js";
import { bytes, counted } from "./format.js";
import { Header } from "./header.js";
import { LEVELS } from "./log-record.js";
import { MetricsView } from "./metrics.js";
import { logsView } from "./logs.js";
import { OpenStreams } from "./open-streams.js";
import { PatternsView } from "./patterns.js";
import { announce, failure } from "./notice.js";
import { RateMeter } from "./rate.js";
import { RemoteConfigView } from "./remote-config.js";
import { requestsView } from "./requests.js";
import { resetControl } from "./reset.js";
import { RecordStore } from "./store.js";
import { themeToggle } from "./theme.js";
import { TracesView } from "./traces.js";
import { welcome } from "./welcome.js";

/** @typedef {import("./log-record.js").LogRecord} LogRecord */
/** @typedef {import("./request-record.js").RequestRecord} RequestRecord */

/** @type {RecordStore<LogRecord>} */
const logs = new RecordStore({ maxRecords: 100_000, maxBytes: 128_000_000 });
/** @type {RecordStore<RequestRecord>} */
const requests = new RecordStore({ maxRecords: 20_000, maxBytes: 64_000_000 });
const rate = new RateMeter(LEVELS);

/** @type {import("./api.js").Summary | null} */
let summary = null;
/** @type {import("./connection.js").Health} */
let health = { kind: "connecting" };

const empty = () => welcome(summary?.hint);
/** @type {Map<string, Explorer<any>>} those of records */
const explorers = new Map();
explorers.set("logs", new Explorer(logsView(logs, { openRequest, empty }), showHealth));
explorers.set("requests", new Explorer(requestsView(requests, { showLogsOf, empty }), showHealth));
const patterns = new PatternsView(showHealth);
const metrics = new MetricsView({ onMode: showHealth, openRequest });
const traces = new TracesView({ onMode: showHealth, openRequest });
const remoteConfig = new RemoteConfigView(showHealth);
const openStreams = new OpenStreams(requests, (changed) => explorer("requests").recount(changed));
/** @typedef {Explorer<any> | import("./live-view.js").LiveView & { definition: import("./header.js").Tab }} View */
/** @type {Map<string, View>} in the order of the tabs */
const views = new Map([["logs", explorer("logs")], ["traces", traces], ["metrics", metrics], ["requests", explorer("requests")], ["patterns", patterns], ["config", remoteConfig]]);
/** Those that ask anew with every summary. */
const live = [patterns, metrics, traces, remoteConfig];
let current = "logs";

const faults = new FaultsPanel(() => connection.refresh().catch(() => undefined));
const resetting = resetControl(whatIsForgotten, forget);
const header = new Header({
  tabs: [...views.values()].map((view) => view.definition),
  onTab: (id) => show(id),
  onProblems: showProblems,
  onHealth: () => (health.kind === "waiting" ? connection.reconnect() : view().togglePause()),
  rate: rate.element,
  controls: [faults.button, resetting.button, themeToggle(repaint)],
});
const connection = new Connection(
  [...explorers.values()].map((view) => source(view.definition)),
  { onHealth, onSummary },
);

start();

function start() {
  logs.listen({ changed: countRate, cleared: () => rate.clear() });
  // Every metric and every trace came with a request, so that all are forgotten together.
  requests.listen({ changed: () => undefined, cleared: forgetOthers });
  header.mount(/** @type {HTMLElement} */ (document.getElementById("top")));
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  main.append(...[...views.values()].map((one) => one.element));
  document.body.append(faults.element, resetting.element);
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", followAddress);
  followAddress();
  connection.start();
}

/**
 * @param {import("./explorer.js").Definition<any>} definition
 * @returns {import("./connection.js").Source}
 */
function source({ path, total, parse, store }) {
  return {
    path,
    total,
    after: () => store.lastSeq,
    seenUpTo: (seq) => store.seenUpTo(seq),
    backlog: store.bounds.maxRecords,
    forget: () => store.clear(),
    receive: (lines) => store.add(lines.map(parse)),
  };
}

function forgetOthers() {
  metrics.forget();
  traces.forget();
}

/** @param {LogRecord[]} records */
function countRate(records) {
  for (const log of records) rate.add(log.received, log.level);
}

function view() {
  return /** @type {View} */ (views.get(current));
}

/** @param {string} id */
function explorer(id) {
  return /** @type {Explorer<any>} */ (explorers.get(id));
}

/** Shows a view and says so in the address. @param {string} id */
function show(id) {
  current = id;
  for (const [name, one] of views) one.element.hidden = name !== id;
  header.select(id);
  document.title = `${view().definition.title} · dev intake`;
  if (location.hash.slice(1).split("/")[0] !== id) history.replaceState(null, "", `#${id}`);
  view().shown();
  showHealth();
}

/** Shows what the address asks for: `#logs`, `#traces`, `#metrics`, `#patterns`, `#config`, `#requests/11`. */
function followAddress() {
  const [id, seq] = location.hash.slice(1).split("/");
  show(views.has(id) ? id : "logs");
  if (/^\d+$/.test(seq ?? "")) explorers.get(current)?.openSeq(Number(seq));
}

/** @param {number} seq */
function openRequest(seq) {
  show("requests");
  explorer("requests").openSeq(seq);
}

/** @param {number} seq */
function showLogsOf(seq) {
  show("logs");
  explorer("logs").searchFor(`request:${seq}`);
}

function showProblems() {
  show("requests");
  explorer("requests").searchFor("problem:*");
  explorer("requests").table.focus();
}

/** @param {import("./connection.js").Health} now */
function onHealth(now) {
  const words = { connecting: "Connecting", live: "Connected to the intake", waiting: "The intake is gone, retrying" }[now.kind];
  if (now.kind !== health.kind) announce(words);
  health = now;
  showHealth();
}

/** @param {import("./api.js").Summary} now */
function onSummary(now) {
  const hintChanged = summary?.hint !== now.hint;
  summary = now;
  rate.ahead = now.now - Date.now();
  header.show(now);
  rate.tick();
  resetting.refresh();
  faults.show(now.faults);
  faults.offerPaths(Object.keys(now.requests.by_path));
  for (const one of explorers.values()) one.loss = lossOf(now);
  if (hintChanged) for (const one of explorers.values()) one.refreshEmpty();
  for (const one of live) one.refresh(now);
  openStreams.refresh();
}

/** @param {import("./api.js").Summary} now */
function lossOf(now) {
  const { records } = now.evicted;
  return records > 0 ? ` · the intake keeps ${bytes(now.keep_bytes)}, ${counted(records, "older record")} left it` : "";
}

function showHealth() {
  header.showHealth(health, view().isHolding);
}

function repaint() {
  for (const one of explorers.values()) one.repaint();
  rate.tick();
}

function whatIsForgotten() {
  const logCount = summary?.signals.logs?.items ?? 0;
  const metricCount = summary ? metrics.definition.total(summary) : 0;
  const more = metricCount > 0 ? `, ${counted(metricCount, "metric, event or check", "metrics, events and checks")}` : "";
  const traceCount = summary ? traces.definition.total(summary) : 0;
  const yetMore = traceCount > 0 ? `, ${counted(traceCount, "chunk or group of stats", "chunks and groups of stats")}` : "";
  const pushed = (summary?.remote_config?.pushed ?? 0) > 0 ? ", and what is pushed is withdrawn" : "";
  return `Forget ${counted(logCount, "log")}${yetMore}${more} and ${counted(summary?.requests.total ?? 0, "request")}? Faults are forgotten too${pushed}.`;
}

async function forget() {
  try {
    await reset();
    connection.startOver();
    announce("Everything was forgotten");
  } catch (error) {
    failure("The intake did not reset", error);
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target.matches("input:not([type=checkbox]), textarea, select") || document.querySelector(":popover-open")) return;
  if (view().key(event)) event.preventDefault();
}
