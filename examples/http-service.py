"""A web service whose every request makes a trace, a metric and a log. Serves itself three requests, and ends.

The agent starts before the first request and stops after the last; the service knows only its ports.
"""

import json
import os
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent

SERVICE = "example-http-service"
ORDERS = {"1": "tea", "2": "milk"}

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
        with serving(agent) as server:
            for number in ("1", "2", "3"):
                print(f"GET /orders/{number}: {status(server, number)}")
        print("flushed" if agent.flush(timeout=10) else "not everything could be sent yet")
    print("stopped")


def serving(agent):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    server.telemetry = Telemetry(agent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return Closing(server)


class Closing:
    """Ends a server, after the requests that it has begun."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        return self.server

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


class Orders(BaseHTTPRequestHandler):
    def do_GET(self):
        begin = time.time_ns()
        order = ORDERS.get(self.path.rsplit("/", 1)[-1])
        status = 200 if order else 404
        body = (order or "no such order").encode()
        # Told before it is answered, so that who has the answer knows that it was told.
        self.server.telemetry.request(self.command, self.path, status, begin)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """The agent has the log."""


class Telemetry:
    """What the service says about a request, to the agent in its own process."""

    def __init__(self, agent):
        self.base = f"http://127.0.0.1:{agent.bound_port}"
        self.statsd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.statsd.connect(("127.0.0.1", agent.dogstatsd_port))

    def request(self, method, path, status, begin):
        trace_id, span_id = random.getrandbits(63), random.getrandbits(63)
        span = {
            "service": SERVICE,
            "name": "http.request",
            "resource": f"{method} /orders/{{number}}",
            "type": "web",
            "trace_id": trace_id,
            "span_id": span_id,
            "start": begin,
            "duration": time.time_ns() - begin,
            "meta": {"span.kind": "server", "http.method": method, "http.url": path, "http.status_code": str(status)},
        }
        self.post("/v0.4/traces", [[span]])
        self.statsd.send(f"example.http.requests:1|c|#service:{SERVICE},status:{status}".encode())
        log = {
            "message": f"{method} {path} answered {status}",
            "service": SERVICE,
            "status": "info" if status < 400 else "warn",
            "dd.trace_id": str(trace_id),
            "dd.span_id": str(span_id),
        }
        self.post("/v1/input", [log])

    def post(self, path, value):
        body = json.dumps(value).encode()
        request = urllib.request.Request(self.base + path, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()


def status(server, number):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/orders/{number}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    main()
