"""A web service behind a firewall: each request is looked at before and after the service has it, and answered as the
verdict says. Serves itself a request as any and one that looks like an attack, and ends.

Needs a library with AppSec and a libddwaf that DD_APPSEC_LIBDDWAF_PATH names; without them, requests go on unseen.
"""

import io
import json
import os
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

from datadog_agent_native import DatadogAgentConfig, DatadogAgentException, DatadogError, LogLevel, NativeAgent, SpanTags

SERVICE = "example-appsec"
ORDERS = {"1": "tea", "2": "milk"}
LARGEST_BODY = 1 << 20

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
        appsec_enabled=True,
        appsec_blocking=True,
        settings=SETTINGS,
    )
    with NativeAgent(config) as agent:
        print(f"agent {agent.version}: traces on port {agent.bound_port}, metrics on port {agent.dogstatsd_port}")
        with make_server("127.0.0.1", 0, Guard(orders, agent), handler_class=Quiet) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for client in ("curl/8", "dd-test-scanner-log-block"):
                print(f"GET /orders/1 as {client}: {status(server, client)}")
            server.shutdown()
        print("flushed" if agent.flush(timeout=10) else "not everything could be sent yet")
    print("stopped")


def orders(environ, start_response):
    """The service, which knows nothing of firewalls."""
    order = ORDERS.get(environ["PATH_INFO"].rsplit("/", 1)[-1])
    start_response("200 OK" if order else "404 Not Found", [("Content-Type", "text/plain")])
    return [(order or "no such order").encode()]


class Guard:
    """WSGI middleware: asks the firewall, and tells the agent of the request."""

    def __init__(self, application, agent):
        self.application = application
        self.agent = agent
        self.telemetry = Telemetry(agent)

    def __call__(self, environ, start_response):
        begin = time.time_ns()
        try:
            with self.agent.appsec_request() as request:
                status, headers, body = self.guarded(environ, request)
                tags = request.tags()
        except DatadogAgentException as error:
            if error.error is not DatadogError.NOT_AVAILABLE:
                raise
            print(f"nobody looks at this request: {error}")
            status, headers, body = self.served(environ)
            tags = SpanTags()
        self.telemetry.request(environ, int(status[:3]), begin, tags)
        start_response(status, headers)
        return [body]

    def guarded(self, environ, request):
        """Asks before the service has the request, and once it has answered."""
        request.add(addresses(environ))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if 0 < length <= LARGEST_BODY:
            body = environ["wsgi.input"].read(length)
            request.add_body(body)
            environ["wsgi.input"] = io.BytesIO(body)
        verdict = request.verdict()
        if not verdict.is_allowed:
            return page(verdict)
        status, headers, body = self.served(environ)
        request.add({"server.response.status": status[:3], "server.response.headers.no_cookies": lists(headers)})
        request.add_response_body(body)
        verdict = request.verdict()
        return (status, headers, body) if verdict.is_allowed else page(verdict)

    def served(self, environ):
        """What the service answers."""
        answer = []
        body = b"".join(self.application(environ, lambda *head: answer.extend(head)))
        return (*answer[:2], body)


def page(verdict):
    """The answer to a request that does not go on."""
    headers = [("Content-Type", verdict.content_type or "text/plain")]
    if verdict.location:
        headers.append(("Location", verdict.location))
    return f"{verdict.status} Blocked", headers, verdict.body


def addresses(environ):
    """What WSGI knows of a request, by the names that rules have for it."""
    query = environ.get("QUERY_STRING")
    headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    headers += [(name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
    return {
        "http.route": "/orders/{number}",
        "server.request.method": environ["REQUEST_METHOD"],
        "server.request.uri.raw": environ["PATH_INFO"] + (f"?{query}" if query else ""),
        "server.request.headers.no_cookies": lists(headers),
        "network.client.ip": environ["REMOTE_ADDR"],
    }


def lists(headers):
    """Values by names in lower case; a name may come several times."""
    found = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


class Telemetry:
    """What the service says about a request, to the agent in its own process."""

    def __init__(self, agent):
        self.base = f"http://127.0.0.1:{agent.bound_port}"
        self.statsd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.statsd.connect(("127.0.0.1", agent.dogstatsd_port))

    def request(self, environ, status, begin, tags):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        own = {"span.kind": "server", "http.method": method, "http.url": path, "http.status_code": str(status)}
        span = {
            "service": SERVICE,
            "name": "http.request",
            "resource": f"{method} /orders/{{number}}",
            "type": "web",
            "trace_id": random.getrandbits(63),
            "span_id": random.getrandbits(63),
            "start": begin,
            "duration": time.time_ns() - begin,
            # What the firewall found goes on the span as it is; a metric among it has the trace kept.
            "meta": {**own, **tags.meta},
            "metrics": dict(tags.metrics),
        }
        self.post("/v0.4/traces", [[span]])
        self.statsd.send(f"example.appsec.requests:1|c|#service:{SERVICE},status:{status}".encode())
        log = {"message": f"{method} {path} answered {status}", "service": SERVICE, "status": "info"}
        self.post("/v1/input", [log])

    def post(self, path, value):
        body = json.dumps(value).encode()
        request = urllib.request.Request(self.base + path, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        """The agent has the log."""


def status(server, client):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.server_port}/orders/1?q=tea", headers={"User-Agent": client}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    main()
