/* Panics inside the library: the host gets a code, and lives on. */

#include "check.h"

/* Only in the library that these tests are built with. */
#ifdef __cplusplus
extern "C"
#endif
void datadog_agent_test_panic(int place);

int main(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgent *agent;

  datadog_agent_test_panic(1);
  check_failed(datadog_agent_start(options), DATADOG_INIT_ERROR);
  CHECK(last_error_has("panic: as asked"));

  agent = started(&options).agent;
  datadog_agent_test_panic(2);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_SHUTDOWN_ERROR);
  CHECK(last_error_has("panic: as asked"));
  CHECK_INT(datadog_agent_stop(agent), DATADOG_NULL_POINTER);

  agent = started(&options).agent;
  CHECK_INT(datadog_agent_wait_for_shutdown_timeout(agent, 0), 3);
  datadog_agent_test_panic(3);
  CHECK_INT(datadog_agent_wait_for_shutdown(agent), 2);
  datadog_agent_stop(agent);
  datadog_agent_test_panic(0);
  return 0;
}
