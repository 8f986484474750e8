// Compiled, not run: what the types promise to programs that `require`.

import agentNative = require('datadog-agent-native');

const { DatadogAgentConfig, DatadogError, LogLevel, NativeAgent, OperationalMode } = agentNative;

const config = new DatadogAgentConfig({
  apiKey: 'key',
  logLevel: LogLevel.WARN,
  operationalMode: OperationalMode.HTTP_UDS,
  traceAgentPort: null,
});
const port: number | null = config.traceAgentPort;

// @ts-expect-error There is no such option.
new DatadogAgentConfig({ apikey: 'key' });
// @ts-expect-error There is no such level.
new DatadogAgentConfig({ logLevel: 1 });

async function use(): Promise<agentNative.ShutdownReason> {
  using agent: agentNative.NativeAgent = new NativeAgent(config);
  const version: string = agent.version;
  const ports: (number | null)[] = [agent.boundPort, agent.dogstatsdPort, port];
  const path: string | null = agent.udsPath;
  const all: boolean = await agent.flush(1000);
  console.log(version, ports, path, all);
  // @ts-expect-error What was bound is not to be set.
  agent.boundPort = 1;
  using request = agent.appsecRequest({ obeyed: false });
  request.add({ 'server.request.method': 'GET', 'usr.id': undefined });
  request.addBody(new Uint8Array(1), 'text/plain');
  const verdict: agentNative.Verdict = request.verdict();
  const status: number | null = verdict.isAllowed ? null : verdict.status;
  const tags: agentNative.SpanTags = request.tags({ meta: {}, priority: 1 });
  console.log(status, tags.meta['appsec.event'], verdict.action === agentNative.AppSecAction.BLOCK);
  // @ts-expect-error An agent opens requests.
  new agentNative.AppSecRequest();
  agent.unref().requestShutdown();
  return agent.waitForShutdown();
}

use().catch((error: unknown) => {
  if (error instanceof agentNative.DatadogAgentException && error.error === DatadogError.CONFIG_ERROR) {
    process.exitCode = 1;
  }
});
