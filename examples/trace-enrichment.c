/* What the agent does with spans on their way: it adds the tags of the service and of DD_TAGS, takes the values out of
 * SQL, and works out stats. */

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
    setenv("DD_TAGS", "team:shop,region:north", 1);
    DatadogAgentOptions options = {
        .service = "trace-enrichment-c",
        .env = "demo",
        .version = "2.0.1",
        .log_level = 3,
        .operational_mode = 1 /* ports that the system chooses */,
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    /* A request and the query that it makes; the agent replaces 4711 and 'alice' by ? in the second. */
    char spans[1024];
    snprintf(spans, sizeof spans,
             "[[{\"trace_id\": 7, \"span_id\": 1, \"name\": \"http.request\", \"resource\": \"GET /orders\", \"type\": \"web\", "
             "\"meta\": {\"http.status_code\": \"200\"}, "
             "\"service\": \"trace-enrichment-c\", \"start\": %lld, \"duration\": 5000000}, "
             "{\"trace_id\": 7, \"span_id\": 2, \"parent_id\": 1, \"name\": \"postgres.query\", \"type\": \"sql\", "
             "\"resource\": \"SELECT * FROM orders WHERE id = 4711 AND customer = 'alice'\", "
             "\"service\": \"trace-enrichment-c\", \"start\": %lld, \"duration\": 3000000}]]",
             now_ns(), now_ns());
    post(agent.bound_port, NULL, "/v0.4/traces", spans);
    post(agent.bound_port, NULL, "/v1/input", "[{\"message\": \"orders of trace-enrichment-c were read\"}]");
    metric(agent.dogstatsd_port, "trace_enrichment.orders:1|c|#language:c");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    /* The end of the agent closes the metric's bucket of time, and sends it. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("sent a trace of two spans, a metric and a log\n");
    return 0;
}
