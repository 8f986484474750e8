/* The least that works: an agent in this process, and a trace, a metric and a log through it. */

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
    DatadogAgentOptions options = {
        .service = "quickstart-c",
        .log_level = 3,
        .operational_mode = 1 /* ports that the system chooses */,
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    printf("agent %s: traces on port %d, metrics on port %d\n", agent.version, agent.bound_port, agent.dogstatsd_port);

    /* A tracer is told DD_TRACE_AGENT_URL; here the span is written by hand. */
    char span[512];
    snprintf(span, sizeof span,
             "[[{\"trace_id\": 1, \"span_id\": 1, \"name\": \"quickstart\", \"resource\": \"hello\", "
             "\"service\": \"quickstart-c\", \"start\": %lld, \"duration\": 1000000}]]",
             now_ns());
    post(agent.bound_port, NULL, "/v0.4/traces", span);
    post(agent.bound_port, NULL, "/v1/input", "[{\"message\": \"hello from quickstart-c\"}]");
    metric(agent.dogstatsd_port, "quickstart.hello:1|c|#language:c");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    /* The end of the agent closes the metric's bucket of time, and sends it. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("sent a trace, a metric and a log\n");
    return 0;
}
