/* Spans that say who asked, what for and why it failed, and a log and a metric that are found beside them. */

#include "datadog_agent_native.h"
#include "send.h"

#define SERVICE "example-trace-enrichment"

int main(void) {
    /* DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too. */
    setenv("DD_LOGS_ENABLED", "true", 1);
    setenv("DD_LOGS_AGENT_PORT", "0", 1);
    DatadogAgentOptions options = {
        .service = SERVICE,
        .env = "examples",
        .version = "2.1.0",
        .log_level = 2, /* warnings and errors */
        .operational_mode = 1, /* TCP ports that the system chooses */
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    printf("agent %s: traces on port %d, metrics on port %d\n", agent.version, agent.bound_port, agent.dogstatsd_port);

    /* On the first span of a service stands how the whole trace was sampled. 2: kept, because the program says so. */
    char spans[2048];
    snprintf(spans, sizeof spans,
             "[[{\"service\": \"" SERVICE "\", \"name\": \"checkout\", \"resource\": \"POST /checkout\", "
             "\"trace_id\": 7, \"span_id\": 1, \"start\": %lld, \"duration\": 5000000, \"error\": 1, "
             "\"meta\": {\"env\": \"examples\", \"version\": \"2.1.0\", \"error.type\": \"PermissionError\", "
             "\"error.message\": \"card declined\", \"span.kind\": \"server\", \"usr.id\": \"u-77\"}, "
             "\"metrics\": {\"cart.items\": 3, \"cart.total\": 42.5, "
             "\"_sampling_priority_v1\": 2}}, {\"service\": \"" SERVICE "\", \"name\": \"payment.charge\", "
             "\"resource\": \"charge card\", \"trace_id\": 7, \"span_id\": 2, \"parent_id\": 1, \"start\": %lld, "
             "\"duration\": 3000000, \"error\": 1, \"meta\": {\"env\": \"examples\", \"version\": \"2.1.0\", "
             "\"error.type\": \"PermissionError\", \"error.message\": \"card declined\", "
             "\"span.kind\": \"client\", \"peer.service\": \"payments\", \"payment.provider\": \"acme\"}}]]",
             now_ns(), now_ns());
    post(agent.bound_port, NULL, "/v0.4/traces", spans);
    printf("sent a trace: checkout, with payment.charge, which failed\n");
    metric(agent.dogstatsd_port, "example.enrichment.declined:1|c|#service:" SERVICE ",env:examples,payment.provider:acme");
    printf("sent a metric: example.enrichment.declined\n");
    /* By the ids, the log is found beside the trace. */
    post(agent.bound_port, NULL, "/v1/input", "[{\"message\": \"the card was declined\", \"service\": \"" SERVICE "\", \"status\": \"error\", "
             "\"ddtags\": \"env:examples,version:2.1.0\", \"dd.trace_id\": \"7\", \"dd.span_id\": \"2\"}]");
    printf("sent a log: the card was declined\n");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    printf("flushed\n");
    /* The end of the agent closes the buckets of time that metrics are counted in, and sends them. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("stopped\n");
    return 0;
}
