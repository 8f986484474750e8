"""A shop of one page that PyPI's `ddtrace` instruments: WSGI of the standard library, and SQLite.

Prints its address as a line of JSON, serves until its standard input ends, then stops the tracer and prints the spans
that it made as another.
"""

import ddtrace.auto  # noqa: F401  (first: it instruments what is imported after it)

import json
import sqlite3
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from ddtrace.contrib.wsgi import DDWSGIMiddleware
from ddtrace.trace import Context, TraceFilter, tracer

finished = []


class Recorder(TraceFilter):
    """Keeps every trace that the tracer finishes, before it decides what becomes of it."""

    def process_trace(self, trace):
        finished.extend(trace)
        return trace


def record(span):
    return {
        "trace_id": format(span.trace_id, "032x"),
        "span_id": str(span.span_id),
        "parent_id": str(span.parent_id or 0),
        "service": span.service,
        "name": span.name,
        "resource": span.resource,
        "type": span.span_type or "",
        "error": span.error,
        "priority": span.context.sampling_priority,
        "meta": span.get_tags(),
        "metrics": span.get_metrics(),
    }


def order(number):
    database = sqlite3.connect(":memory:")
    cursor = database.execute("SELECT %d, 'tea'" % number)
    return json.dumps(cursor.fetchone())


def by_hand():
    with tracer.trace("shop.by_hand", resource="Größe 🚀", span_type="worker") as span:
        span.set_tag("city", "Köln")
        span.set_metric("weight", 12.5)
        span._set_struct_tag("payload", {"items": [1, 2, {"deep": "yes"}]})
        span.link_span(
            Context(trace_id=0x0123456789ABCDEFFEDCBA9876543210, span_id=0x1122334455667788),
            attributes={"reason": "retry"},
        )
        span._add_event(
            "cache.miss",
            {"key": "a", "tries": 3, "share": 0.5, "cold": True, "tiers": ["l1", "l2"]},
            1700000000000000123,
        )
        try:
            raise ValueError("no tea left")
        except ValueError:
            span.set_exc_info(*sys.exc_info())
    return "{}"


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/by-hand":
        body = by_hand()
    else:
        body = order(int(path.rsplit("/", 1)[1]))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body.encode()]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


tracer.configure(trace_processors=[Recorder()])
server = make_server("127.0.0.1", 0, DDWSGIMiddleware(application), handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"app": "http://127.0.0.1:%d" % server.server_port}), flush=True)
sys.stdin.read()
server.shutdown()
tracer.shutdown()
print(json.dumps([record(span) for span in finished]), flush=True)
