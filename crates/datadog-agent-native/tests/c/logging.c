/* The agent's own log: to a callback, at a level of its own for each agent, and told of what it was given wrongly. */

#include "check.h"

struct Log {
  int lines;
  int modes;
  int loudest;
};

static void note(int level, const char *line, void *userdata) {
  struct Log *log = (struct Log *)userdata;
  log->lines++;
  if (strstr(line, "operational_mode=99: must be in 0..=2; using 0 (http_fixed_port)") != NULL) log->modes++;
  if (level > log->loudest) log->loudest = level;
  if (strchr(line, '\n') != NULL) exit(1);
}

static struct Log log_of(int level, int mode) {
  DatadogAgentOptionsV2 options = options_v2();
  DatadogAgentStartResult result;
  struct Log log = {0, 0, 0};
  options.log_callback = note;
  options.log_userdata = &log;
  options.log_level = level;
  options.operational_mode = mode;
  options.trace_agent_port = -1;
  result = started_v2(&options);
  CHECK(result.bound_port > 0 && result.uds_path == NULL);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  return log;
}

int main(void) {
  struct Log log = log_of(3, 99);
  CHECK_INT(log.modes, 1);
  CHECK_INT(log.loudest, 3);
  /* Errors alone, of which there is none. */
  log = log_of(0, 99);
  CHECK_INT(log.lines, 0);
  log = log_of(5, 0);
  CHECK_INT(log.modes, 0);
  CHECK(log.loudest >= 3);
  return 0;
}
