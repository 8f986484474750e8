// Polls the intake for remote configuration as an agent with one tracer does.

import { INTAKE_URL } from "./intake.js";
import { message, number, text } from "./protobuf.js";

/**
 * @param {{ id: string, version: number, product: string, state: number, error?: string }[]} configs what the tracer says of its files
 * @param {{ version?: string }} [agent]
 */
export function pollConfigs(configs, { version = "7.70.0" } = {}) {
  const states = configs.map((one) => message(3, Buffer.concat([text(1, one.id), number(2, BigInt(one.version)), text(3, one.product), number(4, BigInt(one.state)), text(5, one.error ?? "")])));
  const tracer = Buffer.concat([text(1, "run-1"), text(2, "python"), text(3, "3.0.0"), text(4, "web"), text(5, "prod")]);
  const client = Buffer.concat([
    message(1, Buffer.concat([number(1, 1n), ...states])),
    text(2, "client-1"),
    text(3, "APM_TRACING"),
    number(6, 1n),
    message(7, tracer),
    number(10, BigInt(Date.now())),
  ]);
  const poll = Buffer.concat([text(1, "box-1"), text(2, version), text(5, "APM_TRACING"), text(5, "AGENT_CONFIG"), message(6, client), text(16, "agent-1")]);
  return fetch(new URL("/api/v0.1/configurations", INTAKE_URL), {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "dd-api-key": "0" },
    body: poll,
  });
}

/** The first file that is pushed, as the intake shows it. */
export async function pushedConfig() {
  const answer = await fetch(new URL("/inspect/remote_config", INTAKE_URL));
  return (await answer.json()).pushed[0];
}

/** The files that an answer holds, as far as a text can be searched for them. @param {Response} answer */
export async function textOf(answer) {
  return Buffer.from(await answer.arrayBuffer()).toString("latin1");
}
