/* Starting and stopping again and again leaves nothing behind: no thread, no descriptor. */

#include "check.h"

#include <dirent.h>

static int entries(const char *folder) {
  DIR *dir = opendir(folder);
  int count = 0;
  CHECK(dir != NULL);
  while (readdir(dir) != NULL) count++;
  closedir(dir);
  return count;
}

/* Threads of agents; all must have names that say so. */
static int threads(void) {
  DIR *dir = opendir("/proc/self/task");
  struct dirent *entry;
  int count = 0;
  CHECK(dir != NULL);
  while ((entry = readdir(dir)) != NULL) {
    char path[300], name[32];
    FILE *file;
    if (entry->d_name[0] == '.' || atol(entry->d_name) == (long)getpid()) continue;
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    file = fopen(path, "r");
    if (file == NULL) continue;
    CHECK(fgets(name, sizeof name, file) != NULL);
    fclose(file);
    CHECK(strncmp(name, "dd-agent-", 9) == 0);
    count++;
  }
  closedir(dir);
  return count;
}

/* A thread that was waited for may be listed for another moment. */
static int threads_left(void) {
  int tries;
  for (tries = 0; tries < 6000 && threads() > 0; tries++) sleep_ms(10);
  return threads();
}

int main(void) {
  DatadogAgentOptions options = options_ephemeral();
  int cycles = getenv("SLOW") == NULL ? 100 : 5;
  int before = 0, i;
  options.dogstatsd_enabled = 1;
  for (i = 0; i < cycles; i++) {
    DatadogAgentStartResult result = started(&options);
    /* The owner and its workers; one more now and then, for what blocks. */
    CHECK(threads() >= 2 && threads() <= 5);
    CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
    CHECK_INT(threads_left(), 0);
    /* The first cycle opens what the process keeps. */
    if (i == 0) before = entries("/proc/self/fd");
    CHECK_INT(entries("/proc/self/fd"), before);
  }
  return 0;
}
