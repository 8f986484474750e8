/* A request as any and one that looks like an attack, each looked at by the firewall before it is answered. There is no
 * server around it: what it would know of a request is written down here.
 * Needs a library with AppSec and a libddwaf that DD_APPSEC_LIBDDWAF_PATH names; without them, requests go on unseen. */

#include "datadog_agent_native.h"
#include "send.h"

#define SERVICE "example-appsec"

/* The inner part of a JSON object `{"meta": {…}, "metrics": {…}, "priority": …}`, so that it can be made part of a span. */
static char *inner(char *tags) {
    tags[strlen(tags) - 1] = 0;
    return tags + 1;
}

/* Asks the firewall before and after the service answers; returns the status, and the tags of the span, or NULL. */
static int guarded(DatadogAgent *agent, const char *client, char **tags) {
    DatadogAppSecRequest *request;
    DatadogAppSecVerdict verdict;
    char addresses[512];
    int status = 200;
    *tags = NULL;
    DatadogError opened = datadog_agent_appsec_open(agent, DATADOG_APPSEC_OBEYED, &request);
    if (opened == DATADOG_NOT_AVAILABLE) {
        char text[512];
        datadog_agent_last_error(text, sizeof text);
        printf("nobody looks at this request: %s\n", text);
        return status;
    }
    check(opened, "open");
    snprintf(addresses, sizeof addresses,
             "{\"http.route\": \"/orders/{number}\", \"server.request.method\": \"GET\", "
             "\"server.request.uri.raw\": \"/orders/1\", \"network.client.ip\": \"127.0.0.1\", "
             "\"server.request.headers.no_cookies\": {\"user-agent\": \"%s\", \"accept\": \"text/html\"}}", client);
    check(datadog_agent_appsec_add(request, addresses, strlen(addresses)), "add");
    check(datadog_agent_appsec_verdict(request, &verdict), "verdict");
    if (verdict.action == DATADOG_APPSEC_ALLOW) {
        /* Here the service would answer; the verdict on its answer may still say otherwise. */
        check(datadog_agent_appsec_add_value(request, "server.response.status", "200", 3), "add");
        check(datadog_agent_appsec_verdict(request, &verdict), "verdict");
    }
    if (verdict.action != DATADOG_APPSEC_ALLOW) {
        status = verdict.status;
        printf("answered with %zu bytes of %s\n", verdict.body_len, verdict.content_type ? verdict.content_type : "nothing");
    }
    datadog_agent_appsec_verdict_free(&verdict);
    check(datadog_agent_appsec_tags(request, NULL, 0, tags), "tags");
    check(datadog_agent_appsec_free(request), "free");
    return status;
}

/* Tells the agent of a request. What the firewall found goes on the span as it is; a metric among it has the trace kept. */
static void report(const DatadogAgentStartResult *agent, int status, char *tags, long long begin) {
    static char span[65536];
    char line[512], count[128];
    int id = rand() + 1;
    snprintf(span, sizeof span,
             "[[{\"service\": \"" SERVICE "\", \"name\": \"http.request\", \"resource\": \"GET /orders/{number}\", \"type\": \"web\", "
             "\"trace_id\": %d, \"span_id\": %d, \"start\": %lld, \"duration\": %lld, %s}]]",
             id, id, begin, now_ns() - begin, tags ? inner(tags) : "\"meta\": {\"http.url\": \"/orders/1\"}");
    post(agent->bound_port, NULL, "/v0.4/traces", span);
    snprintf(count, sizeof count, "example.appsec.requests:1|c|#service:" SERVICE ",status:%d", status);
    metric(agent->dogstatsd_port, count);
    snprintf(line, sizeof line, "[{\"message\": \"GET /orders/1 answered %d\", \"service\": \"" SERVICE "\"}]", status);
    post(agent->bound_port, NULL, "/v1/input", line);
}

int main(void) {
    static const char *const CLIENTS[] = {"curl/8", "dd-test-scanner-log-block"};
    /* DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too. */
    setenv("DD_LOGS_ENABLED", "true", 1);
    setenv("DD_LOGS_AGENT_PORT", "0", 1);
    DatadogAgentOptionsV2 options;
    check(datadog_agent_options_init_v2(&options, sizeof options), "options");
    options.service = SERVICE;
    options.env = "examples";
    options.log_level = 2; /* warnings and errors */
    options.operational_mode = 1; /* TCP ports that the system chooses */
    options.dogstatsd_enabled = 1;
    options.appsec_enabled = 1;
    options.appsec_blocking = 1;
    DatadogAgentStartResult agent = datadog_agent_start_v2(&options);
    check(agent.error, "start");
    printf("agent %s: traces on port %d, metrics on port %d\n", agent.version, agent.bound_port, agent.dogstatsd_port);
    for (size_t i = 0; i < sizeof CLIENTS / sizeof *CLIENTS; i++) {
        long long begin = now_ns();
        char *tags;
        int status = guarded(agent.agent, CLIENTS[i], &tags);
        printf("GET /orders/1 as %s: %d\n", CLIENTS[i], status);
        report(&agent, status, tags, begin);
        datadog_free_string(tags);
    }
    check(datadog_agent_flush(agent.agent, 10000), "flush");
    printf("flushed\n");
    /* The end of the agent closes the buckets of time that metrics are counted in, and sends them. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("stopped\n");
    return 0;
}
