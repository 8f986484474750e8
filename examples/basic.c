#include "datadog_agent_native.h"
#include <stdio.h>
#include <stdlib.h>

int main() {
    // Configure the agent
    DatadogAgentOptions options = {
        .api_key = "your-api-key-here",
        .site = "datadoghq.com",
        .service = "my-c-service",
        .env = "production",
        .version = "1.0.0",
        .appsec_enabled = 0,
        .remote_config_enabled = 1,
        .log_level = 3,  // Info
        .operational_mode = 0,  // HttpFixedPort
        .trace_agent_port = 8126,
        .dogstatsd_enabled = 0,
        .dogstatsd_port = 0,
        .trace_agent_uds_permissions = -1,
    };

    // Start the agent
    DatadogAgentStartResult result = datadog_agent_start(options);
    if (result.error != DATADOG_OK || result.agent == NULL) {
        fprintf(stderr, "Failed to start Datadog agent: %d\n", result.error);
        return 1;
    }

    printf("Agent started successfully!\n");
    printf("Version: %s\n", result.version);
    printf("Bound port: %d\n", result.bound_port);

    // Wait for shutdown signal
    int shutdown_reason = datadog_agent_wait_for_shutdown(result.agent);
    printf("Shutdown reason: %d\n", shutdown_reason);

    // Stop the agent
    datadog_agent_stop(result.agent);

    return 0;
}
