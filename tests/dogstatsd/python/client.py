"""Sends the fixed list with PyPI's `datadog`, once in each of its modes.

    client.py udp://HOST:PORT unixgram:///PATH unixstream:///PATH
"""

import itertools
import random
import sys
from urllib.parse import urlparse

# The client asks this function whether a sample with a rate is sent; so all of them are. It must be replaced before the
# client imports it.
random.random = lambda: 0.25

from datadog.dogstatsd import DogStatsd  # noqa: E402

CONTAINER = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860"
AT = 1700000000

BUFFERING = {
    "unbuffered": {"disable_buffering": True},
    "buffered": {"disable_buffering": False},
}
AGGREGATION = {
    "plain": {"disable_aggregation": True},
    # Counts, gauges and sets.
    "aggregated": {"disable_aggregation": False},
    # Histograms, distributions and timings too; the limit is never reached.
    "extended": {"disable_aggregation": False, "max_metric_samples_per_context": 1000},
}


def connect(url, mode, options):
    address = urlparse(url)
    if address.scheme == "udp":
        options["host"], options["port"] = address.hostname, address.port
    else:
        options["socket_path"] = url
    return DogStatsd(
        namespace="shop",
        constant_tags=["team:metrics", "mode:" + mode],
        container_id=CONTAINER,
        disable_telemetry=True,
        # Wait rather than drop.
        socket_timeout=10,
        # No timer sends half of the list before `stop` sends the rest.
        flush_interval=3600,
        **options
    )


def send(client):
    client.gauge("gauge", 1.5, tags=["kind:gauge"])
    client.gauge("gauge", 42.25, tags=["kind:gauge"])
    client.gauge("gauge.negative", -7.5)
    client.gauge("gauge.tiny", 0.000001)
    client.gauge("gauge.huge", 1e21)
    client.count("count", 3, tags=["kind:count"])
    client.count("count", -1, tags=["kind:count"])
    client.increment("increment")
    client.increment("increment", 5)
    client.decrement("increment")
    for value in (4, 1, 3, 2):
        client.histogram("histogram", value, tags=["kind:histogram"])
    for value in (1, 2, 3, 4, 5):
        client.distribution("distribution", value, tags=["kind:distribution"])
    for value in range(1, 101):
        client.distribution("distribution.many", value)
    for value in ("anna", "ben", "anna", "a:b", "Zoë"):
        client.set("set", value, tags=["kind:set"])
    for value in (120, 80):
        client.timing("timing", value, tags=["kind:timing"])

    client.count("sampled.count", 2, sample_rate=0.5)
    client.histogram("sampled.histogram", 10, sample_rate=0.5)
    client.distribution("sampled.distribution", 10, sample_rate=0.5)

    tags = ["city:Köln", "rocket:🚀", "bare", "url:http://a/b:8080", "two words:a b", "twice:1", "twice:1"]
    client.gauge("tags", 1, tags=tags)
    client.gauge("tags.host", 1, tags=["host:other"])
    client.gauge("tags.device", 1, tags=["device:eth0"])
    client.gauge("origin", 1, cardinality="high")
    client.gauge("origin", 2, cardinality="none")

    client.gauge_with_timestamp("at.gauge", 9.5, AT)
    client.count_with_timestamp("at.count", 4, AT + 3)

    client.event(
        "Deploy | shop",
        "line one\nline two",
        alert_type="success",
        aggregation_key="deploy-7",
        source_type_name="jenkins",
        date_happened=AT,
        priority="low",
        tags=["kind:event"],
        hostname="web-1",
    )
    client.event("Größe", "naïve → 🚀")
    client.service_check(
        "shop.db",
        DogStatsd.WARNING,
        tags=["kind:check"],
        timestamp=AT,
        hostname="web-1",
        message="langsam: 3 s für m:all\nretry",
    )
    client.service_check("shop.cache", DogStatsd.OK)


for url in sys.argv[1:]:
    for buffering, aggregation in itertools.product(BUFFERING, AGGREGATION):
        mode = ".".join((urlparse(url).scheme, buffering, aggregation))
        client = connect(url, mode, {**BUFFERING[buffering], **AGGREGATION[aggregation]})
        send(client)
        if not client.stop():
            sys.exit("the client could not send everything in mode " + mode)
