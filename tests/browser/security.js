// Traces whose spans carry what a firewall found, as tracers write it.

import { gzipSync } from "node:zlib";

import { postTrace } from "./apm.js";

/** Text that would act if it ever became markup. */
export const MARKUP = '<script>document.title="owned"</script><img src="/x" onerror="document.title=1">';

/**
 * An event of a rule.
 * @param {{ rule: string, name?: string, type: string, action?: string, operator?: string, address?: string, keys?: (string | number)[], value: string, highlight: string[] }} found
 */
export function event({ rule, name, type, action, operator, address, keys, value, highlight }) {
  return {
    rule: { id: rule, name: name ?? rule, on_match: action ? [action] : [], tags: { type, category: "attack_attempt" } },
    rule_matches: [
      {
        operator: operator ?? "match_regex",
        operator_value: "",
        parameters: [{ address: address ?? "server.request.query", key_path: keys ?? ["q", 0], value, highlight }],
      },
    ],
  };
}

/**
 * Posts a trace of one request that a firewall looked at, with a query below it.
 * @param {bigint} trace
 * @param {object[]} events
 * @param {{ resource?: string, meta?: Record<string, string>, asStruct?: boolean }} [more]
 */
export function postAttack(trace, events, { resource, meta, asStruct } = {}) {
  const triggers = { triggers: events };
  return postTrace(trace, [
    { id: trace * 10n + 2n, parent: trace * 10n + 1n, service: "db", name: "sql.query", resource: "SELECT 1", at: 2, ms: 3 },
    {
      id: trace * 10n + 1n,
      service: "shop",
      resource: resource ?? "GET /search",
      at: 0,
      ms: 12,
      meta: {
        "appsec.event": "true",
        "actor.ip": "203.0.113.7",
        "_dd.appsec.waf.version": "2.1.0",
        "_dd.appsec.event_rules.version": "1.18.2",
        ...(asStruct ? {} : { "_dd.appsec.json": JSON.stringify(triggers) }),
        ...meta,
      },
      metrics: { "_dd.appsec.enabled": 1, "_dd.appsec.waf.duration": 52.125 },
      structs: asStruct ? { appsec: triggers } : {},
    },
  ]);
}

/** A schema as tracers send it. @param {unknown} schema */
export function packed(schema) {
  return gzipSync(JSON.stringify(schema)).toString("base64");
}
