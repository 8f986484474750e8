/* Metrics of one's own over DogStatsD: counts, gauges, distributions, sets, an event and a service check. */

#include "datadog_agent_native.h"
#include "send.h"

/* Says what went wrong, and ends. */
static void check(DatadogError error, const char *what) {
    if (error == DATADOG_OK) return;
    char text[1024];
    datadog_agent_last_error(text, sizeof text);
    fprintf(stderr, "%s: error %d: %s\n", what, error, text);
    exit(1);
}

int main(void) {
    /* DD_API_KEY, DD_SITE and the rest come from the environment. */
    setenv("DD_LOGS_ENABLED", "true", 1);
    setenv("DD_LOGS_AGENT_PORT", "0", 1);
    setenv("DD_TAGS", "team:shop", 1);
    DatadogAgentOptions options = {
        .service = "custom-metrics-c",
        .env = "demo",
        .log_level = 3,
        .operational_mode = 1 /* ports that the system chooses */,
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    char lines[8192];
    size_t length = 0;
    length += (size_t)snprintf(lines + length, sizeof lines - length, "shop.orders:3|c|#language:c\n");
    length += (size_t)snprintf(lines + length, sizeof lines - length, "shop.queue_length:17|g|#language:c\n");
    length += (size_t)snprintf(lines + length, sizeof lines - length, "shop.visitors:alice|s|#language:c\n");
    length += (size_t)snprintf(lines + length, sizeof lines - length, "shop.visitors:bob|s|#language:c\n");
    for (int ms = 1; ms <= 100; ms++)
        length += (size_t)snprintf(lines + length, sizeof lines - length, "shop.checkout_ms:%d|d|#language:c\n", ms);
    /* Several messages fit into one datagram. */
    metric(agent.dogstatsd_port, lines);
    metric(agent.dogstatsd_port, "_e{11,15}:deploy done|version 2 is up|t:success|#language:c");
    metric(agent.dogstatsd_port, "_sc|shop.database|0|#language:c|m:answers");

    char span[512];
    snprintf(span, sizeof span,
             "[[{\"trace_id\": 1, \"span_id\": 1, \"name\": \"checkout\", \"resource\": \"checkout\", "
             "\"service\": \"custom-metrics-c\", \"start\": %lld, \"duration\": 1000000}]]",
             now_ns());
    post(agent.bound_port, NULL, "/v0.4/traces", span);
    post(agent.bound_port, NULL, "/v1/input", "[{\"message\": \"100 checkouts of custom-metrics-c\"}]");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    /* The end of the agent closes the metric's bucket of time, and sends it. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("sent 104 samples, an event and a service check, a trace and a log\n");
    return 0;
}
