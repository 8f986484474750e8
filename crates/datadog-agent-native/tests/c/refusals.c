/* Starts that must fail, each with its code and its text, and pointers that lead nowhere. */

#include "check.h"

static void options_are_checked(void) {
  DatadogAgentOptions options = options_ephemeral();
  char text[8];

  options.api_key = NULL;
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("API key not configured"));
  options.api_key = " \n";
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);

  check_failed(datadog_agent_start_ptr(NULL), DATADOG_NULL_POINTER);
  CHECK(last_error_has("options is NULL"));
  CHECK_INT(datadog_agent_last_error(text, sizeof text), strlen("options is NULL"));
  CHECK(strcmp(text, "options") == 0);

  options.api_key = "\xff\xfe";
  check_failed(datadog_agent_start(options), DATADOG_INVALID_STRING);
  CHECK(last_error_has("api_key: not UTF-8"));

  options = options_ephemeral();
  options.site = "https://no site";
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("site"));

  options = options_ephemeral();
  options.trace_agent_port = 70000;
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("trace_agent_port=70000: must be -1 or in 0..=65535"));
  options.trace_agent_port = -2;
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);

  options = options_ephemeral();
  options.dogstatsd_enabled = 1;
  options.dogstatsd_port = 65536;
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("dogstatsd_port=65536: "));

  options = options_ephemeral();
  options.trace_agent_uds_permissions = 01000;
  check_failed(datadog_agent_start(options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("trace_agent_uds_permissions=512: "));
}

static void later_options_are_checked(void) {
  DatadogAgentOptionsV2 options = options_v2();
  DatadogEnvVar variable;
  struct {
    DatadogAgentOptionsV2 known;
    char unknown[8];
  } longer;

  check_failed(datadog_agent_start_v2(NULL), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_options_init_v2(NULL, sizeof options), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_options_init_v2(&options, 3), DATADOG_CONFIG_ERROR);

  options.struct_size = 0;
  check_failed(datadog_agent_start_v2(&options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("struct_size=0: "));
  options = options_v2();
  options.flags = 1;
  check_failed(datadog_agent_start_v2(&options), DATADOG_CONFIG_ERROR);

  CHECK_INT(datadog_agent_options_init_v2(&longer.known, sizeof longer), DATADOG_OK);
  longer.known.api_key = KEY;
  longer.unknown[0] = 1;
  check_failed(datadog_agent_start_v2(&longer.known), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("a field of the options is set that this library does not have"));

  /* A variable of the host counts as one of the environment does. */
  options = options_v2();
  variable.name = "DD_TRACE_AGENT_PORT";
  variable.value = "many";
  options.extra_env = &variable;
  options.extra_env_len = 1;
  check_failed(datadog_agent_start_v2(&options), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("DD_TRACE_AGENT_PORT=\"many\""));
  options.extra_env = NULL;
  check_failed(datadog_agent_start_v2(&options), DATADOG_NULL_POINTER);
}

static void stale_pointers_lead_to_nothing(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgent *agent;
  long on_the_stack = 0;
  DatadogAgent *wrong = (DatadogAgent *)(void *)&on_the_stack;
  int i;

  agent = started(&options).agent;
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
  for (i = 0; i < 2; i++) {
    DatadogAgent *dead = i == 0 ? agent : wrong;
    CHECK_INT(datadog_agent_stop(dead), DATADOG_NULL_POINTER);
    CHECK_INT(datadog_agent_flush(dead, 1), DATADOG_NULL_POINTER);
    CHECK_INT(datadog_agent_request_shutdown(dead), DATADOG_NULL_POINTER);
    CHECK_INT(datadog_agent_submit_logs(dead, "{}", 2), DATADOG_NULL_POINTER);
    CHECK_INT(datadog_agent_wait_for_shutdown(dead), -1);
    CHECK_INT(datadog_agent_wait_for_shutdown_timeout(dead, 1), -1);
  }
  /* The next agent does not answer to the pointer of the last. */
  wrong = started(&options).agent;
  CHECK(wrong != agent);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_stop(wrong), DATADOG_OK);
}

int main(void) {
  CHECK_INT(datadog_agent_last_error(NULL, 0), 0);
  CHECK_INT(datadog_agent_stop(NULL), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_wait_for_shutdown(NULL), -1);
  CHECK_INT(datadog_agent_flush(NULL, 1), DATADOG_NULL_POINTER);
  datadog_free_string(NULL);
  options_are_checked();
  later_options_are_checked();
  stale_pointers_lead_to_nothing();
  return 0;
}
