/* A forked child has no agent, harms none, and may start one of its own. */

#include "check.h"

/* Tells when all is well, and dies without a word: what a child inherits is nobody's, and no leak of ours. */
static void child(const DatadogAgentStartResult *parents, int fd) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult own;
  CHECK_INT(datadog_agent_flush(parents->agent, 1000), DATADOG_NOT_AVAILABLE);
  CHECK(last_error_has("forked"));
  CHECK_INT(datadog_agent_request_shutdown(parents->agent), DATADOG_NOT_AVAILABLE);
  CHECK_INT(datadog_agent_submit_logs(parents->agent, "[]", 2), DATADOG_NOT_AVAILABLE);
  CHECK_INT(datadog_agent_wait_for_shutdown(parents->agent), -1);
  own = started(&options);
  CHECK(own.agent != parents->agent);
  CHECK_INT(request(connect_tcp(own.bound_port), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_stop(parents->agent), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(own.agent), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(own.agent), DATADOG_NULL_POINTER);
  CHECK_INT(write(fd, "k", 1), 1);
  kill(getpid(), SIGKILL);
}

int main(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult result;
  int status, ends[2];
  char word;
  pid_t pid;
  options.operational_mode = 2;
  result = started(&options);
  CHECK_INT(pipe(ends), 0);
  pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) child(&result, ends[1]);
  close(ends[1]);
  CHECK_INT(read(ends[0], &word, 1), 1);
  CHECK_INT(word, 'k');
  close(ends[0]);
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK(WIFSIGNALED(status));
  CHECK_INT(access(result.uds_path, F_OK), 0);
  CHECK_INT(request(connect_unix(result.uds_path), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_flush(result.agent, 1000), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  CHECK_INT(access(result.uds_path, F_OK), -1);
  datadog_free_string(result.uds_path);
  return 0;
}
