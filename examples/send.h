/* What the examples in C send with: JSON over HTTP, and a message of DogStatsD. Ends the program when it fails. */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

static void check(DatadogError error, const char *what) {
    char text[1024];
    if (error == DATADOG_OK) return;
    datadog_agent_last_error(text, sizeof text);
    fprintf(stderr, "%s: error %d: %s\n", what, error, text);
    exit(1);
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* To a TCP port, or to a Unix socket if there is a path. */
static int connected(int port, const char *path) {
    int stream = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in tcp = loopback(port);
    struct sockaddr_un local;
    memset(&local, 0, sizeof local);
    local.sun_family = AF_UNIX;
    if (path) snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
    int failed = path ? connect(stream, (struct sockaddr *)&local, sizeof local)
                      : connect(stream, (struct sockaddr *)&tcp, sizeof tcp);
    if (stream < 0 || failed) give_up("connect");
    return stream;
}

static void write_all(int stream, const char *text) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t written = write(stream, text, left);
        if (written <= 0) give_up("write");
        text += written;
        left -= (size_t)written;
    }
}

static void post(int port, const char *path, const char *target, const char *json) {
    int stream = connected(port, path);
    char head[256];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.0\r\nhost: agent\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", target, strlen(json));
    write_all(stream, head);
    write_all(stream, json);
    char answer[4096] = "";
    size_t length = 0;
    for (ssize_t got; (got = read(stream, answer + length, sizeof answer - 1 - length)) > 0;) length += (size_t)got;
    close(stream);
    if (strncmp(answer, "HTTP/1.", 7) != 0 || answer[9] != '2') {
        fprintf(stderr, "%s: %s\n", target, answer);
        exit(1);
    }
}

static void metric(int port, const char *message) {
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = loopback(port);
    if (datagrams < 0 || sendto(datagrams, message, strlen(message), 0, (struct sockaddr *)&address, sizeof address) < 0)
        give_up("sendto");
    close(datagrams);
}
