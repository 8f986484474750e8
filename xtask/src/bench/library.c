/* Measures the library inside a host: one JSON object a line. The intake is a port where nobody listens: there is nothing
 * to send, and no name to look up. */

#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datadog_agent_native.h"

#define CYCLES 200

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static int entries(const char *folder) {
  DIR *dir = opendir(folder);
  int count = -2;
  if (dir == NULL) return -1;
  while (readdir(dir) != NULL) count++;
  closedir(dir);
  return count;
}

static double status(const char *name) {
  char line[256];
  double value = -1;
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return -1;
  while (fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, name, strlen(name)) == 0) value = atof(line + strlen(name));
  fclose(file);
  return value;
}

static void report(const char *name, double value, const char *unit) {
  printf("{\"name\":\"library_%s\",\"value\":%.2f,\"unit\":\"%s\"}\n", name, value, unit);
}

static DatadogAgentStartResult started(void) {
  DatadogAgentOptions options;
  DatadogAgentStartResult result;
  memset(&options, 0, sizeof options);
  options.api_key = "0123456789abcdef0123456789abcdef";
  options.operational_mode = 1;
  options.dogstatsd_enabled = 1;
  result = datadog_agent_start_ptr(&options);
  if (result.error != DATADOG_OK) {
    fprintf(stderr, "start: %d\n", (int)result.error);
    exit(1);
  }
  return result;
}

static void without_intake(void) {
  static const char *const addresses[] = {"DD_DD_URL", "DD_APM_DD_URL", "DD_LOGS_CONFIG_LOGS_DD_URL"};
  size_t i;
  for (i = 0; i < sizeof addresses / sizeof addresses[0]; i++) setenv(addresses[i], "http://127.0.0.1:9", 1);
}

int main(void) {
  static double starts[CYCLES], stops[CYCLES];
  double begin, rss_kib;
  int fds, i;
  DatadogAgentStartResult result;
  struct timespec pause;

  without_intake();
  begin = now_ms();
  result = started();
  report("first_start", now_ms() - begin, "ms");
  pause.tv_sec = 2;
  pause.tv_nsec = 0;
  nanosleep(&pause, NULL);
  report("idle_rss", status("VmRSS:") / 1024, "MiB");
  report("idle_threads", entries("/proc/self/task") - 1, "threads");
  datadog_agent_stop(result.agent);

  fds = entries("/proc/self/fd");
  rss_kib = status("VmRSS:");
  for (i = 0; i < CYCLES; i++) {
    begin = now_ms();
    result = started();
    starts[i] = now_ms() - begin;
    begin = now_ms();
    datadog_agent_stop(result.agent);
    stops[i] = now_ms() - begin;
  }
  report("cycles_fds", entries("/proc/self/fd") - fds, "descriptors");
  report("cycles_rss", (status("VmRSS:") - rss_kib) / 1024, "MiB");
  qsort(starts, CYCLES, sizeof starts[0], ascending);
  qsort(stops, CYCLES, sizeof stops[0], ascending);
  report("start_p50", starts[CYCLES / 2], "ms");
  report("start_p99", starts[CYCLES * 99 / 100], "ms");
  report("stop_p50", stops[CYCLES / 2], "ms");
  report("stop_p99", stops[CYCLES * 99 / 100], "ms");
  return 0;
}
