/* Ports: chosen by the system, fixed, taken; of traces and of DogStatsD; in two agents at once. */

#include "check.h"

static void ports_can_be_reached_at_once(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult result = started(&options);
  int fd;
  CHECK(result.bound_port >= 1024 && result.bound_port <= 65535);
  CHECK_INT(result.dogstatsd_port, -1);
  CHECK(result.uds_path == NULL);
  fd = connect_tcp(result.bound_port);
  CHECK(fd >= 0);
  close(fd);
  CHECK_INT(request(connect_tcp(result.bound_port), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  CHECK_INT(connect_tcp(result.bound_port), -1);
}

static void a_fixed_port_is_used_and_a_taken_one_refused(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult first, second;
  char text[64];
  options.operational_mode = 0;
  options.trace_agent_port = -1;
  first = started(&options);
  CHECK(first.bound_port >= 1024 && first.bound_port <= 65535);

  options.trace_agent_port = first.bound_port;
  second = datadog_agent_start(options);
  check_failed(second, DATADOG_STARTUP_ERROR);
  snprintf(text, sizeof text, "Address already in use (port %d)", first.bound_port);
  CHECK(last_error_has(text));
  CHECK_INT(request(connect_tcp(first.bound_port), "GET", "/info", ""), 200);

  CHECK_INT(datadog_agent_stop(first.agent), DATADOG_OK);
  second = started(&options);
  CHECK_INT(second.bound_port, first.bound_port);
  CHECK_INT(datadog_agent_stop(second.agent), DATADOG_OK);
}

static void two_agents_live_side_by_side(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult one, other;
  options.service = "one";
  one = started(&options);
  options.service = "other";
  other = started(&options);
  CHECK(one.agent != other.agent && one.bound_port != other.bound_port);
  CHECK_INT(datadog_agent_stop(one.agent), DATADOG_OK);
  CHECK_INT(request(connect_tcp(other.bound_port), "GET", "/info", ""), 200);
  CHECK_INT(datadog_agent_stop(other.agent), DATADOG_OK);
}

static void dogstatsd_has_a_port_of_its_own(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgentStartResult result;
  int port;
  options.operational_mode = 0;
  options.trace_agent_port = -1;
  options.dogstatsd_enabled = 1;
  options.dogstatsd_port = 0;
  result = started(&options);
  port = result.dogstatsd_port;
  CHECK(port >= 1024 && port <= 65535);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);

  options.dogstatsd_port = port;
  result = started(&options);
  CHECK_INT(result.dogstatsd_port, port);
  CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);

  /* Another process may have the usual port; either way it was that one which was meant. */
  options.dogstatsd_port = -1;
  result = datadog_agent_start(options);
  if (result.error == DATADOG_OK) {
    CHECK_INT(result.dogstatsd_port, 8125);
    CHECK_INT(datadog_agent_stop(result.agent), DATADOG_OK);
  } else {
    check_failed(result, DATADOG_STARTUP_ERROR);
    CHECK(last_error_has("Address already in use (port 8125)"));
  }
}

#if !defined(__cplusplus) && __STDC_VERSION__ >= 201112L
static void both_spellings_start(void) {
  DatadogAgentOptions options = options_ephemeral();
  const DatadogAgentOptions *constant = &options;
  CHECK_INT(datadog_agent_stop(datadog_agent_start(options).agent), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(datadog_agent_start(&options).agent), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(datadog_agent_start(constant).agent), DATADOG_OK);
  CHECK_INT(
      datadog_agent_stop(datadog_agent_start((DatadogAgentOptions){.api_key = KEY, .operational_mode = 1}).agent),
      DATADOG_OK);
  check_failed(datadog_agent_start((void *)NULL), DATADOG_NULL_POINTER);
}
#elif defined(__cplusplus)
static void both_spellings_start(void) {
  DatadogAgentOptions options = options_ephemeral();
  CHECK_INT(datadog_agent_stop(datadog::agent_start(options).agent), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(datadog::agent_start(&options).agent), DATADOG_OK);
}
#else
static void both_spellings_start(void) {}
#endif

int main(void) {
  ports_can_be_reached_at_once();
  a_fixed_port_is_used_and_a_taken_one_refused();
  two_agents_live_side_by_side();
  dogstatsd_has_a_port_of_its_own();
  both_spellings_start();
  return 0;
}
