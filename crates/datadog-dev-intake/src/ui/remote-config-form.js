// The form that pushes remote configuration: a sampling rate, a log level, or a file of any product.

import { pushConfigs } from "./api.js";
import { h } from "./dom.js";
import { counted } from "./format.js";
import { press, segments } from "./live-view.js";
import { announce, failure } from "./notice.js";

/** @typedef {import("./api.js").ConfigToPush} ConfigToPush */
/** @typedef {import("./api.js").RemoteConfig} RemoteConfig */

const LEVELS = ["trace", "debug", "info", "warn", "error", "critical", "off"];

const PRODUCTS = ["APM_TRACING", "APM_SAMPLING", "AGENT_CONFIG", "AGENT_TASK", "ASM_FEATURES", "ASM_DD", "ASM", "ASM_DATA", "LIVE_DEBUGGING", "FFE_FLAGS"];

/** The id of the layer that carries a log level. */
const LAYER = "log-level";

/** What each part of the form is called, and the files that it makes. */
const PARTS = { rate: "Sampling rate", level: "Log level", raw: "Any file" };

export class RemoteConfigForm {
  /** @param {(now: RemoteConfig) => void} onPushed */
  constructor(onPushed) {
    this.onPushed = onPushed;
    this.part = "rate";
    this.service = text("config-service", "every service");
    this.env = text("config-env", "every environment");
    this.rate = h("input", { id: "config-rate", type: "number", min: 0, max: 1, step: "any", value: 0.5, required: true });
    this.level = h("select", { id: "config-level" }, ...LEVELS.map((level) => h("option", { value: level, selected: level === "debug" }, level)));
    this.product = text("config-product", "", "ASM_FEATURES");
    this.product.setAttribute("list", "config-products");
    this.id = text("config-id", "", "by-hand");
    this.content = h("textarea", { id: "config-content", rows: 7, spellcheck: "false" });
    this.content.value = '{"asm": {"enabled": true}}';
    this.buttons = segments(PARTS, (name) => this.#choose(name));
    this.fieldsets = this.#fieldsets();
    this.element = this.#build();
    this.#choose(this.part);
  }

  #fieldsets() {
    const products = h("datalist", { id: "config-products" }, ...PRODUCTS.map((product) => h("option", { value: product })));
    return new Map([
      ["rate", fieldset(
        PARTS.rate,
        "Tracers of the service take it as their sampling rate (APM_TRACING).",
        [["Service", this.service], ["Environment", this.env], ["Rate, 0 to 1", this.rate]],
      )],
      ["level", fieldset(PARTS.level, "Agents take it as theirs (AGENT_CONFIG, with its order).", [["Level", this.level]])],
      ["raw", fieldset(
        PARTS.raw,
        "Goes as it stands to every client that asks for the product.",
        [["Product", this.product], ["Id", this.id], ["Content, as JSON", this.content]],
        products,
      )],
    ]);
  }

  #build() {
    this.submit = h("button", { class: "button active", type: "submit" }, "Push");
    const form = h(
      "form",
      { class: "config-form", "aria-label": "Push remote configuration" },
      h("h2", {}, "Push"),
      h("div", { class: "segments" }, ...this.buttons.values()),
      ...this.fieldsets.values(),
      this.submit,
    );
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#push();
    });
    return form;
  }

  /** @param {string} name */
  #choose(name) {
    this.part = name;
    press(this.buttons, name);
    for (const [part, element] of this.fieldsets) {
      element.hidden = part !== name;
      // What is not in sight must not keep the form from being sent.
      element.disabled = part !== name;
    }
  }

  async #push() {
    try {
      const files = this.#files();
      this.onPushed(await pushConfigs(files));
      announce(`Pushed ${counted(files.length, "file")}`);
    } catch (error) {
      failure("Nothing was pushed", error);
    }
  }

  /** @returns {ConfigToPush[]} */
  #files() {
    if (this.part === "rate") return [rateFile(this.service.value.trim(), this.env.value.trim(), Number(this.rate.value))];
    if (this.part === "level") return levelFiles(this.level.value);
    // Parsed to be refused here, then sent as it was written.
    JSON.parse(this.content.value);
    const bytes = new TextEncoder().encode(this.content.value);
    const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    return [{ product: this.product.value.trim(), id: this.id.value.trim(), config_base64: base64 }];
  }
}

/** @param {string} service @param {string} env @param {number} rate @returns {ConfigToPush} */
function rateFile(service, env, rate) {
  const predicate = { ...(service && { service }), ...(env && { environment: env }) };
  const named = [service || "every service", env || "every env"].join(" ").replace(/[/\p{Cc}]/gu, "-");
  return {
    product: "APM_TRACING",
    id: `sampling rate of ${named}`.slice(0, 60),
    config: {
      schema_version: "v1.0.0",
      action: "enable",
      lib_config: { library_language: "all", library_version: "latest", tracing_sampling_rate: rate },
      service_target: { service: service || "*", env: env || "*" },
    },
    predicates: Object.keys(predicate).length > 0 ? [predicate] : [],
  };
}

/** A layer, and the order of layers without which an agent applies none. @param {string} level @returns {ConfigToPush[]} */
function levelFiles(level) {
  return [
    { product: "AGENT_CONFIG", id: LAYER, config: { name: LAYER, config: { log_level: level } } },
    { product: "AGENT_CONFIG", id: "configuration_order", config: { order: [LAYER], internal_order: [] } },
  ];
}

/** @param {string} id @param {string} placeholder @param {string} [value] */
function text(id, placeholder, value = "") {
  return h("input", { id, type: "text", placeholder, value, maxlength: 200, autocomplete: "off", spellcheck: "false" });
}

/** @param {string} title @param {string} means @param {[string, HTMLElement][]} fields @param {...HTMLElement} more */
function fieldset(title, means, fields, ...more) {
  return h(
    "fieldset",
    {},
    h("legend", { class: "sr-only" }, title),
    h("p", { class: "note" }, means),
    ...fields.map(([label, field]) => h("div", { class: "config-field" }, h("label", { for: field.id }, label), field)),
    ...more,
  );
}
