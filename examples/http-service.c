/* A web service that makes a span, a metric and a log of every request. It asks itself three times, and ends. */

#include "datadog_agent_native.h"
#include "send.h"

#define SERVICE "example-http-service"

/* Tells the agent of a request. */
static void report(const DatadogAgentStartResult *agent, const char *path, int status, long long begin) {
    char span[1024], line[512], count[128];
    int id = rand() + 1;
    snprintf(span, sizeof span,
             "[[{\"service\": \"" SERVICE "\", \"name\": \"http.request\", \"resource\": \"GET /orders/{number}\", \"type\": \"web\", "
             "\"trace_id\": %d, \"span_id\": %d, \"start\": %lld, \"duration\": %lld, \"meta\": {\"span.kind\": \"server\", "
             "\"http.method\": \"GET\", \"http.url\": \"%s\", \"http.status_code\": \"%d\"}}]]",
             id, id, begin, now_ns() - begin, path, status);
    post(agent->bound_port, NULL, "/v0.4/traces", span);
    snprintf(count, sizeof count, "example.http.requests:1|c|#service:" SERVICE ",status:%d", status);
    metric(agent->dogstatsd_port, count);
    snprintf(line, sizeof line,
             "[{\"message\": \"GET %s answered %d\", \"service\": \"" SERVICE "\", \"dd.trace_id\": \"%d\", \"dd.span_id\": \"%d\"}]",
             path, status, id, id);
    post(agent->bound_port, NULL, "/v1/input", line);
}

/* Takes one request, tells the agent of it, and answers. */
static void serve(int shop, const DatadogAgentStartResult *agent) {
    long long begin = now_ns();
    int client = accept(shop, NULL, NULL);
    char request[512] = "", path[64] = "/", answer[128];
    if (client < 0 || read(client, request, sizeof request - 1) <= 0 || sscanf(request, "GET %63s", path) != 1) give_up("accept");
    const char *order = strcmp(path, "/orders/1") == 0 ? "tea" : strcmp(path, "/orders/2") == 0 ? "milk" : NULL;
    int status = order ? 200 : 404;
    report(agent, path, status, begin);
    snprintf(answer, sizeof answer, "HTTP/1.0 %d -\r\n\r\n%s", status, order ? order : "no such order");
    write_all(client, answer);
    close(client);
}

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
    int shop = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(shop, (struct sockaddr *)&address, size) || listen(shop, 8) || getsockname(shop, (struct sockaddr *)&address, &size))
        give_up("listen");
    for (int number = 1; number <= 3; number++) {
        int visitor = connected(ntohs(address.sin_port), NULL);
        char text[256] = "";
        snprintf(text, sizeof text, "GET /orders/%d HTTP/1.0\r\n\r\n", number);
        write_all(visitor, text);
        serve(shop, &agent);
        if (read(visitor, text, sizeof text - 1) < 12) give_up("read");
        printf("GET /orders/%d: %.3s\n", number, text + 9);
        close(visitor);
    }
    close(shop);

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    printf("flushed\n");
    /* The end of the agent closes the buckets of time that metrics are counted in, and sends them. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("stopped\n");
    return 0;
}
