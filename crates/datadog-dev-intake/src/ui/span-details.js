// All that is known of one span: what a firewall says, its own fields, tags, metrics, structures, links and events.

import { copyButton, fields, section, textBlock } from "./details.js";
import { h } from "./dom.js";
import { dateTime, oneLine } from "./format.js";
import { securityPart } from "./span-security.js";
import { millisecondsOf, nanoseconds } from "./trace-format.js";

/**
 * @param {import("./trace-model.js").Span} span
 * @param {(seq: number) => void} openRequest
 * @returns {HTMLElement[]}
 */
export function spanDetails(span, openRequest) {
  const { raw } = span;
  // What the intake read of the tags is no part of the span.
  const { security: _, ...wire } = raw;
  const request = h("button", { class: "link", type: "button" }, `request ${span.request}`);
  request.addEventListener("click", () => openRequest(span.request));
  const parts = [
    securityPart(span),
    section(
      "Span",
      [
        fields([
          ["service", oneLine(raw.service)],
          ["name", oneLine(raw.name)],
          ["resource", oneLine(raw.resource, 2_000)],
          ["type", oneLine(raw.type)],
          ["start", `${dateTime(millisecondsOf(raw.start))} (${raw.start} ns)`],
          ["duration", `${nanoseconds(raw.duration)} (${raw.duration} ns)`],
          ["error", raw.error === 0 ? "" : String(raw.error)],
          ["spanID", raw.spanID],
          ["parentID", raw.parentID === "0" ? "none" : raw.parentID],
          ["traceID", raw.traceID],
          ["came with", request],
        ]),
      ],
      copyButton("Copy as JSON", () => JSON.stringify(wire, null, 2)),
    ),
    tags("Meta", raw.meta),
    tags("Metrics", raw.metrics),
    tags("Structures, base64", raw.meta_struct),
    links(raw.spanLinks),
    events(raw.spanEvents),
  ];
  return parts.filter((part) => part !== null);
}

/** @param {string} title @param {Record<string, unknown>} values */
function tags(title, values) {
  const rows = Object.entries(values ?? {});
  if (rows.length === 0) return null;
  return section(title, [fields(rows.map(([key, value]) => [oneLine(key, 200), shown(value)]))]);
}

/** @param {Record<string, any>[]} all */
function links(all) {
  if (!all?.length) return null;
  const shownLinks = all.map((link) =>
    fields([
      ["traceID", link.traceID],
      ["traceID_high", link.traceID_high],
      ["spanID", link.spanID],
      ["tracestate", oneLine(link.tracestate)],
      ["flags", String(link.flags)],
      ...attributesOf(link),
    ]),
  );
  return section("Links", shownLinks);
}

/** @param {Record<string, any>[]} all */
function events(all) {
  if (!all?.length) return null;
  const shownEvents = all.map((event) => fields([["name", oneLine(event.name)], ["time", dateTime(millisecondsOf(event.time_unix_nano))], ...attributesOf(event)]));
  return section("Events", shownEvents);
}

/** @param {Record<string, any>} from @returns {[string, Node | string][]} */
function attributesOf(from) {
  return Object.entries(from.attributes ?? {}).map(([key, value]) => [oneLine(key, 200), shown(value)]);
}

/** A value, in a block where it has lines. @param {unknown} value @returns {Node | string} */
function shown(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.includes("\n")) return textBlock(text);
  return text === "" ? '""' : oneLine(text, 5_000);
}
