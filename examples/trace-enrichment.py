"""Enriches a trace: who asked, what it was about, why it failed; and connects a log and a metric with it."""

import json
import os
import random
import socket
import time
import traceback
import urllib.request

from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent

SERVICE = "example-trace-enrichment"
ENVIRONMENT = "examples"

# Logs are taken on the port of traces too, so that their own may be any.
SETTINGS = {"DD_LOGS_ENABLED": "true", "DD_LOGS_AGENT_PORT": "0"}


class Span:
    """One piece of work: texts in `meta`, numbers in `metrics`, and its error, if it had one."""

    def __init__(self, name, resource, parent=None):
        self.body = {
            "service": SERVICE,
            "name": name,
            "resource": resource,
            "trace_id": parent.body["trace_id"] if parent else random.getrandbits(63),
            "span_id": random.getrandbits(63),
            "parent_id": parent.body["span_id"] if parent else 0,
            "start": time.time_ns(),
            "error": 0,
            "meta": {"env": ENVIRONMENT, "version": "2.1.0"},
            # On the first span of a service: how the whole trace was sampled. 2: kept, because the program says so.
            "metrics": {} if parent else {"_sampling_priority_v1": 2},
        }

    def tag(self, **tags):
        for name, value in tags.items():
            kind = "metrics" if isinstance(value, (int, float)) else "meta"
            self.body[kind][name.replace("__", ".")] = value

    def fail(self, error):
        self.body["error"] = 1
        self.tag(
            error__type=type(error).__name__,
            error__message=str(error),
            error__stack="".join(traceback.format_exception(type(error), error, error.__traceback__)),
        )

    def finish(self):
        self.body["duration"] = time.time_ns() - self.body["start"]
        return self.body


def main():
    config = DatadogAgentConfig(
        api_key=os.environ.get("DD_API_KEY", "00000000000000000000000000000de5"),
        service=SERVICE,
        environment=ENVIRONMENT,
        version="2.1.0",
        log_level=LogLevel.WARN,
        remote_config_enabled=False,
        dogstatsd_enabled=True,
        settings=SETTINGS,
    )
    with NativeAgent(config) as agent:
        print(f"agent {agent.version}: traces on port {agent.bound_port}, metrics on port {agent.dogstatsd_port}")
        checkout = Span("checkout", "POST /checkout")
        checkout.tag(span__kind="server", usr__id="u-77", cart__items=3, cart__total=42.5)
        payment = Span("payment.charge", "charge card", parent=checkout)
        payment.tag(span__kind="client", peer__service="payments", payment__provider="acme")
        try:
            charge()
        except PermissionError as error:
            payment.fail(error)
            checkout.fail(error)
        spans = [checkout.body, payment.finish()]
        checkout.finish()
        post(agent, "/v0.4/traces", [spans])
        print("sent a trace: checkout, with payment.charge, which failed")
        tags = f"service:{SERVICE},env:{ENVIRONMENT},payment.provider:acme"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
            statsd.sendto(f"example.enrichment.declined:1|c|#{tags}".encode(), ("127.0.0.1", agent.dogstatsd_port))
        print("sent a metric: example.enrichment.declined")
        log = {
            "message": "the card was declined",
            "service": SERVICE,
            "status": "error",
            "ddtags": f"env:{ENVIRONMENT},version:2.1.0",
            # By these two, the log is found beside the trace.
            "dd.trace_id": str(checkout.body["trace_id"]),
            "dd.span_id": str(payment.body["span_id"]),
        }
        post(agent, "/v1/input", [log])
        print("sent a log: the card was declined")
        print("flushed" if agent.flush(timeout=10) else "not everything could be sent yet")
    print("stopped")


def charge():
    raise PermissionError("card declined")


def post(agent, path, value):
    url = f"http://127.0.0.1:{agent.bound_port}{path}"
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


if __name__ == "__main__":
    main()
