/* A forked child has no agent, harms none, and may start one of its own. */

#include "check.h"

static int child(const DatadogAgentStartResult *parents) {
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
  return 0;
}

int main(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult result;
  int status;
  pid_t pid;
  options.operational_mode = 2;
  result = started(&options);
  pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) _exit(child(&result));
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_INT(access(result.uds_path, F_OK), 0);
  CHECK_INT(request(connect_unix(result.uds_path), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_flush(result.agent, 1000), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  CHECK_INT(access(result.uds_path, F_OK), -1);
  datadog_free_string(result.uds_path);
  return 0;
}
