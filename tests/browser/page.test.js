// What a person sees and does on the page of the development intake, in a real browser.
//
// All tests share one intake, hence one file: files would run side by side.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { postStats, postTrace } from "./apm.js";
import { openBrowser, openPage } from "./browser.js";
import { INTAKE_URL, log, postGauges, postJson, postLogs, postSketch, postText, resetIntake } from "./intake.js";
import { door } from "./outage.js";
import { pollConfigs, pushedConfig, textOf } from "./remote-config.js";
import { takeScreenshot } from "./screenshot.js";
import { event, MARKUP, packed, postAttack } from "./security.js";
import { cutStreams, Stream, THREE_LOGS } from "./stream.js";

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {Awaited<ReturnType<typeof openPage>>} */
let opened;

before(async () => {
  browser = await openBrowser();
});

after(() => browser.close());

beforeEach(async () => {
  await resetIntake();
  opened = await openPage(browser.context, INTAKE_URL);
  page = opened.page;
});

afterEach(async () => {
  cutStreams();
  await page.close();
  assert.deepEqual(opened.strangers, [], "the page asked another host");
  assert.deepEqual(opened.complaints, [], "the page complained in the console");
});

/** Rows of the table in sight. @param {string} [view] */
const rows = (view = "logs") => page.locator(`#view-${view} .table-body .row:visible`);

/** The row that says this. @param {string} text */
const row = (text) => rows().filter({ hasText: text });

/** @param {string} text what the foot of a view begins with @param {string} [view] */
const foot = (text, view = "logs") => page.locator(`#view-${view} .foot`, { hasText: text }).waitFor();

const drawer = () => page.locator("#view-logs .drawer");

/** Waits until the logs in sight are these, the newest first. @param {string[]} messages */
function expectMessages(messages) {
  return page.waitForFunction((wanted) => {
    const cells = [...document.querySelectorAll("#view-logs .table-body .row:not([hidden]) .cell-message")];
    return JSON.stringify(cells.map((cell) => cell.textContent)) === wanted;
  }, JSON.stringify(messages));
}

/** Posts logs and waits until the page shows how many it has. @param {object[]} logs */
async function show(logs) {
  await postLogs(logs);
  await foot(logs.length === 1 ? "1 log ·" : `${logs.length.toLocaleString("en-US")} logs ·`);
}

test("an empty page says how to send a log", async () => {
  const welcome = page.locator("#view-logs .welcome");
  await welcome.waitFor();
  assert.match(await welcome.locator("pre").innerText(), /^curl .*http/);
  await welcome.getByRole("button", { name: "Copy" }).click();
  await welcome.getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await welcome.locator("pre").innerText());
});

test("posted logs appear without a reload, the newest first", async () => {
  await page.evaluate(() => Object.assign(window, { stillTheSamePage: true }));
  await show([log("first to come")]);
  await postLogs([log("second to come", { status: "error", service: "api" })]);
  await row("second to come").waitFor();
  const cells = await rows().first().locator(".cell").allInnerTexts();
  assert.deepEqual(cells.slice(1), ["error", "api", "second to come"]);
  assert.match(cells[0], /^\d\d:\d\d:\d\d\.\d{3}$/);
  assert.equal(await page.evaluate(() => "stillTheSamePage" in window), true);
  await page.locator(".stat", { hasText: "Logs" }).getByText("2", { exact: true }).waitFor();
});

test("a log posted to the agent arrives", { skip: process.env.LOG_URL ? false : "LOG_URL is not set" }, async () => {
  const answer = await fetch(new URL("/api/v2/logs", process.env.LOG_URL), {
    method: "POST",
    headers: { "content-type": "application/json", "dd-api-key": "0" },
    body: JSON.stringify([log("through the agent")]),
  });
  assert.equal(answer.ok, true, `the agent answered ${answer.status}`);
  await row("through the agent").waitFor();
});

test("the search narrows by word, phrase, field, tag and attribute", async () => {
  await show([
    log("connection refused by peer", { status: "error", http: { status_code: 502 } }),
    log("connection opened", { service: "api", ddtags: "env:prod" }),
    log("refused connection", { status: "warn" }),
  ]);
  /** @param {string} search @param {string[]} messages */
  const check = async (search, messages) => {
    await page.getByLabel("Search logs").fill(search);
    await expectMessages(messages);
  };
  await check("REFUSED", ["refused connection", "connection refused by peer"]);
  assert.deepEqual(await page.locator("#view-logs .row mark:visible").allInnerTexts(), ["refused", "refused"]);
  await check('"connection refused"', ["connection refused by peer"]);
  await check("service:api", ["connection opened"]);
  await check("status:e* refused", ["connection refused by peer"]);
  await check("env:prod", ["connection opened"]);
  await check("connection -refused", ["connection opened"]);
  await check("@http.status_code:>=500", ["connection refused by peer"]);
  await check("502", ["connection refused by peer"]);
});

test("clicking facets filters, and several values add up", async () => {
  await show([
    log("one", { status: "error" }),
    log("two", { status: "warn", service: "api" }),
    log("three"),
    log("four", { status: "error", service: "api" }),
  ]);
  const facet = (/** @type {string} */ name, /** @type {string} */ value) =>
    page.locator(`#view-logs [data-facet=${name}] [data-value=${value}]`);
  await facet("status", "error").locator("label").click();
  await foot("2 of 4 logs");
  await facet("status", "warn").locator("label").click();
  await foot("3 of 4 logs");
  assert.equal(await facet("status", "info").locator(".facet-count").innerText(), "1", "a facet does not narrow itself");
  assert.equal(await facet("service", "api").locator(".facet-count").innerText(), "2");
  await facet("service", "api").locator("label").click();
  await expectMessages(["four", "two"]);
  await page.getByRole("button", { name: "Clear all filters" }).click();
  await foot("4 logs");
});

test("dragging over the bars chooses a time", async () => {
  const now = Date.now();
  await show([log("long ago", { timestamp: now - 600_000 }), log("just now", { timestamp: now })]);
  const box = await page.locator("#view-logs .histogram-canvas").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 2, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 40, box.y + 20);
  await page.mouse.up();
  await foot("1 of 2 logs");
  await row("long ago").waitFor();
  await page.locator("#view-logs .range-chip").click();
  await foot("2 logs");
});

