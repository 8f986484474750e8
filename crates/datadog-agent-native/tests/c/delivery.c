/* What was taken is delivered before a stop returns: over a socket, and handed over without one. */

#include "check.h"

int main(void) {
  DatadogAgentOptionsV2 options = options_v2();
  DatadogEnvVar logs_on[] = {{"DD_LOGS_ENABLED", "true"}};
  DatadogAgentStartResult result;
  static const unsigned char empty_array = 0x90;
  const char *logs = "[{\"message\":\"first\"},\"second\"]";
  char *traces = traces_json(100, "posted");

  options.extra_env = logs_on;
  options.extra_env_len = 1;
  result = started_v2(&options);
  CHECK_INT(request(connect_tcp(result.bound_port), "POST", "/v0.4/traces", traces), 200);
  free(traces);

  traces = traces_json(3, "handed");
  CHECK_INT(datadog_agent_submit_traces(result.agent, (const unsigned char *)traces, strlen(traces)), DATADOG_OK);
  CHECK_INT(datadog_agent_submit_traces(result.agent, (const unsigned char *)traces, strlen(traces) - 1),
            DATADOG_INVALID_DATA_FORMAT);
  free(traces);
  CHECK_INT(datadog_agent_submit_traces(result.agent, &empty_array, 1), DATADOG_OK);
  CHECK_INT(datadog_agent_submit_traces(result.agent, NULL, 0), DATADOG_NULL_POINTER);

  CHECK_INT(datadog_agent_submit_logs(result.agent, logs, strlen(logs)), DATADOG_OK);
  CHECK_INT(datadog_agent_submit_logs(result.agent, "[{}", 3), DATADOG_INVALID_DATA_FORMAT);
  CHECK(last_error_has("invalid JSON"));

  CHECK_INT(datadog_agent_flush(result.agent, 60000), DATADOG_OK);
  CHECK_INT(datadog_agent_submit_logs(result.agent, "\"third\"", 7), DATADOG_INVALID_DATA_FORMAT);
  CHECK_INT(datadog_agent_submit_logs(result.agent, "[\"third\"]", 9), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);

  /* What is off takes nothing. */
  options.extra_env_len = 0;
  result = started_v2(&options);
  CHECK_INT(datadog_agent_submit_logs(result.agent, logs, strlen(logs)), DATADOG_NOT_AVAILABLE);
  CHECK(last_error_has("logs are off"));
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  return 0;
}
