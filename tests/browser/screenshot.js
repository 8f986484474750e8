// Fills the page with the logs and traces of a small shop during a small incident, and takes its picture.

import { setInterval } from "node:timers/promises";

import { postTrace } from "./apm.js";
import { openBrowser, openPage } from "./browser.js";
import { INTAKE_URL, postLogs } from "./intake.js";
import { event, postAttack } from "./security.js";

/** How long logs arrive live before the picture: until the minute of the rate shows nothing else, in seconds. */
const LIVE_SECONDS = 62;

/** How far back the logs reach. */
const PAST_MS = 15 * 60_000;

/** @param {string} path */
export async function takeScreenshot(path) {
  const browser = await openBrowser({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  try {
    const { page } = await openPage(browser.context, INTAKE_URL);
    const now = Date.now();
    const shop = new Shop(7, now);
    await postInBatches(shop.logs(now - PAST_MS, now - 1_000));
    await postAttack(1n, [event({ rule: "ua0-600-12x", type: "attack_tool", value: "Arachni/v1", highlight: ["Arachni/v"] })]);
    let seconds = 0;
    for await (const _ of setInterval(1_000)) {
      seconds += 1;
      if (seconds === LIVE_SECONDS) await postInBatches([shop.failure(Date.now() - 1_000)]);
      await postInBatches(shop.logs(Date.now() - 1_000, Date.now()));
      await postOrder(BigInt(seconds + 1));
      if (seconds === LIVE_SECONDS) break;
    }
    const row = page.locator(".row:visible", { hasText: "gateway answered 504" }).first();
    await row.click();
    await page.locator("#view-logs .drawer").waitFor();
    await page.mouse.move(0, 0);
    await page.screenshot({ path });
  } finally {
    await browser.close();
  }
}

/** Posts the trace of an order. @param {bigint} trace */
function postOrder(trace) {
  const root = trace * 10n;
  return postTrace(trace, [
    { id: root + 1n, service: "web", resource: "POST /orders", at: 0, ms: 84 },
    { id: root + 2n, parent: root + 1n, service: "checkout", resource: "place order", at: 6, ms: 71 },
    { id: root + 3n, parent: root + 2n, service: "postgres", name: "sql.query", resource: "INSERT INTO orders", at: 20, ms: 12 },
  ]);
}

/** @param {object[]} logs */
async function postInBatches(logs) {
  for (let start = 0; start < logs.length; start += 250) await postLogs(logs.slice(start, start + 250));
}

/** Services that talk too much, with reproducible chance. */
class Shop {
  /** @param {number} seed @param {number} end about when the picture is taken; the trouble is five minutes before */
  constructor(seed, end) {
    this.state = seed;
    this.end = end;
    this.order = 48_210;
  }

  /** @param {number} from @param {number} to @returns {object[]} in order of time */
  logs(from, to) {
    const logs = [];
    for (let at = from; at < to; at += 10 + this.#below(260)) logs.push(this.#log(Math.floor(at)));
    return logs;
  }

  /** @param {number} at */
  #log(at) {
    const minutesAgo = (this.end - at) / 60_000;
    const trouble = Math.exp(-1.5 * (minutesAgo - 5) ** 2);
    const chance = this.#below(1_000);
    if (chance < 15 + 230 * trouble) return this.failure(at);
    if (chance < 60 + 420 * trouble) return this.#warning(at);
    if (chance < 160 + 420 * trouble) return this.#debug(at);
    return this.#info(at);
  }

  /** @param {number} at an order whose payment fails */
  failure(at) {
    this.order += 1;
    const upstream = this.#pick(["payments-eu-1", "payments-eu-2"]);
    return this.#entry(at, "error", "checkout", "java", `order ${this.order}: payment gateway answered 504 after 3 attempts, giving up`, {
      http: { method: "POST", url_details: { path: "/v1/payments", host: upstream }, status_code: 504 },
      error: { kind: "GatewayTimeout", message: `no answer from ${upstream} within 2000 ms` },
      order: { id: this.order, total: 20 + this.#below(18_000) / 100, currency: "EUR" },
      duration: 6_012_000_000 + this.#below(90_000_000),
    });
  }

  /** @param {number} at */
  #warning(at) {
    const wait = 800 + this.#below(1_200);
    return this.#pick([
      () => this.#entry(at, "warn", "checkout", "java", `payment attempt 2 of 3 for order ${this.order}, gateway is slow (${wait} ms)`),
      () => this.#entry(at, "warn", "postgres", "postgresql", `duration: ${wait}.412 ms  statement: SELECT * FROM orders WHERE customer_id = $1 ORDER BY created_at DESC`),
      () => this.#entry(at, "warn", "inventory", "go", `stock of sku ${10_000 + this.#below(900)} below threshold: ${this.#below(5)} left`),
    ])();
  }

  /** @param {number} at */
  #debug(at) {
    return this.#pick([
      () => this.#entry(at, "debug", "inventory", "go", `cache hit for sku ${10_000 + this.#below(900)}, age ${this.#below(60)} s`),
      () => this.#entry(at, "debug", "mailer", "python", `template order-confirmed rendered in ${3 + this.#below(20)} ms`),
    ])();
  }

  /** @param {number} at */
  #info(at) {
    const address = `10.0.${this.#below(4)}.${10 + this.#below(200)}`;
    return this.#pick([
      () => this.#entry(at, "info", "web", "nginx", `${address} "GET /products/${1_000 + this.#below(900)} HTTP/2.0" 200 ${4_000 + this.#below(9_000)} ${this.#below(90)}ms`, {
        network: { client: { ip: address } },
      }),
      () => this.#entry(at, "info", "web", "nginx", `${address} "POST /cart/items HTTP/2.0" 201 ${200 + this.#below(300)} ${this.#below(60)}ms`),
      () => this.#entry(at, "info", "checkout", "java", `order ${(this.order += 1)} placed by customer ${70_000 + this.#below(9_000)}, ${1 + this.#below(6)} items`),
      () => this.#entry(at, "info", "inventory", "go", `reserved ${1 + this.#below(4)} of sku ${10_000 + this.#below(900)} for order ${this.order}`),
      () => this.#entry(at, "notice", "postgres", "postgresql", `checkpoint complete: wrote ${100 + this.#below(900)} buffers (${this.#below(9)}.${this.#below(9)}%)`),
      () => this.#entry(at, "info", "mailer", "python", `order-confirmed sent to customer ${70_000 + this.#below(9_000)} via smtp in ${80 + this.#below(200)} ms`),
    ])();
  }

  /**
   * @param {number} at @param {string} status @param {string} service @param {string} source @param {string} message
   * @param {object} [attributes]
   */
  #entry(at, status, service, source, message, attributes = {}) {
    const hostname = `node-${1 + this.#below(3)}.eu-west`;
    const ddtags = `env:staging,region:eu-west-1,team:${service === "web" ? "storefront" : "orders"},version:2.14.${this.#below(3)}`;
    return { message, timestamp: at, hostname, service, ddsource: source, ddtags, status, ...attributes };
  }

  /** @template T @param {T[]} choices @returns {T} */
  #pick(choices) {
    return choices[this.#below(choices.length)];
  }

  /** A linear congruential generator: a picture needs no better chance. @param {number} limit */
  #below(limit) {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }
}