test("everything can be done from the keyboard", async () => {
  await show([log("alpha"), log("beta"), log("beta gamma"), log("delta")]);
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").innerText(), "Skip to the records");
  await page.keyboard.press("/");
  await page.keyboard.type("beta");
  await foot("2 of 4 logs");
  await page.keyboard.press("Enter");
  const underCursor = page.locator("#view-logs [aria-selected=true] .cell-message");
  await page.keyboard.press("j");
  await underCursor.getByText("beta gamma").waitFor();
  await page.keyboard.press("ArrowDown");
  await underCursor.getByText("beta", { exact: true }).waitFor();
  await page.keyboard.press("k");
  await underCursor.getByText("beta gamma").waitFor();
  const active = await page.locator("#logs-grid").getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active} .cell-message`).innerText(), "beta gamma");
  await page.keyboard.press("Enter");
  await drawer().locator("pre", { hasText: "beta gamma" }).waitFor();
  await page.keyboard.press("j");
  await drawer().locator("pre", { hasText: /^beta$/ }).waitFor();
  await page.keyboard.press("Escape");
  await drawer().waitFor({ state: "hidden" });
  assert.equal(await page.locator(":focus").getAttribute("id"), "logs-grid");
  await page.keyboard.press("Escape");
  await page.locator(".health[data-kind=live]").waitFor();
});

test("the details show every field, and tags and attributes narrow the search", async () => {
  await show([
    log("with details", { ddtags: "env:prod,team:a b", http: { method: "GET", path: "/v1/orders" }, seq: "of my own", 7: "a number for a key" }),
    log("another"),
  ]);
  await row("with details").click();
  const attributes = drawer().locator(".json");
  assert.deepEqual(await drawer().locator(".chip").allInnerTexts(), ["env:prod", "team:a b"]);
  assert.match(await attributes.innerText(), /7\s*"a number for a key"\s*http[\s\S]*method\s*"GET"[\s\S]*path\s*"\/v1\/orders"[\s\S]*seq\s*"of my own"/);
  assert.match(await drawer().locator(".fields").innerText(), /service\s+web\s+source\s+node\s+host\s+box-1/);
  await drawer().getByRole("button", { name: "Copy JSON" }).click();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual([copied.message, copied.seq, "received_at" in copied], ["with details", "of my own", false]);
  await drawer().getByText("team:a b").click();
  assert.equal(await page.getByLabel("Search logs").inputValue(), 'team:"a b"');
  await foot("1 of 2 logs");
  await attributes.getByText('"/v1/orders"').click();
  assert.equal(await page.getByLabel("Search logs").inputValue(), 'team:"a b" @http.path:"/v1/orders"');
  await foot("1 of 2 logs");
});

test("markup and control characters are shown as text", async () => {
  const title = await page.title();
  const message = '<script>document.title="owned"</script><img src="/x" onerror="document.title=1">\u001b[31mred\u0000\u202eevil';
  const shown = '<script>document.title="owned"</script><img src="/x" onerror="document.title=1">␛[31mred␀⟨202E⟩evil';
  await show([log(message, { service: "<b>bold</b>", ddtags: "a:<i>x</i>", "<u>key</u>": "<s>value</s>" })]);
  assert.equal(await rows().first().locator(".cell-message").innerText(), shown);
  assert.equal(await rows().first().locator(".cell-service").innerText(), "<b>bold</b>");
  await rows().first().click();
  assert.equal(await drawer().locator(".message pre").innerText(), shown);
  assert.match(await drawer().locator(".json").innerText(), /<u>key<\/u>\s*"<s>value<\/s>"/);
  assert.equal(await page.locator("main :is(script, img, b, i, u, s)").count(), 0);
  assert.equal(await page.title(), title);
});

test("odd logs do not stop the page", async () => {
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const entries = [
    `{"message":"deep attribute","deep":${deep}}`,
    `{"message":${deep}}`,
    '{"message":"wrong types","status":{"a":1},"service":["b"],"ddtags":5,"hostname":{},"timestamp":{}}',
    '{"message":null,"status":null,"service":null,"ddtags":null,"hostname":null,"timestamp":null}',
    '{"message":"named like another","__proto__":{"hidden":"no"},"constructor":1}',
  ];
  const answer = await postText(`[${entries.join(",")}]`);
  assert.equal(answer.status, 202);
  await foot("5 logs ·");
  await row("wrong types").waitFor();
  assert.equal(await row("wrong types").locator(".cell-status").innerText(), '{"a":1}');
  await row("[[[[").click();
  await drawer().locator(".json").waitFor();
  await row("named like another").click();
  await drawer().locator(".json", { hasText: "__proto__" }).getByText('"no"').waitFor();
  await page.getByLabel("Search logs").fill("@deep.x:1");
  await foot("0 of 5 logs");
});

test("the table holds still while the reader is away from the newest, and says what is new", async () => {
  await show(Array.from({ length: 200 }, (_, n) => log(`line ${n}`)));
  await page.locator("#logs-grid").hover();
  await page.mouse.wheel(0, 600);
  await page.locator(".health[data-kind=paused]").waitFor();
  const before = await rows().first().getAttribute("data-seq");
  await postLogs([log("fresh one"), log("fresh two")]);
  const pill = page.locator("#view-logs .pill");
  await pill.getByText("2 new").waitFor();
  assert.equal(await row("fresh").count(), 0);
  assert.equal(await rows().first().getAttribute("data-seq"), before);
  await pill.click();
  await row("fresh two").waitFor();
  await page.locator(".health[data-kind=live]").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await postLogs([log("while paused")]);
  await pill.getByText("1 new").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await row("while paused").waitFor();
});

test("the dark theme is one click away and remembered", async () => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: "Switch to the dark theme" }).click();
  const dark = await background();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await background(), dark);
  await page.getByRole("button", { name: "Switch to the light theme" }).click();
  assert.equal(await background(), light);
});

test("a raw request shows its headers, body and problems, one click from its log", async () => {
  await postLogs([log("look at my request"), { service: "no message here" }], { "x-odd-header": "odd <value>" });
  await row("look at my request").click();
  await drawer().locator(".request-link").click();
  const details = page.locator("#view-requests .drawer");
  await details.locator(".fields", { hasText: "x-odd-header" }).getByText("odd <value>").waitFor();
  await details.locator(".request-body").getByText('"look at my request"').waitFor();
  await details.locator(".problem-box").getByText("no message").waitFor();
  assert.match(await rows("requests").first().innerText(), /202\s+POST\s+\/api\/v2\/logs/);
  assert.doesNotMatch(await details.innerText(), /00000000000000000000000000005a3f/, "the key is masked");
  await page.locator(".problems").click();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await details.getByRole("button", { name: "2 items" }).click();
  await foot("2 logs");
  assert.match(await page.getByLabel("Search logs").inputValue(), /^request:\d+$/);
});

test("the faults panel makes the intake answer 429, and shows the hits", async () => {
  await page.getByRole("button", { name: "Faults", exact: true }).click();
  const panel = page.getByRole("dialog", { name: "Faults" });
  await panel.getByRole("button", { name: "429 twice" }).click();
  await panel.getByText("0 hits of 2").waitFor();
  const answers = [await postLogs([log("a")]), await postLogs([log("b")]), await postLogs([log("c")])];
  assert.deepEqual(answers.map((answer) => answer.status), [429, 429, 202]);
  assert.equal(answers[0].headers.get("retry-after"), "1");
  await panel.getByText("2 hits of 2").waitFor();
  await panel.getByRole("button", { name: "500" }).click();
  await panel.getByText("answer 500").waitFor();
  assert.equal((await postLogs([log("d")])).status, 500);
  await panel.getByRole("button", { name: "Clear all" }).click();
  await panel.getByText("Every request is answered").waitFor();
  assert.equal((await postLogs([log("e")])).status, 202);
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
});

test("413 over a number of entries leaves smaller batches alone", async () => {
  await page.getByRole("button", { name: "Faults", exact: true }).click();
  await page.getByLabel("Entries").fill("2");
  await page.getByRole("button", { name: "413" }).click();
  await page.getByText("from 3 entries").waitFor();
  assert.equal((await postLogs([log("a"), log("b"), log("c")])).status, 413);
  assert.equal((await postLogs([log("a"), log("b")])).status, 202);
});

test("logs of a stream appear beside the others and lead to their stream", async () => {
  // The acknowledgement comes when the page already shows the stream, whose bytes do not change with it.
  await postJson("/inspect/faults", { rules: [{ path: "/datadog.intake.stateful.*", delay_ms: 2_500 }] });
  const stream = new Stream();
  stream.send(1, THREE_LOGS);
  await postLogs([log("over HTTP")]);
  await foot("4 logs ·");
  const marked = page.locator('#view-logs .row[data-via="stream"]');
  await page.locator("#view-logs [data-facet=via] [data-value=stream] label").click();
  await foot("3 of 4 logs");
  assert.equal(await marked.first().locator(".cell-message").innerText(), "ERROR Connection from 10.0.0.7 timed out after 30s");
  await marked.first().click();
  assert.match(await drawer().locator(".fields").innerText(), /source\s+nginx\s+host\s+web-1[\s\S]*via\s+stream \d+, batch 1, generation A\s+pattern\s+1/);
  await drawer().locator(".request-link").click();
  const details = page.locator("#view-requests .drawer");
  await details.locator(".fields", { hasText: "not yet" }).getByText("1, acknowledged up to 1").waitFor();
  await stream.end();
  await rows("requests").filter({ hasText: "OK" }).first().waitFor();
  await rows("requests").filter({ hasText: "StatefulLogsService" }).first().click();
  await details.locator(".fields", { hasText: "OK, after" }).getByText("3 items").waitFor();
});

test("the patterns of open streams are shown with what the streams cost", async () => {
  await page.getByRole("tab", { name: /Patterns/ }).click();
  await page.getByText("No patterns").waitFor();
  const stream = new Stream();
  stream.send(1, THREE_LOGS);
  // The agent beside the intake may have streams of its own, with patterns of theirs.
  const pattern = page.locator(".pattern", { hasText: "ERROR Connection from <*> timed out after <*>" });
  await pattern.waitFor();
  const template = pattern.locator(".pattern-template");
  assert.equal(await template.innerText(), "ERROR Connection from <*> timed out after <*>");
  assert.equal(await template.locator(".place").count(), 2);
  assert.equal(await pattern.locator(".pattern-count").innerText(), "3");
  await pattern.locator("summary").click();
  await pattern.locator("pre", { hasText: "ERROR Connection from 10.0.0.7 timed out after 30s" }).waitFor();
  const stats = page.locator(".stream-stats .stat");
  // The bytes of other streams count too.
  await stats.filter({ hasText: "On the wire" }).getByText(/^\d[\d.,]* k?B$/).waitFor();
  await stats.filter({ hasText: "Over HTTP" }).getByText(/^the stream takes \d+ %/).waitFor();
  stream.send(2, THREE_LOGS);
  await pattern.locator(".pattern-count", { hasText: "6" }).waitFor();
  assert.equal(await pattern.getAttribute("open"), "", "what was opened stays open");
  await stream.end();
  await pattern.waitFor({ state: "detached" });
  await page.locator(".streams-ended", { hasText: /^Stream \d+ ended .* ago, OK$/ }).waitFor();
});

test("metrics are listed with their last value and drawn, a line for each tag set", async () => {
  await page.getByRole("tab", { name: /Metrics/ }).click();
  await page.getByText("No metrics yet").waitFor();
  await postGauges([
    { metric: "queue.depth", value: 3, tags: ["queue:mail"], ago: 20 },
    { metric: "queue.depth", value: 5, tags: ["queue:mail"], ago: 10 },
    { metric: "queue.depth", value: 40, tags: ["queue:jobs"], ago: 10 },
    { metric: "disk.free", value: 123_456, tags: ["device:sda"] },
  ]);
  const depth = page.locator('.metric-row[data-metric="queue.depth"]');
  await depth.click();
  assert.match(await depth.innerText(), /queue\.depth\s*40\s*gauge/);
  assert.match(await page.locator('.metric-row[data-metric="disk.free"]').innerText(), /123\.5k/);
  assert.equal(await page.locator(".curve").count(), 2);
  const legend = page.locator(".legend-row");
  assert.deepEqual(await legend.locator(".legend-label").allInnerTexts(), ["queue:mail host:box-1", "queue:jobs host:box-1"]);
  await postGauges([{ metric: "queue.depth", value: 7, tags: ["queue:mail"] }]);
  await legend.first().locator(".legend-value", { hasText: /^7$/ }).waitFor();
  assert.match((await page.locator(".chart-picture").getAttribute("aria-label")) ?? "", /queue:mail host:box-1: 7; queue:jobs host:box-1: 40$/);
  await legend.nth(1).click();
  await page.waitForFunction(() => document.querySelectorAll(".curve").length === 1);
  await page.locator(".chart").hover();
  await page.locator(".chart-tip", { hasText: "queue:jobs host:box-1 40" }).waitFor();
  await page.getByLabel("Filter metrics").fill("sda");
  await page.locator("#view-metrics .foot", { hasText: "1 of 2 metrics" }).waitFor();
  await page.locator(".metric-title", { hasText: "disk.free" }).waitFor();
  await page.getByLabel("Filter metrics").fill("nothing of the kind");
  await page.getByText("No metric matches.").waitFor();
});

test("a distribution is drawn as its quantiles, and leads to its request", async () => {
  await postSketch();
  await page.getByRole("tab", { name: /Metrics/ }).click();
  await page.locator('.metric-row[data-metric="m.d"]').waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".curve").length === 5);
  assert.match((await page.locator(".chart-picture").getAttribute("aria-label")) ?? "", /p50: 1; .*p99: 2$/);
  assert.match(await page.locator(".metric-detail .note").innerText(), /^distribution · 1 tag set · product 10, category 10, service 0$/);
  assert.match(await page.locator(".legend-value").innerText(), /^2 values {2}p50 1 /);
  await page.locator(".legend-line .request-link").click();
  const details = page.locator("#view-requests .drawer");
  await details.locator(".problem-box").getByText("sketch 0: over 1 hour old").waitFor();
});

test("events and service checks are lists, the newest first", async () => {
  await page.getByRole("tab", { name: /Metrics/ }).click();
  await postJson("/intake/", {
    apiKey: "",
    events: { api: [{ msg_title: "deploy <b>started</b>", msg_text: "line one\nline two", alert_type: "info", tags: ["env:test"], host: "box-1" }, { msg_title: "deploy failed", msg_text: "", alert_type: "error" }] },
    internalHostname: "box-1",
  });
  await postJson("/api/v1/check_run", [{ check: "db.up", host_name: "box-2", status: 2, message: "no route", tags: ["db:main"] }]);
  await page.getByRole("button", { name: "Events" }).click();
  const happenings = page.locator(".happening:visible");
  await happenings.nth(1).waitFor();
  assert.deepEqual(await happenings.locator(".happening-title").allInnerTexts(), ["deploy failed", "deploy <b>started</b>"]);
  assert.equal(await happenings.first().locator(".level-word").innerText(), "error");
  await happenings.nth(1).locator("summary").click();
  await happenings.nth(1).locator("pre", { hasText: "line two" }).waitFor();
  assert.deepEqual(await happenings.nth(1).locator(".chip").allInnerTexts(), ["env:test"]);
  await page.getByLabel("Filter metrics").fill("failed");
  await page.locator("#view-metrics .foot", { hasText: "1 of 2 events" }).waitFor();
  await page.getByLabel("Filter metrics").fill("");
  await page.getByRole("button", { name: "Checks" }).click();
  await happenings.first().waitFor();
  assert.match(await happenings.first().innerText(), /critical\s*db\.up\s*box-2/);
  await happenings.first().locator("summary").click();
  await happenings.first().locator("pre", { hasText: "no route" }).waitFor();
});

test("metrics go with a reset, and come again after it", async () => {
  await page.getByRole("tab", { name: /Metrics/ }).click();
  await postGauges([{ metric: "before", value: 1 }]);
  await page.locator('.metric-row[data-metric="before"]').waitFor();
  await resetIntake();
  await page.getByText("No metrics yet").waitFor();
  await postGauges([{ metric: "after", value: 1 }]);
  await page.locator('.metric-row[data-metric="after"]').waitFor();
  assert.equal(await page.locator(".metric-row").count(), 1);
});

/** Two traces of one second ago: a slow one with an error below its root, and a plain one. */
async function sendTraces() {
  await postTrace(0xffff_ffff_ffff_fff1n, [
    { id: 0xffff_ffff_ffff_ff02n, parent: 0xffff_ffff_ffff_ff01n, service: "db", name: "sql.query", resource: "SELECT * FROM t", at: 10, ms: 30, error: 1, meta: { "error.stack": "line one\nline two", "db.name": "main" }, link: 0xffff_ffff_ffff_ff01n, event: "exception" },
    { id: 0xffff_ffff_ffff_ff03n, parent: 0xffff_ffff_ffff_ff02n, service: "db", name: "sql.fetch", resource: "fetch", at: 20, ms: 10 },
    { id: 0xffff_ffff_ffff_ff01n, service: "web", resource: "GET /<b>users</b>", at: 0, ms: 120, metrics: { _top_level: 1 } },
    { id: 0xffff_ffff_ffff_ff04n, parent: 0xffff_ffff_ffff_ff01n, service: "cache", name: "redis.command", resource: "GET", at: 60, ms: 1.5 },
  ]);
  await postTrace(7n, [{ id: 8n, service: "worker", resource: "job", at: 0, ms: 2 }]);
}

test("traces are listed, and the chosen one is a waterfall", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await page.getByText("No traces yet").waitFor();
  await sendTraces();
  const traces = page.locator(".trace-row");
  await traces.nth(1).waitFor();
  assert.deepEqual(await traces.locator(".metric-name").allInnerTexts(), ["job", "GET /<b>users</b>"]);
  assert.match(await traces.nth(1).innerText(), /120 ms\s*web · 4 spans · .*\s*1 error$/);
  assert.equal(await page.locator(".trace-row[data-error]").count(), 1);
  await traces.nth(1).click();
  const spans = page.locator(".span-row");
  await spans.nth(3).waitFor();
  assert.deepEqual(await spans.locator(".span-resource").allInnerTexts(), ["GET /<b>users</b>", "SELECT * FROM t", "fetch", "GET"]);
  assert.deepEqual(await spans.evaluateAll((rows) => rows.map((row) => row.getAttribute("aria-level"))), ["1", "2", "3", "2"]);
  assert.deepEqual(await spans.locator(".span-time").allInnerTexts(), ["120 ms", "30 ms", "10 ms", "1.5 ms"]);
  const bars = await spans.locator(".span-bar").evaluateAll((all) => all.map((bar) => [bar.style.left, bar.style.width]));
  assert.deepEqual(bars, [["0%", "100%"], ["8.333%", "25%"], ["16.667%", "8.333%"], ["50%", "1.25%"]]);
  assert.equal(await page.locator(".span-row[data-error]").count(), 1);
  const depths = await page.locator(".flame-block").evaluateAll((all) => all.map((block) => block.style.top));
  assert.deepEqual(depths, ["0px", "14px", "28px", "14px"]);
  assert.match(await page.locator(".trace-detail > .note").innerText(), /^db, web, cache · test · node 5\.1\.0 · 4 spans · 120 ms · priority 1 · 0{16}f{15}1$/);
});

test("a span shows its tags, links and events, and leads to its request", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await sendTraces();
  await page.locator(".trace-row", { hasText: "users" }).click();
  const details = page.locator(".span-details");
  // The failed span is shown first.
  await details.getByText("18446744073709551362").first().waitFor();
  await details.locator("pre", { hasText: "line two" }).waitFor();
  assert.deepEqual(await details.locator("h3").allInnerTexts(), ["Span", "Meta", "Links", "Events"]);
  await details.locator(".part", { hasText: "Links" }).getByText("18446744073709551361").waitFor();
  await details.locator(".part", { hasText: "Events" }).getByText("exception").waitFor();
  await page.locator(".span-row").first().click();
  await details.getByText("_top_level").waitFor();
  assert.equal(await page.locator('.span-row[aria-selected="true"] .span-resource').innerText(), "GET /<b>users</b>");
  await page.keyboard.press("ArrowDown");
  await details.getByText("db.name").waitFor();
  await details.getByRole("button", { name: /^request / }).click();
  await page.locator("#view-requests .drawer").getByText("/api/v0.2/traces").first().waitFor();
});

test("chunks of one trace become one waterfall as they come", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await postTrace(5n, [{ id: 2n, parent: 1n, service: "web", resource: "child", at: 5, ms: 1 }]);
  const trace = page.locator(".trace-row");
  await trace.filter({ hasText: "1 span" }).waitFor();
  await postTrace(5n, [{ id: 1n, service: "web", resource: "root", at: 0, ms: 9 }]);
  await trace.filter({ hasText: "2 spans" }).waitFor();
  assert.deepEqual(await page.locator(".span-row .span-resource").allInnerTexts(), ["root", "child"]);
  await page.getByLabel("Filter traces").fill("no such");
  await page.getByText("No trace matches.").waitFor();
  await page.getByLabel("Filter traces").fill("child 0005");
  await trace.filter({ hasText: "root" }).waitFor();
  assert.equal(await page.locator("#view-traces .foot").innerText(), "1 trace, 2 spans");
});

test("a trace that is its own ancestor is drawn all the same", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await postTrace(6n, [
    { id: 1n, parent: 2n, service: "web", resource: "one", at: 0, ms: 5 },
    { id: 2n, parent: 1n, service: "web", resource: "two", at: 1, ms: 3 },
    { id: 3n, parent: 3n, service: "web", resource: "three", at: 2, ms: 1 },
  ]);
  await page.locator(".span-row").nth(2).waitFor();
  assert.deepEqual((await page.locator(".span-row .span-resource").allInnerTexts()).sort(), ["one", "three", "two"]);
});

test("stats are a table of resources with their latencies", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await page.getByRole("button", { name: "Stats" }).click();
  await page.getByText("No stats yet").waitFor();
  const group = { Service: "web", Name: "web.request", Type: "web" };
  const answer = await postStats([
    { ...group, Resource: "GET /", Hits: 1_500, Errors: 3, Duration: 3_000_000 },
    { ...group, Resource: "POST /", Hits: 2, Errors: 0, Duration: 4_000 },
  ]);
  assert.equal(answer.status, 202);
  const resources = page.locator(".resources tbody tr");
  await resources.nth(1).waitFor();
  await postStats([{ ...group, Resource: "POST /", Hits: 2, Errors: 1, Duration: 0 }]);
  await page.locator('tr[data-resource="POST /"] td:nth-child(3)', { hasText: /^4$/ }).waitFor();
  const cells = await resources.evaluateAll((rows) => rows.map((row) => [...row.children].slice(0, 6).map((cell) => cell.innerText)));
  assert.deepEqual(cells, [
    ["web", "GET /\nweb.request · web · test", "1.5k", "3", "2 µs", "1 µs"],
    ["web", "POST /\nweb.request · web · test", "4", "1", "1 µs", "1 µs"],
  ]);
  await page.getByLabel("Filter traces").fill("post");
  assert.equal(await resources.count(), 1);
  assert.equal(await page.locator("#view-traces .foot").innerText(), "1 of 2 resources");
});

test("traces go with a reset, and come again after it", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await postTrace(1n, [{ id: 1n, service: "web", resource: "before", at: 0, ms: 1 }]);
  await page.locator(".trace-row", { hasText: "before" }).waitFor();
  await resetIntake();
  await page.getByText("No traces yet").waitFor();
  await postTrace(1n, [{ id: 1n, service: "web", resource: "after", at: 0, ms: 1 }]);
  await page.locator(".trace-row", { hasText: "after" }).waitFor();
  assert.equal(await page.locator(".trace-row").count(), 1);
});

test("a security event stands beside its trace, with its rule, its place and what gave it away", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await postTrace(7n, [{ id: 8n, service: "worker", resource: "job", at: 0, ms: 2 }]);
  const attack = event({ rule: "crs-942-160", name: "SQL injection by sleep", type: "sql_injection", action: "block", value: "1; SELECT SLEEP(10)--", highlight: ["sleep(10)"] });
  const words = event({ rule: "crs-942-100", type: "sql_injection", operator: "is_sqli", address: "server.request.body", keys: ["id"], value: "' or 1=1--", highlight: ["s&1c"] });
  const answer = await postAttack(9n, [{ ...attack, security_response_id: "0b1c-9f" }, words], {
    meta: {
      "appsec.blocked": "true",
      "_dd.appsec.fp.http.endpoint": "http-get-13a7bc88-8e35c2cd-",
      "_dd.appsec.s.req.query": packed([{ email: [[[8, { type: "email", category: "pii" }]], { len: 1 }] }]),
      "_dd.appsec.s.req.body": '[{"id":[8],"list":[[[4],[1]],{"len":3}]}]',
    },
  });
  assert.equal(answer.status, 202);
  const trace = page.locator(".trace-row", { hasText: "GET /search" });
  assert.equal(await trace.locator(".security-mark").getAttribute("title"), "2 security events, blocked");
  assert.equal(await page.locator(".trace-row .security-mark:visible").count(), 1);
  await trace.click();
  assert.deepEqual(await page.locator(".span-row:has(.security-mark) .span-resource").allInnerTexts(), ["GET /search"]);
  const details = page.locator(".span-details");
  assert.equal(await details.locator("h3").first().innerText(), "Security");
  const events = details.locator(".security-event");
  assert.deepEqual(await events.locator(".level-word").allInnerTexts(), ["blocked", "monitored"]);
  assert.equal(await events.first().locator(".security-head").innerText(), "blocked\nSQL injection by sleep\ncrs-942-160");
  await events.first().getByText("sql_injection · attack_attempt · on match block").waitFor();
  assert.equal(await events.first().locator(".security-path .mono").innerText(), "server.request.query › q › 0");
  assert.equal(await events.first().locator("pre").innerText(), "1; SELECT SLEEP(10)--");
  assert.deepEqual(await events.first().locator("pre mark").allInnerTexts(), ["SLEEP(10)"]);
  await events.first().getByText("0b1c-9f").waitFor();
  assert.equal(await events.nth(1).locator(".security-path").innerText(), "server.request.body › id is_sqli");
  assert.equal(await events.nth(1).locator("pre mark").count(), 0);
  await events.nth(1).getByText("found as s&1c").waitFor();
  const facts = await details.locator(".part").first().locator(".fields").last().innerText();
  assert.match(facts, /from\s+203\.0\.113\.7\s+library\s+2\.1\.0\s+rules\s+1\.18\.2\s+took\s+52\.1 µs\s+fingerprint http\.endpoint\s+http-get-13a7bc88-8e35c2cd-/);
  assert.match(await details.locator('[data-schema="req.query"] .json').innerText(), /email[\s\S]*array of 1\s*"string, email pii"/);
  assert.match(await details.locator('[data-schema="req.body"] .json').innerText(), /id\s*"string"[\s\S]*array of 3[\s\S]*"integer"[\s\S]*"null"/);
  await details.getByRole("button", { name: "Copy as JSON" }).last().click();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual([copied.service, "security" in copied], ["shop", false]);
});

test("the text of an attack never acts in the page", async () => {
  const odd = `${MARKUP}\u0000\u202e`;
  const shown = `${MARKUP}␀⟨202E⟩`;
  await page.getByRole("tab", { name: /Traces/ }).click();
  const title = await page.title();
  const attack = event({ rule: MARKUP, name: MARKUP, type: MARKUP, action: MARKUP, operator: MARKUP, address: MARKUP, keys: [MARKUP, 0], value: odd, highlight: ["<img src=", "<b>elsewhere</b>"] });
  const schema = [{ [MARKUP]: [8, { type: MARKUP }], __proto__x: [MARKUP] }];
  await postAttack(9n, [{ ...attack, security_response_id: MARKUP, stack_id: MARKUP }], {
    resource: MARKUP,
    meta: { "actor.ip": MARKUP, [`_dd.appsec.fp.${MARKUP}`]: MARKUP, [`_dd.appsec.s.${MARKUP}`]: packed(schema), "_dd.appsec.s.req.body": MARKUP },
  });
  const details = page.locator(".span-details");
  await details.locator(".security-event").waitFor();
  assert.equal(await details.locator(".security-event pre").innerText(), shown);
  assert.deepEqual(await details.locator(".security-event mark").allInnerTexts(), ["<img src=", "<b>elsewhere</b>"]);
  assert.equal(await details.locator(".security-event .security-path .mono").innerText(), `${MARKUP} › ${MARKUP} › 0`);
  await details.locator(".problem-box", { hasText: "a schema cannot be read: _dd.appsec.s.req.body: not base64" }).waitFor();
  await page.getByRole("button", { name: "Security", exact: true }).click();
  await page.locator(".security-row").waitFor();
  assert.equal(await page.locator(".security-rule b").innerText(), MARKUP);
  assert.equal(await page.locator("main :is(script, img)").count(), 0);
  assert.equal(await page.title(), title);
});

test("security events are a list, the newest first, and each leads to its trace", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await page.getByRole("button", { name: "Security", exact: true }).click();
  await page.getByText("No security events yet").waitFor();
  const scan = event({ rule: "ua0-600-12x", name: "Arachni", type: "attack_tool", address: "server.request.headers.no_cookies", keys: ["user-agent", 0], value: "Arachni/v1", highlight: ["Arachni/v"] });
  const exploit = {
    rule: { id: "rasp-930-100", name: "Local file inclusion", on_match: ["stack_trace"], tags: { type: "lfi", category: "vulnerability_trigger" } },
    rule_matches: [{ operator: "lfi_detector", operator_value: "", parameters: [{ resource: { address: "server.io.fs.file", value: "/a/../etc/passwd" }, params: { address: "server.request.query", key_path: ["f", "0"], value: "../etc/passwd" }, highlight: ["../etc/passwd"] }] }],
    stack_id: "stack-7",
  };
  await postAttack(3n, [scan], { resource: "GET /scanned" });
  await postAttack(4n, [exploit], { resource: "GET /file", asStruct: true });
  await postTrace(5n, [{ id: 51n, service: "worker", resource: "job", at: 0, ms: 2 }]);
  const listed = page.locator(".security-row");
  await listed.nth(1).waitFor();
  assert.deepEqual(await listed.locator("b").allInnerTexts(), ["Local file inclusion", "Arachni"]);
  assert.match(await listed.nth(1).innerText(), /monitored\s+Arachni\s+ua0-600-12x · attack_tool · attack_attempt\s+Arachni\/v1\s+server\.request\.headers\.no_cookies › user-agent › 0\s+GET \/scanned\s+shop · 203\.0\.113\.7/);
  assert.equal(await page.locator("#view-traces .foot").innerText(), "2 security events");
  await page.getByLabel("Filter traces").fill("lfi monitored");
  await page.locator("#view-traces .foot", { hasText: "1 of 2 security events" }).waitFor();
  await listed.first().click();
  assert.equal(await page.locator('.trace-row[aria-pressed="true"] .metric-name').innerText(), "GET /file");
  assert.equal(await page.locator('.span-row[aria-selected="true"] .span-resource').innerText(), "GET /file");
  const paths = page.locator(".security-event .security-path");
  assert.deepEqual(await paths.allInnerTexts(), ["resource server.io.fs.file lfi_detector", "params server.request.query › f › 0 lfi_detector"]);
  assert.deepEqual(await page.locator(".security-event mark").allInnerTexts(), ["../etc/passwd", "../etc/passwd"]);
  await page.locator(".security-event").getByText("stack-7").waitFor();
  await resetIntake();
  await page.getByText("No traces yet").waitFor();
  await page.getByRole("button", { name: "Security", exact: true }).click();
  await page.getByText("No security events yet").waitFor();
});

test("a span that a firewall found nothing on says so", async () => {
  await page.getByRole("tab", { name: /Traces/ }).click();
  await postTrace(9n, [{ id: 1n, service: "shop", resource: "GET /", at: 0, ms: 2, metrics: { "_dd.appsec.enabled": 1 } }]);
  await page.getByText("A firewall looked at this request and found no attack.").waitFor();
  assert.equal(await page.locator(".security-mark:visible").count(), 0);
});

test("a request that an agent passes on shows for whom it is and of which parts", async () => {
  const form = new FormData();
  form.append("event", new Blob(["{}"], { type: "application/json" }), "event.json");
  form.append("cpu", "samples");
  const answer = await fetch(new URL("/api/v2/profile", INTAKE_URL), { method: "POST", headers: { "dd-api-key": "0" }, body: form });
  assert.equal(answer.status, 202);
  await page.getByRole("tab", { name: /Requests/ }).click();
  await rows("requests").first().click();
  const details = page.locator("#view-requests .drawer");
  await details.getByText("profiling").waitFor();
  await details.getByText("event (event.json, 2 B), cpu (7 B)").waitFor();
});

test("a sampling rate is pushed, answered to by a tracer, and withdrawn", async () => {
  await page.getByRole("tab", { name: /Remote config/ }).click();
  const view = page.getByRole("tabpanel", { name: /Remote config/ });
  await view.getByText("Nothing is pushed").waitFor();
  await view.getByText("No agent has polled yet").waitFor();
  await view.getByLabel("Service").fill("web");
  await view.getByLabel("Environment").fill("prod");
  await view.getByLabel("Rate, 0 to 1").fill("0.25");
  await page.keyboard.press("Enter");
  const pushed = view.locator("[data-path]");
  await pushed.getByText("sampling rate 0.25 for web, prod").waitFor();
  await pushed.getByText("only for service web, environment prod").waitFor();
  await pushed.getByText("No client has answered to it yet").waitFor();
  await page.getByRole("tab", { name: "Remote config 1" }).waitFor();

  const id = "sampling rate of web prod";
  const { version } = await pushedConfig();
  const answer = await textOf(await pollConfigs([{ id, version, product: "APM_TRACING", state: 1 }]));
  assert.match(answer, /"tracing_sampling_rate":0\.25/);
  assert.match(answer, /"service_target":\{"service":"web","env":"prod"\}/);
  await pushed.getByText("unacknowledged").waitFor();
  await pollConfigs([{ id, version, product: "APM_TRACING", state: 3, error: "no <such> rate" }]);
  await pushed.getByText("no <such> rate").waitFor();
  await pollConfigs([{ id, version, product: "APM_TRACING", state: 2 }]);
  await pushed.getByText("acknowledged", { exact: true }).waitFor();
  const cells = await pushed.locator("tbody td").allInnerTexts();
  assert.deepEqual(cells, ["acknowledged", "tracer web", "python", "run-1", ""]);
  await view.locator(".config-agent", { hasText: "box-1 · 7.70.0" }).getByText("tracer web prod").waitFor();

  await view.getByLabel("Rate, 0 to 1").fill("0.5");
  await view.getByRole("button", { name: "Push" }).click();
  await pushed.getByText("sampling rate 0.5 for web, prod").waitFor();
  await pushed.getByText("No client has answered to it yet").waitFor();
  assert.equal(await pushed.count(), 1);
  await view.getByRole("button", { name: "Withdraw datadog/2/APM_TRACING/" }).click();
  await view.getByText("Nothing is pushed").waitFor();
  assert.doesNotMatch(await textOf(await pollConfigs([])), /tracing_sampling_rate/);
});

test("a log level is pushed with its order, and everything withdrawn at once", async () => {
  await page.getByRole("tab", { name: /Remote config/ }).click();
  const view = page.getByRole("tabpanel", { name: /Remote config/ });
  await view.getByRole("button", { name: "Log level" }).click();
  await view.getByLabel("Level", { exact: true }).selectOption("error");
  await view.getByRole("button", { name: "Push" }).click();
  await view.getByText("log level error").waitFor();
  const answer = await textOf(await pollConfigs([]));
  assert.match(answer, /\{"name":"log-level","config":\{"log_level":"error"\}\}/);
  assert.match(answer, /\{"order":\["log-level"\],"internal_order":\[\]\}/);
  await view.getByText("2 files pushed").waitFor();
  await view.getByRole("button", { name: "Withdraw all" }).click();
  await view.getByText("Nothing is pushed").waitFor();
});

test("a file of any product goes as it was written, or is refused with the reason", async () => {
  await page.getByRole("tab", { name: /Remote config/ }).click();
  const view = page.getByRole("tabpanel", { name: /Remote config/ });
  await view.getByRole("button", { name: "Any file" }).click();
  await view.getByLabel("Product").fill("APM_TRACING");
  await view.getByLabel("Id").fill("<b>odd");
  await view.getByLabel("Content, as JSON").fill('{ "é": 1.50 }');
  await view.getByRole("button", { name: "Push" }).click();
  const pushed = view.locator("[data-path]");
  await pushed.getByText("<b>odd", { exact: true }).waitFor();
  await pushed.getByText("Content").click();
  assert.equal(await pushed.locator("pre").innerText(), '{ "é": 1.50 }');
  assert.match(await textOf(await pollConfigs([])), /\{ "Ã©": 1\.50 \}/);
  await view.getByLabel("Content, as JSON").fill("{");
  await view.getByRole("button", { name: "Push" }).click();
  await page.locator(".notice", { hasText: "Nothing was pushed" }).waitFor();
  assert.equal(await pushed.count(), 1);
});

test("a poll shows what an agent asks and what is wrong with it", async () => {
  await pollConfigs([], { version: "" });
  await page.getByRole("tab", { name: /Requests/ }).click();
  await rows("requests").first().click();
  const details = page.locator("#view-requests .drawer");
  await details.locator(".problem-box").getByText("no agent_version").waitFor();
  await details.getByText("remote_config", { exact: true }).waitFor();
  await details.getByText("APM_TRACING, AGENT_CONFIG").waitFor();
  await details.getByText("web python client-1").waitFor();
});

test("the view of remote configuration holds still on request", async () => {
  await page.getByRole("tab", { name: /Remote config/ }).click();
  const view = page.getByRole("tabpanel", { name: /Remote config/ });
  await view.getByText("No agent has polled yet").waitFor();
  await page.keyboard.press("p");
  await page.locator(".health", { hasText: "Paused" }).waitFor();
  await pollConfigs([]);
  await page.locator(".stat", { hasText: "Requests" }).getByText("1", { exact: true }).waitFor();
  assert.equal(await view.getByText("No agent has polled yet").isVisible(), true);
  await page.keyboard.press("p");
  await view.getByText("box-1").waitFor();
});

test("the faults of remote configuration are one click away", async () => {
  await page.getByRole("button", { name: "Faults", exact: true }).click();
  const panel = page.getByRole("dialog", { name: "Faults" });
  await panel.getByRole("button", { name: "Forge", exact: true }).click();
  await panel.getByText("tamper bad_signature").waitFor();
  await pollConfigs([]);
  await panel.getByText("1 hit of 1").waitFor();
});

test("the faults of streams are one click away", async () => {
  await page.getByRole("button", { name: "Faults", exact: true }).click();
  const panel = page.getByRole("dialog", { name: "Faults" });
  await panel.getByRole("button", { name: "End stream" }).click();
  await panel.getByText("grpc_status UNAVAILABLE").waitFor();
  const stream = new Stream();
  await panel.getByText("1 hit of 1").waitFor();
  await stream.end();
  await page.keyboard.press("Escape");
  await page.getByRole("tab", { name: /Requests/ }).click();
  await rows("requests").locator(".cell-status[title=UNAVAILABLE]").waitFor();
});

test("a script of one's own is taken, or refused with the reason", async () => {
  await page.getByRole("button", { name: "Faults", exact: true }).click();
  await page.getByText("Write a script").click();
  const script = page.getByLabel("Script of rules, as JSON");
  await script.fill('{"rules": [{"path": "/api/v2/logs", "status": 503}]}');
  await page.getByRole("button", { name: "Replace the script" }).click();
  await page.getByText("answer 503").waitFor();
  assert.equal((await postLogs([log("a")])).status, 503);
  await script.fill("not JSON");
  await page.getByRole("button", { name: "Replace the script" }).click();
  await page.locator(".notice", { hasText: "The script is not JSON" }).waitFor();
});

test("reset asks first, and empties", async () => {
  await show([log("soon forgotten")]);
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  const question = page.getByRole("dialog", { name: "Reset" });
  await question.getByText("Forget 1 log and 1 request?").waitFor();
  await question.getByRole("button", { name: "Keep" }).click();
  await question.waitFor({ state: "hidden" });
  await row("soon forgotten").waitFor();
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await question.getByRole("button", { name: "Forget everything" }).click();
  await page.locator("#view-logs .welcome").waitFor();
  await show([log("after the reset")]);
  await expectMessages(["after the reset"]);
});

test("a reset by somebody else empties the page too", async () => {
  await show([log("soon forgotten")]);
  await resetIntake();
  await page.locator("#view-logs .welcome").waitFor();
  await show([log("after the reset")]);
  await expectMessages(["after the reset"]);
});

test("an intake that goes away is said to be gone, and followed again when it is back", async () => {
  const entrance = await door(INTAKE_URL);
  const visit = await openPage(browser.context, entrance.address);
  const health = visit.page.locator(".health");
  try {
    await entrance.shut();
    await health.filter({ hasText: "Gone, retrying in" }).waitFor();
    await postLogs([log("while nobody looked")]);
    await entrance.reopen();
    await visit.page.locator(".row", { hasText: "while nobody looked" }).waitFor();
    await health.filter({ hasText: "Live" }).waitFor();
    assert.deepEqual(visit.complaints.filter((text) => !text.startsWith("Failed to load resource")), []);
  } finally {
    await visit.page.close();
    await entrance.shut();
  }
});

test("20,000 logs keep the page small", async () => {
  for (let batch = 0; batch < 20; batch += 1) {
    await postLogs(Array.from({ length: 1_000 }, (_, n) => log(`entry ${batch * 1_000 + n}`)));
  }
  await foot("20,000 logs ·");
  await row("entry 19999").waitFor();
  const elements = () => page.locator(".table-body .row").count();
  assert.ok((await elements()) < 150, `${await elements()} rows`);
  await page.locator("#logs-grid").focus();
  await page.keyboard.press("End");
  await row(/entry 0$/).waitFor();
  assert.ok((await elements()) < 150, `${await elements()} rows`);
});

test("a narrow window keeps every control within reach", async () => {
  await page.setViewportSize({ width: 380, height: 700 });
  await show([log("on a small screen", { status: "error" })]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.equal(overflow, 0);
  await page.getByRole("button", { name: "Filters", exact: true }).click();
  await page.locator("#view-logs [data-value=error] label").click();
  await page.getByRole("button", { name: "Filters", exact: true }).click();
  await row("on a small screen").click();
  await drawer().locator("pre", { hasText: "on a small screen" }).waitFor();
  await drawer().getByRole("button", { name: /^Close/ }).click();
  await drawer().waitFor({ state: "hidden" });
  await page.getByRole("tab", { name: /Remote config/ }).click();
  await page.getByLabel("Rate, 0 to 1").fill("0.1");
  await page.getByRole("button", { name: "Push" }).click();
  await page.getByText("sampling rate 0.1 for every service").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
});

test("a screenshot is taken", { skip: process.env.SCREENSHOT ? false : "SCREENSHOT is not set" }, async () => {
  await takeScreenshot(/** @type {string} */ (process.env.SCREENSHOT));
});
