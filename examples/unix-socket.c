/* Traces, metrics and logs through one Unix socket of which only this user may write to the file. */

#include "datadog_agent_native.h"
#include "send.h"

#define SERVICE "example-unix-socket"

int main(void) {
    /* DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too. */
    setenv("DD_LOGS_ENABLED", "true", 1);
    setenv("DD_LOGS_AGENT_PORT", "0", 1);
    DatadogAgentOptions options = {
        .service = SERVICE,
        .env = "examples",
        .trace_agent_uds_permissions = 0600,
        .log_level = 2, /* warnings and errors */
        .operational_mode = 2, /* a Unix socket for traces */
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    printf("agent %s: traces, metrics and logs on %s\n", agent.version, agent.uds_path);
    char span[512];
    snprintf(span, sizeof span,
             "[[{\"service\": \"" SERVICE "\", \"name\": \"file.read\", \"resource\": \"read a file\", "
             "\"trace_id\": 1, \"span_id\": 1, \"start\": %lld, \"duration\": 3000000}]]",
             now_ns());
    post(0, agent.uds_path, "/v0.4/traces", span);
    printf("sent a trace: file.read\n");
    /* What a client of DogStatsD would send as a datagram. */
    post(0, agent.uds_path, "/dogstatsd/v2/proxy", "example.unix_socket.files:1|c|#service:" SERVICE);
    printf("sent a metric: example.unix_socket.files\n");
    post(0, agent.uds_path, "/v1/input", "[{\"message\": \"file read\", \"service\": \"" SERVICE "\", \"status\": \"info\"}]");
    printf("sent a log: file read\n");

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    printf("flushed\n");
    /* The end of the agent closes the buckets of time that metrics are counted in, and sends them. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("stopped, and the socket is %s\n", access(agent.uds_path, F_OK) ? "gone" : "still there");
    datadog_free_string(agent.uds_path);
    return 0;
}
