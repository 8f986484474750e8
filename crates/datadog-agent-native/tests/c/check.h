/* What every program here needs: checks that say what they saw, an agent that is quick to start, and plain sockets.
 * C99, C11 and C++17 alike. Include it before anything else. */

#ifndef CHECK_H
#define CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "datadog_agent_native.h"

#define KEY "0123456789abcdef0123456789abcdef"

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, last_error()); \
      exit(1);                                                                            \
    }                                                                                     \
  } while (0)

#define CHECK_INT(left, right)                                                            \
  do {                                                                                    \
    long left_ = (long)(left), right_ = (long)(right);                                    \
    if (left_ != right_) {                                                                \
      fprintf(stderr, "%s:%d: %s is %ld, not %ld; last error: %s\n", __FILE__, __LINE__, #left, left_, \
              right_, last_error());                                                      \
      exit(1);                                                                            \
    }                                                                                     \
  } while (0)

/* The text of this thread's last failure; empty when there is none. */
static inline const char *last_error(void) {
  static char text[4096];
  datadog_agent_last_error(text, sizeof text);
  return text;
}

static inline int last_error_has(const char *part) { return strstr(last_error(), part) != NULL; }

static inline void sleep_ms(long ms) {
  struct timespec time;
  time.tv_sec = ms / 1000;
  time.tv_nsec = ms % 1000 * 1000000;
  nanosleep(&time, NULL);
}

static inline long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Options with a key, on a port that the system chooses. */
static inline DatadogAgentOptions options_ephemeral(void) {
  DatadogAgentOptions options;
  memset(&options, 0, sizeof options);
  options.api_key = KEY;
  options.operational_mode = 1;
  return options;
}

static inline DatadogAgentOptionsV2 options_v2(void) {
  DatadogAgentOptionsV2 options;
  CHECK_INT(datadog_agent_options_init_v2(&options, sizeof options), DATADOG_OK);
  options.api_key = KEY;
  options.operational_mode = 1;
  return options;
}

static inline DatadogAgentStartResult started(const DatadogAgentOptions *options) {
  DatadogAgentStartResult result = datadog_agent_start_ptr(options);
  CHECK_INT(result.error, DATADOG_OK);
  CHECK(result.agent != NULL);
  return result;
}

static inline DatadogAgentStartResult started_v2(const DatadogAgentOptionsV2 *options) {
  DatadogAgentStartResult result = datadog_agent_start_v2(options);
  CHECK_INT(result.error, DATADOG_OK);
  CHECK(result.agent != NULL);
  return result;
}

/* A start that must fail, with nothing given out. */
static inline void check_failed(DatadogAgentStartResult result, int error) {
  CHECK_INT(result.error, error);
  CHECK(result.agent == NULL);
  CHECK(result.version != NULL && strcmp(result.version, datadog_agent_version()) == 0);
  CHECK_INT(result.bound_port, -1);
  CHECK_INT(result.dogstatsd_port, -1);
  CHECK(result.uds_path == NULL);
}

static inline int connect_tcp(int port) {
  struct sockaddr_in address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(fd >= 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

static inline int connect_unix(const char *path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  CHECK(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path) + 1);
  CHECK(fd >= 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* Sends one request over a connection, which ends with it; returns the status. */
static inline int request(int fd, const char *method, const char *path, const char *body) {
  char head[512], answer[4096];
  size_t have = 0, length = strlen(body), at = 0;
  int written = snprintf(head, sizeof head,
                         "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                         "Content-Length: %lu\r\n\r\n",
                         method, path, (unsigned long)length);
  CHECK(fd >= 0 && written > 0 && (size_t)written < sizeof head);
  CHECK_INT(send(fd, head, (size_t)written, MSG_NOSIGNAL), written);
  while (at < length) {
    ssize_t sent = send(fd, body + at, length - at, MSG_NOSIGNAL);
    CHECK(sent > 0);
    at += (size_t)sent;
  }
  while (have + 1 < sizeof answer) {
    ssize_t got = recv(fd, answer + have, sizeof answer - 1 - have, 0);
    CHECK(got >= 0);
    if (got == 0) break;
    have += (size_t)got;
  }
  answer[have] = 0;
  close(fd);
  CHECK(have > 12 && strncmp(answer, "HTTP/1.1 ", 9) == 0);
  return atoi(answer + 9);
}

/* So many traces of one span each, which no sampler drops, as JSON. The text is freed by the caller. */
static inline char *traces_json(int count, const char *service) {
  size_t room = (size_t)count * 320 + 16, at = 0;
  char *text = (char *)malloc(room);
  int i;
  CHECK(text != NULL);
  text[at++] = '[';
  for (i = 0; i < count; i++) {
    at += (size_t)snprintf(text + at, room - at,
                           "%s[{\"trace_id\":%d,\"span_id\":%d,\"parent_id\":0,\"service\":\"%s\",\"name\":\"work\","
                           "\"resource\":\"step\",\"start\":1700000000000000000,\"duration\":1000,\"error\":0,"
                           "\"metrics\":{\"_sampling_priority_v1\":2}}]",
                           i == 0 ? "" : ",", i + 1, i + 1, service);
  }
  text[at++] = ']';
  text[at] = 0;
  return text;
}

#endif
