/* The least that works: an agent in this process, and a trace, a metric and a log through it. */

#include "datadog_agent_native.h"
#include "send.h"

#define SERVICE "example-quickstart"

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

    /* A tracer is told DD_TRACE_AGENT_URL; here the span is written by hand. */
    char span[512];
    snprintf(span, sizeof span,
             "[[{\"service\": \"" SERVICE "\", \"name\": \"order.place\", \"resource\": \"place order\", "
             "\"trace_id\": 1, \"span_id\": 1, \"start\": %lld, \"duration\": 12000000}]]",
             now_ns());
    post(agent.bound_port, NULL, "/v0.4/traces", span);
    printf("sent a trace: order.place\n");
    metric(agent.dogstatsd_port, "example.quickstart.orders:1|c|#service:" SERVICE);
    printf("sent a metric: example.quickstart.orders\n");
    post(agent.bound_port, NULL, "/v1/input", "[{\"message\": \"order placed\", \"service\": \"" SERVICE "\", \"status\": \"info\"}]");
    printf("sent a log: order placed\n");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    printf("flushed\n");
    /* The end of the agent closes the buckets of time that metrics are counted in, and sends them. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("stopped\n");
    return 0;
}
