/* Traces over a Unix socket: no TCP port is opened for them. */

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
        .service = "unix-socket-c",
        .log_level = 3,
        .operational_mode = 2 /* a Unix socket for traces */,
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    printf("traces on %s\n", agent.uds_path);

    char span[512];
    snprintf(span, sizeof span,
             "[[{\"trace_id\": 1, \"span_id\": 1, \"name\": \"unix.socket\", \"resource\": \"hello\", "
             "\"service\": \"unix-socket-c\", \"start\": %lld, \"duration\": 1000000}]]",
             now_ns());
    post(0, agent.uds_path, "/v0.4/traces", span);
    post(0, agent.uds_path, "/v1/input", "[{\"message\": \"hello from unix-socket-c\"}]");
    metric(agent.dogstatsd_port, "unix_socket.hello:1|c|#language:c");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    /* The end of the agent closes the metric's bucket of time, and sends it. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("sent a trace, a metric and a log; the socket is %s\n", access(agent.uds_path, F_OK) ? "gone" : "still there");
    datadog_free_string(agent.uds_path);
    return 0;
}
