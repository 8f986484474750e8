/* An intake that never answers: a flush gives up in its time, a stop in its own, and both say what is left. */

#include "check.h"

int main(void) {
  DatadogAgentOptionsV2 options = options_v2();
  DatadogAgentStartResult result;
  char *traces = traces_json(100, "stuck");
  long from, took;

  options.shutdown_timeout_ms = 1000;
  result = started_v2(&options);
  CHECK_INT(request(connect_tcp(result.bound_port), "POST", "/v0.4/traces", traces), 200);
  free(traces);
  CHECK_INT(datadog_agent_flush(result.agent, 5000), DATADOG_SUBMISSION_ERROR);
  CHECK(last_error_has("100 spans"));
  CHECK(last_error_has("could not be sent in time"));
  from = now_ms();
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_SHUTDOWN_ERROR);
  took = now_ms() - from;
  CHECK(last_error_has("Shutdown error: "));
  CHECK(last_error_has("100 spans"));
  CHECK(took >= 990);
  /* A second is a second; a loaded machine may take its time to say so. */
  CHECK(took < 10000);
  return 0;
}
