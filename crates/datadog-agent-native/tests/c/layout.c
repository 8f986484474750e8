/* The structs that every binding has written down: sizes and offsets, at compile time. */

#include "check.h"

#include <stddef.h>

#define ASSERT(name, condition) typedef char name[(condition) ? 1 : -1]
#define AT(name, type, field, offset) ASSERT(name, sizeof(void *) != 8 || offsetof(type, field) == (offset))

ASSERT(options_size, sizeof(void *) != 8 || sizeof(DatadogAgentOptions) == 72);
AT(options_0, DatadogAgentOptions, api_key, 0);
AT(options_8, DatadogAgentOptions, site, 8);
AT(options_16, DatadogAgentOptions, service, 16);
AT(options_24, DatadogAgentOptions, env, 24);
AT(options_32, DatadogAgentOptions, version, 32);
AT(options_40, DatadogAgentOptions, appsec_enabled, 40);
AT(options_44, DatadogAgentOptions, remote_config_enabled, 44);
AT(options_48, DatadogAgentOptions, log_level, 48);
AT(options_52, DatadogAgentOptions, operational_mode, 52);
AT(options_56, DatadogAgentOptions, trace_agent_port, 56);
AT(options_60, DatadogAgentOptions, dogstatsd_enabled, 60);
AT(options_64, DatadogAgentOptions, dogstatsd_port, 64);
AT(options_68, DatadogAgentOptions, trace_agent_uds_permissions, 68);
ASSERT(result_size, sizeof(void *) != 8 || sizeof(DatadogAgentStartResult) == 40);
AT(result_0, DatadogAgentStartResult, agent, 0);
AT(result_8, DatadogAgentStartResult, error, 8);
AT(result_16, DatadogAgentStartResult, version, 16);
AT(result_24, DatadogAgentStartResult, bound_port, 24);
AT(result_28, DatadogAgentStartResult, dogstatsd_port, 28);
AT(result_32, DatadogAgentStartResult, uds_path, 32);
ASSERT(error_size, sizeof(DatadogError) == sizeof(int));
ASSERT(options_v2_size, sizeof(void *) != 8 || sizeof(DatadogAgentOptionsV2) == 152);
AT(options_v2_0, DatadogAgentOptionsV2, struct_size, 0);
AT(options_v2_8, DatadogAgentOptionsV2, api_key, 8);
AT(options_v2_80, DatadogAgentOptionsV2, uds_path, 80);
AT(options_v2_104, DatadogAgentOptionsV2, shutdown_timeout_ms, 104);
AT(options_v2_112, DatadogAgentOptionsV2, log_callback, 112);
AT(options_v2_136, DatadogAgentOptionsV2, extra_env_len, 136);
AT(options_v2_144, DatadogAgentOptionsV2, appsec_blocking, 144);
ASSERT(verdict_size, sizeof(void *) != 8 || sizeof(DatadogAppSecVerdict) == 56);
AT(verdict_0, DatadogAppSecVerdict, action, 0);
AT(verdict_4, DatadogAppSecVerdict, status, 4);
AT(verdict_8, DatadogAppSecVerdict, grpc_status, 8);
AT(verdict_16, DatadogAppSecVerdict, content_type, 16);
AT(verdict_24, DatadogAppSecVerdict, body, 24);
AT(verdict_32, DatadogAppSecVerdict, body_len, 32);
AT(verdict_40, DatadogAppSecVerdict, location, 40);
AT(verdict_48, DatadogAppSecVerdict, security_response_id, 48);
ASSERT(action_size, sizeof(DatadogAppSecAction) == sizeof(int));

int main(void) {
  static const int codes[] = {DATADOG_OK,
                              DATADOG_NULL_POINTER,
                              DATADOG_INVALID_STRING,
                              DATADOG_CONFIG_ERROR,
                              DATADOG_INIT_ERROR,
                              DATADOG_STARTUP_ERROR,
                              DATADOG_SHUTDOWN_ERROR,
                              DATADOG_RUNTIME_ERROR,
                              DATADOG_INVALID_DATA_FORMAT,
                              DATADOG_SUBMISSION_ERROR,
                              DATADOG_NOT_AVAILABLE};
  int i;
  for (i = 0; i < (int)(sizeof codes / sizeof codes[0]); i++) CHECK_INT(codes[i], i);
  CHECK_INT(DATADOG_UNKNOWN_ERROR, 99);
  CHECK_INT(datadog_agent_abi_version(), 1);
  CHECK(datadog_agent_version()[0] != 0);
  return 0;
}
