"""Sends every kind of metric that DogStatsD knows, an event and a service check; a trace and a log of the same work.

No client library is needed: a metric is a line of text in a datagram.
"""

import json
import os
import random
import socket
import time
import urllib.request

from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent

SERVICE = "example-custom-metrics"
TAGS = f"service:{SERVICE},shop:berlin"

# Logs are taken on the port of traces too, so that their own may be any.
SETTINGS = {"DD_LOGS_ENABLED": "true", "DD_LOGS_AGENT_PORT": "0"}

METRICS = [
    # Counted: the sum of ten seconds.
    f"example.custom.orders:3|c|#{TAGS}",
    # Counted by one in ten, and multiplied again by the agent.
    f"example.custom.views:1|c|@0.1|#{TAGS}",
    # Measured: the last value of ten seconds.
    f"example.custom.queue:42|g|#{TAGS}",
    # Percentiles and an average, worked out in the agent; several values in one line.
    f"example.custom.basket:19.90:7.50:120|h|#{TAGS}",
    # Percentiles over all hosts, worked out at the other end.
    f"example.custom.latency:12:15:80|d|#{TAGS}",
    # A duration in milliseconds.
    f"example.custom.checkout:250|ms|#{TAGS}",
    # How many different values there were.
    f"example.custom.customers:ada|s|#{TAGS}",
    f"example.custom.customers:grace|s|#{TAGS}",
]
TITLE, TEXT = "deployed", "version 2 of the shop"
EVENT = f"_e{{{len(TITLE)},{len(TEXT)}}}:{TITLE}|{TEXT}|t:success|#{TAGS}"
CHECK = f"_sc|example.custom.database|0|#{TAGS}"


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
        begin = time.time_ns()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
            statsd.connect(("127.0.0.1", agent.dogstatsd_port))
            # Many lines may share a datagram.
            statsd.send("\n".join(METRICS).encode())
            statsd.send(EVENT.encode())
            statsd.send(CHECK.encode())
        print(f"sent {len(METRICS)} metrics, an event and a service check")
        span = {
            "service": SERVICE,
            "name": "metrics.send",
            "resource": "send metrics",
            "trace_id": random.getrandbits(63),
            "span_id": random.getrandbits(63),
            "start": begin,
            "duration": time.time_ns() - begin,
            "metrics": {"metrics.sent": len(METRICS)},
        }
        post(agent, "/v0.4/traces", [[span]])
        print("sent a trace: metrics.send")
        post(agent, "/v1/input", [{"message": "metrics sent", "service": SERVICE, "status": "info"}])
        print("sent a log: metrics sent")
        print("flushed" if agent.flush(timeout=10) else "not everything could be sent yet")
    # What the last ten seconds counted goes out with the stop.
    print("stopped")


def post(agent, path, value):
    url = f"http://127.0.0.1:{agent.bound_port}{path}"
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


if __name__ == "__main__":
    main()
