/* Every type of metric that DogStatsD knows, an event and a service check. No client library is needed: a metric is a
 * line of text in a datagram. */

#include "datadog_agent_native.h"
#include "send.h"

#define SERVICE "example-custom-metrics"
#define TAGS "service:" SERVICE ",shop:berlin"

static const char LINES[] =
    /* Counted: the sum of ten seconds. */
    "example.custom.orders:3|c|#" TAGS "\n"
    /* Counted by one in ten, and multiplied again by the agent. */
    "example.custom.views:1|c|@0.1|#" TAGS "\n"
    /* Measured: the last value of ten seconds. */
    "example.custom.queue:42|g|#" TAGS "\n"
    /* Percentiles and an average, worked out in the agent; several values in one line. */
    "example.custom.basket:19.90:7.50:120|h|#" TAGS "\n"
    /* Percentiles over all hosts, worked out at the other end. */
    "example.custom.latency:12:15:80|d|#" TAGS "\n"
    /* A duration in milliseconds. */
    "example.custom.checkout:250|ms|#" TAGS "\n"
    /* How many different values there were. */
    "example.custom.customers:ada|s|#" TAGS "\n"
    "example.custom.customers:grace|s|#" TAGS;

int main(void) {
    /* DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too. */
    setenv("DD_LOGS_ENABLED", "true", 1);
    setenv("DD_LOGS_AGENT_PORT", "0", 1);
    DatadogAgentOptions options = {
        .service = SERVICE,
        .env = "examples",
        .log_level = 2, /* warnings and errors */
        .operational_mode = 1, /* TCP ports that the system chooses */
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    printf("agent %s: traces on port %d, metrics on port %d\n", agent.version, agent.bound_port, agent.dogstatsd_port);
    long long begin = now_ns();
    /* Many lines may share a datagram. */
    metric(agent.dogstatsd_port, LINES);
    metric(agent.dogstatsd_port, "_e{8,21}:deployed|version 2 of the shop|t:success|#" TAGS);
    metric(agent.dogstatsd_port, "_sc|example.custom.database|0|#" TAGS);
    printf("sent 8 metrics, an event and a service check\n");
    char span[512];
    snprintf(span, sizeof span,
             "[[{\"service\": \"" SERVICE "\", \"name\": \"metrics.send\", \"resource\": \"send metrics\", "
             "\"trace_id\": 1, \"span_id\": 1, \"start\": %lld, \"duration\": %lld, "
             "\"metrics\": {\"metrics.sent\": 8}}]]",
             begin, now_ns() - begin);
    post(agent.bound_port, NULL, "/v0.4/traces", span);
    printf("sent a trace: metrics.send\n");
    post(agent.bound_port, NULL, "/v1/input", "[{\"message\": \"metrics sent\", \"service\": \"" SERVICE "\", \"status\": \"info\"}]");
    printf("sent a log: metrics sent\n");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    printf("flushed\n");
    /* The end of the agent closes the buckets of time that metrics are counted in, and sends them. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("stopped\n");
    return 0;
}
