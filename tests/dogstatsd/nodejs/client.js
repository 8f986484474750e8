// Sends the fixed list with npm's `hot-shots`, once in each of its modes.
//
//   node client.js udp://HOST:PORT unixgram:///PATH

import StatsD from "hot-shots";

const CONTAINER = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
const AT = 1700000000;

const BUFFERING = { unbuffered: { maxBufferSize: 0 }, buffered: { maxBufferSize: 1432 } };
const AGGREGATION = { plain: {}, aggregated: { aggregation: { flushInterval: 3_600_000 } } };

// The client asks this function whether a sample with a rate is sent; so all of them are.
Math.random = () => 0.25;

function connect(url, mode, options) {
  const address = new URL(url);
  const target =
    address.protocol === "udp:"
      ? { protocol: "udp", host: address.hostname, port: Number(address.port) }
      : { protocol: "uds", path: address.pathname };
  return new StatsD({
    ...target,
    ...options,
    prefix: "shop",
    globalTags: ["team:metrics", `mode:${mode}`],
    datadog: true,
    containerID: CONTAINER,
    includeDatadogTelemetry: false,
    // No timer sends half of the list before `close` sends the rest.
    bufferFlushInterval: 3_600_000,
    errorHandler: (error) => {
      console.error(`${mode}: ${error}`);
      process.exitCode = 1;
    },
  });
}

/** The list, in calls of the client. */
function* list() {
  yield ["gauge", "gauge", 1.5, ["kind:gauge"]];
  yield ["gauge", "gauge", 42.25, ["kind:gauge"]];
  yield ["gauge", "gauge.negative", -7.5];
  yield ["gauge", "gauge.tiny", 0.000001];
  yield ["gauge", "gauge.huge", 1e21];
  yield ["increment", "count", 3, ["kind:count"]];
  yield ["increment", "count", -1, ["kind:count"]];
  yield ["increment", "increment"];
  yield ["increment", "increment", 5];
  yield ["decrement", "increment"];
  for (const value of [4, 1, 3, 2]) yield ["histogram", "histogram", value, ["kind:histogram"]];
  for (const value of [1, 2, 3, 4, 5]) yield ["distribution", "distribution", value, ["kind:distribution"]];
  for (let value = 1; value <= 100; value++) yield ["distribution", "distribution.many", value];
  for (const value of ["anna", "ben", "anna", "a:b", "Zoë"]) yield ["set", "set", value, ["kind:set"]];
  for (const value of [120, 80]) yield ["timing", "timing", value, ["kind:timing"]];

  yield ["increment", "sampled.count", 2, 0.5];
  yield ["histogram", "sampled.histogram", 10, 0.5];
  yield ["distribution", "sampled.distribution", 10, 0.5];

  const tags = ["city:Köln", "rocket:🚀", "bare", "url:http://a/b:8080", "two words:a b", "twice:1", "twice:1"];
  yield ["gauge", "tags", 1, tags];
  yield ["gauge", "tags.host", 1, ["host:other"]];
  yield ["gauge", "tags.device", 1, ["device:eth0"]];
  yield ["gauge", "origin", 1, { cardinality: "high" }];
  yield ["gauge", "origin", 2, { cardinality: "none" }];

  yield ["gauge", "at.gauge", 9.5, { timestamp: AT }];
  yield ["increment", "at.count", 4, { timestamp: AT + 3 }];

  const event = {
    alert_type: "success",
    aggregation_key: "deploy-7",
    source_type_name: "jenkins",
    date_happened: AT,
    priority: "low",
    hostname: "web-1",
  };
  yield ["event", "Deploy | shop", "line one\nline two", event, ["kind:event"]];
  yield ["event", "Größe", "naïve → 🚀", undefined, undefined];
  const check = { date_happened: AT, hostname: "web-1", message: "langsam: 3 s für m:all\nretry" };
  yield ["check", "shop.db", 1, check, ["kind:check"]];
  yield ["check", "shop.cache", 0, undefined, undefined];
}

async function send(client) {
  for (const [method, ...words] of list()) {
    // The next waits for this one, so that no socket is overrun.
    await new Promise((sent) => client[method](...words, sent));
  }
  await new Promise((closed) => client.close(closed));
}

for (const url of process.argv.slice(2)) {
  for (const [buffering, bufferingOptions] of Object.entries(BUFFERING)) {
    for (const [aggregation, aggregationOptions] of Object.entries(AGGREGATION)) {
      const mode = [new URL(url).protocol.slice(0, -1), buffering, aggregation].join(".");
      await send(connect(url, mode, { ...bufferingOptions, ...aggregationOptions }));
    }
  }
}
