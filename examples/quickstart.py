"""Starts an agent, sends a trace, a metric and a log through it, flushes and stops.

    pip install datadog-agent-native
    DD_API_KEY=… python quickstart.py
"""

import json
import os
import random
import socket
import time
import urllib.request

from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent

SERVICE = "example-quickstart"

# Whatever has no option of its own is a DD_* variable: of the environment, or of this agent alone.
# Logs are taken on the port of traces too, so that their own may be any.
SETTINGS = {"DD_LOGS_ENABLED": "true", "DD_LOGS_AGENT_PORT": "0"}


def main():
    config = DatadogAgentConfig(
        api_key=os.environ.get("DD_API_KEY", "00000000000000000000000000000de5"),
        service=SERVICE,
        environment="examples",
        log_level=LogLevel.WARN,
        remote_config_enabled=False,
        dogstatsd_enabled=True,
        settings=SETTINGS,
    )
    with NativeAgent(config) as agent:
        print(f"agent {agent.version}: traces on port {agent.bound_port}, metrics on port {agent.dogstatsd_port}")
        send_trace(agent)
        send_metric(agent)
        send_log(agent)
        print("flushed" if agent.flush(timeout=10) else "not everything could be sent yet")
    print("stopped")


def send_trace(agent):
    span = {
        "service": SERVICE,
        "name": "order.place",
        "resource": "place order",
        "trace_id": random.getrandbits(63),
        "span_id": random.getrandbits(63),
        "start": time.time_ns(),
        "duration": 12_000_000,
    }
    post(agent, "/v0.4/traces", [[span]])
    print("sent a trace: order.place")


def send_metric(agent):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.sendto(b"example.quickstart.orders:1|c|#service:example-quickstart", ("127.0.0.1", agent.dogstatsd_port))
    print("sent a metric: example.quickstart.orders")


def send_log(agent):
    post(agent, "/v1/input", [{"message": "order placed", "service": SERVICE, "status": "info"}])
    print("sent a log: order placed")


def post(agent, path, value):
    url = f"http://127.0.0.1:{agent.bound_port}{path}"
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        response.read()


if __name__ == "__main__":
    main()
