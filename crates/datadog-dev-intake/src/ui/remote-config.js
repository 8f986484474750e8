// The view of remote configuration: a form that pushes, what is pushed with what clients say of it, and the agents that
// poll.

import { getRemoteConfig, withdrawConfig } from "./api.js";
import { textBlock } from "./details.js";
import { arrange, fill, h, setText } from "./dom.js";
import { clockSeconds, count, counted, oneLine } from "./format.js";
import { LiveView } from "./live-view.js";
import { announce, failure } from "./notice.js";
import { RemoteConfigForm } from "./remote-config-form.js";

/** @typedef {import("./api.js").RemoteConfig} RemoteConfig */
/** @typedef {import("./api.js").PushedConfig} PushedConfig */
/** @typedef {import("./api.js").ConfigAgent} ConfigAgent */

/** Rows shown of clients, of one file or of one agent. */
const MAX_SHOWN = 50;

/** How each state looks. */
const STATES = { acknowledged: "ok", error: "error", unacknowledged: "warn", unknown: "none" };

/** @typedef {{ element: HTMLElement, show: (pushed: PushedConfig) => void }} Row */

export class RemoteConfigView extends LiveView {
  /** @param {() => void} onMode called when it starts or stops holding still */
  constructor(onMode) {
    super(onMode);
    this.definition = {
      id: "config",
      title: "Remote config",
      total: (/** @type {import("./api.js").Summary} */ summary) => summary.remote_config?.pushed ?? 0,
    };
    this.isAsking = false;
    /** @type {RemoteConfig | null} */
    this.now = null;
    /** @type {Map<string, Row>} by path */
    this.rows = new Map();
    /** What the agents said when they were shown last. */
    this.shownAgents = "";
    this.form = new RemoteConfigForm((now) => this.#take(now));
    this.withdrawAll = h("button", { class: "button small", type: "button" }, "Withdraw all");
    this.withdrawAll.addEventListener("click", () => this.#withdraw(undefined));
    this.list = h("ul", { class: "config-list", "aria-label": "What is pushed" });
    this.blank = h("p", { class: "note" }, "Nothing is pushed. What you push goes to every agent that polls this address and trusts ", h("a", { href: "/inspect/remote_config/roots" }, "its roots"), ".");
    this.agents = h("div", { class: "config-agents" });
    this.foot = h("p", { class: "foot" });
    this.element = this.#assemble();
  }

  #assemble() {
    return h(
      "section",
      { class: "remote-config", id: "view-config", role: "tabpanel", "aria-labelledby": "tab-config", hidden: true },
      h(
        "div",
        { class: "config-stage" },
        this.form.element,
        h(
          "div",
          { class: "config-state" },
          h("div", { class: "config-head" }, h("h2", {}, "Pushed"), this.withdrawAll),
          this.list,
          this.blank,
          h("div", { class: "config-head" }, h("h2", {}, "Agents")),
          this.agents,
        ),
      ),
      h("div", { class: "status-line" }, this.foot),
    );
  }

  async read() {
    if (this.isAsking) return false;
    this.isAsking = true;
    try {
      this.now = await getRemoteConfig();
      return true;
    } catch {
      // The connection says so itself, and the next summary asks again.
      return false;
    } finally {
      this.isAsking = false;
    }
  }

  show() {
    if (!this.now) return;
    const { pushed, agents } = this.now;
    this.rows = new Map(pushed.map((one) => [one.path, this.rows.get(one.path) ?? this.#row(one.path)]));
    for (const one of pushed) this.rows.get(one.path)?.show(one);
    arrange(this.list, [...this.rows.values()].map((row) => row.element));
    this.blank.hidden = pushed.length > 0;
    this.withdrawAll.hidden = pushed.length === 0;
    this.#showAgents([...agents].reverse());
    const roots = `config root ${count(this.now.config_root_version)}, director root ${count(this.now.director_root_version)}`;
    setText(this.foot, `${counted(pushed.length, "file")} pushed, config snapshot ${this.now.config_snapshot_version}, ${roots}`);
  }

  /** @param {ConfigAgent[]} agents the one that polled last first */
  #showAgents(agents) {
    const said = JSON.stringify(agents);
    if (said === this.shownAgents && this.agents.hasChildNodes()) return;
    this.shownAgents = said;
    const blank = h("p", { class: "note" }, "No agent has polled yet.");
    fill(this.agents, ...(agents.length === 0 ? [blank] : agents.map(agentBlock)));
  }

  /** @param {string} path @returns {Row} */
  #row(path) {
    const title = h("b", { class: "config-title" });
    const facts = h("span", { class: "config-facts" });
    const clients = h("div", { class: "config-clients" });
    const content = h("div");
    const withdraw = h("button", { class: "button small", type: "button", "aria-label": `Withdraw ${path}` }, "Withdraw");
    withdraw.addEventListener("click", () => this.#withdraw(path));
    const element = h(
      "li",
      { class: "config-row", "data-path": path },
      h("div", { class: "config-row-head" }, title, facts, withdraw),
      h("p", { class: "config-path" }, oneLine(path, 500)),
      clients,
      h("details", {}, h("summary", {}, "Content"), content),
    );
    let shown = "";
    let shownVersion = 0;
    /** @param {PushedConfig} now */
    const show = (now) => {
      const said = JSON.stringify(now.clients);
      if (said !== shown) fill(clients, clientTable(now));
      shown = said;
      if (now.version === shownVersion) return;
      shownVersion = now.version;
      setText(title, titleOf(now));
      setText(facts, `${oneLine(now.product, 60)} · version ${now.version} · ${clockSeconds(now.pushed_at)}${predicateWords(now)}`);
      fill(content, now.text === null ? h("p", { class: "note" }, `${counted(now.bytes, "byte")} that are not shown.`) : textBlock(now.text));
      if (now.clients.length === 0) fill(clients, clientTable(now));
    };
    return { element, show };
  }

  /** @param {string | undefined} path */
  async #withdraw(path) {
    try {
      this.#take(await withdrawConfig(path));
      announce(path === undefined ? "Everything was withdrawn" : "Withdrawn");
    } catch (error) {
      failure("Nothing was withdrawn", error);
    }
  }

  /** @param {RemoteConfig} now */
  #take(now) {
    this.now = now;
    this.show();
  }
}

/** What a file does, in words, where that can be seen. @param {PushedConfig} pushed */
function titleOf({ text, id, product }) {
  const content = parsed(text);
  const rate = content?.lib_config?.tracing_sampling_rate;
  const level = content?.config?.log_level;
  if (product === "APM_TRACING" && typeof rate === "number") {
    const { service = "*", env = "*" } = content.service_target ?? {};
    return oneLine(`sampling rate ${rate} for ${service === "*" ? "every service" : service}, ${env === "*" ? "every environment" : env}`, 200);
  }
  if (product === "AGENT_CONFIG" && typeof level === "string") return oneLine(`log level ${level}`, 200);
  return oneLine(id, 200);
}

/** @param {string | null} text @returns {any} `undefined` when it is not JSON */
function parsed(text) {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {PushedConfig} pushed */
function predicateWords({ predicates }) {
  if (predicates.length === 0) return "";
  const words = predicates.map((predicate) => Object.entries(predicate).map(([name, value]) => `${name} ${value}`).join(", "));
  return ` · only for ${oneLine(words.join("; "), 300)}`;
}

/** @param {PushedConfig} pushed */
function clientTable({ path, clients }) {
  if (clients.length === 0) return h("p", { class: "note" }, "No client has answered to it yet.");
  const rows = clients.slice(0, MAX_SHOWN).map((client) =>
    h(
      "tr",
      { "data-level": STATES[client.apply_state] },
      h("td", {}, h("span", { class: "level-word" }, client.apply_state)),
      h("td", {}, oneLine([client.kind, client.name].filter(Boolean).join(" "), 100)),
      h("td", {}, oneLine(client.language, 40)),
      h("td", { class: "mono", title: `client ${client.client}` }, oneLine(client.runtime_id || client.client, 60)),
      h("td", {}, oneLine(client.apply_error, 300)),
    ),
  );
  const head = ["State", "Client", "Language", "Runtime", "Error"].map((title) => h("th", { scope: "col" }, title));
  const cut = clients.length - rows.length;
  return h(
    "div",
    {},
    h("table", { class: "resources config-table", "aria-label": `Clients of ${path}` }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
    cut > 0 && h("p", { class: "note" }, `${counted(cut, "further client")} not shown.`),
  );
}

/** @param {ConfigAgent} agent */
function agentBlock(agent) {
  const name = [agent.hostname || "no host", agent.agent_version || "no version"].join(" · ");
  const rows = agent.clients.slice(0, MAX_SHOWN).map((client) =>
    h(
      "li",
      {},
      h("span", {}, oneLine([client.kind || "client", client.name, client.env].filter(Boolean).join(" "), 120)),
      h("span", { class: "aside" }, oneLine([[client.language, client.version].filter(Boolean).join(" "), client.runtime_id || client.id, client.products.join(", ")].filter(Boolean).join(" · "), 300)),
      client.error !== "" && h("span", { class: "config-error" }, oneLine(client.error, 300)),
    ),
  );
  const cut = agent.clients.length - rows.length + agent.clients_cut;
  return h(
    "section",
    { class: "config-agent" },
    h("p", {}, h("b", {}, oneLine(name, 200)), h("span", { class: "aside" }, ` · polled ${clockSeconds(agent.polled_at)} · ${counted(agent.clients.length + agent.clients_cut, "client")}`)),
    agent.error !== "" && h("p", { class: "config-error" }, oneLine(agent.error, 500)),
    h("ul", { class: "config-agent-clients" }, ...rows),
    cut > 0 && h("p", { class: "note" }, `${counted(cut, "further client")} not shown.`),
  );
}
