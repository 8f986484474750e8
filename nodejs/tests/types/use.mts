// Compiled, not run: what the types promise to programs that `import`.

import { createInstance, getInstance, NativeAgent, ShutdownReason } from 'datadog-agent-native';

const created: NativeAgent | null = createInstance({ apiKey: 'key', dogstatsdEnabled: true });
const agent: NativeAgent = created ?? getInstance();

const reason: ShutdownReason = await agent.waitForShutdown(100);
if (reason === ShutdownReason.TIMEOUT) {
  await using another = new NativeAgent();
  const all: boolean = await another.stopAsync();
  console.log(all, another.isRunning);
}
const last: ShutdownReason = agent.waitForShutdownSync();
console.log(last, agent.stop());
