/* A web service that makes a span, a metric and a log of every request; it serves three and ends. */

#include "datadog_agent_native.h"
#include "send.h"

/* Takes one request, answers it, and makes a span, a count and a line of log of it. */
static void serve(int service, const DatadogAgentStartResult *agent) {
    long long start = now_ns();
    int client = accept(service, NULL, NULL);
    char request[512] = "", path[64] = "/";
    if (client < 0 || read(client, request, sizeof request - 1) <= 0 || sscanf(request, "GET %63s", path) != 1) give_up("accept");
    int status = strcmp(path, "/hello") == 0 ? 200 : strcmp(path, "/broken") == 0 ? 500 : 404;
    char answer[128];
    snprintf(answer, sizeof answer, "HTTP/1.0 %d -\r\ncontent-length: 0\r\n\r\n", status);
    write_all(client, answer);
    close(client);

    char span[1024], line[256], count[128];
    snprintf(span, sizeof span,
             "[[{\"trace_id\": %d, \"span_id\": %d, \"name\": \"http.request\", \"resource\": \"GET %s\", \"type\": \"web\", "
             "\"service\": \"http-service-c\", \"start\": %lld, \"duration\": %lld, \"error\": %d, "
             "\"meta\": {\"http.method\": \"GET\", \"http.url\": \"%s\", \"http.status_code\": \"%d\"}, "
             "\"metrics\": {\"_sampling_priority_v1\": 1}}]]",
             rand() + 1, rand() + 1, path, start, now_ns() - start, status >= 500, path, status);
    post(agent->bound_port, NULL, "/v0.4/traces", span);
    snprintf(line, sizeof line, "[{\"message\": \"GET %s %d\"}]", path, status);
    post(agent->bound_port, NULL, "/v1/input", line);
    snprintf(count, sizeof count, "http_service.requests:1|c|#language:c,status:%d", status);
    metric(agent->dogstatsd_port, count);
}

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
        .service = "http-service-c",
        .log_level = 3,
        .operational_mode = 1 /* ports that the system chooses */,
        .dogstatsd_enabled = 1,
        .dogstatsd_port = 0, /* the system chooses */
    };
    DatadogAgentStartResult agent = datadog_agent_start(options);
    check(agent.error, "start");
    int service = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(service, (struct sockaddr *)&address, size) || listen(service, 8) || getsockname(service, (struct sockaddr *)&address, &size))
        give_up("listen");
    const char *paths[] = {"/hello", "/broken", "/missing"};
    for (int visit = 0; visit < 3; visit++) {
        int visitor = connected(ntohs(address.sin_port), NULL);
        write_all(visitor, "GET ");
        write_all(visitor, paths[visit]);
        write_all(visitor, " HTTP/1.0\r\n\r\n");
        serve(service, &agent);
        char answer[256] = "";
        if (read(visitor, answer, sizeof answer - 1) < 12) give_up("read");
        printf("GET %s %.3s\n", paths[visit], answer + 9);
        close(visitor);
    }
    close(service);

    check(datadog_agent_flush(agent.agent, 10000), "flush");
    /* The end of the agent closes the metric's bucket of time, and sends it. */
    check(datadog_agent_stop(agent.agent), "stop");
    printf("sent a trace, a metric and a log of each\n");
    return 0;
}
