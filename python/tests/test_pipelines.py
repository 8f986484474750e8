"""What a program sends to the agent inside it arrives."""

import json
import random
import socket
import struct
import time
import urllib.request

import pytest
from conftest import DEADLINE


def post(agent, path, body, content_type):
    url = f"http://127.0.0.1:{agent.bound_port}{path}"
    request = urllib.request.Request(url, body, {"Content-Type": content_type, "X-Datadog-Trace-Count": "1"})
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        return answer.status


def span(service):
    return {
        "service": service,
        "name": "test.span",
        "resource": "test",
        "trace_id": random.getrandbits(63),
        "span_id": random.getrandbits(63),
        "start": time.time_ns(),
        "duration": 1_000_000,
    }


def packed(value):
    """A little msgpack: what a trace needs."""
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value)]) + value.encode()
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(packed, value))
    return bytes([0x80 | len(value)]) + b"".join(packed(part) for pair in value.items() for part in pair)


@pytest.mark.parametrize(
    ("content_type", "encode"),
    [("application/msgpack", packed), ("application/json", lambda value: json.dumps(value).encode())],
)
def test_a_trace_arrives(agent, intake, content_type, encode):
    # Of this run alone: the intake may have been asked before.
    service = f"python-trace-{random.getrandbits(48):x}"
    sent = span(service)
    started = agent()
    assert post(started, "/v0.4/traces", encode([[sent]]), content_type) == 200
    assert started.flush(timeout=DEADLINE)
    (arrived,) = intake.expect("traces", service=service)["spans"]
    assert (arrived["name"], arrived["spanID"]) == ("test.span", str(sent["span_id"]))


def test_a_metric_arrives_with_the_stop(agent, intake):
    started = agent(dogstatsd_enabled=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.sendto(b"python.test.count:7|c|#suite:python", ("127.0.0.1", started.dogstatsd_port))
    assert started.stop()
    series = intake.expect("series", metric="python.test.count")
    assert (series["host"], series["tags"]) == ("embedding-host", ["suite:python"])


def test_a_log_arrives_with_its_tags(agent, intake):
    started = agent(service="python-log", tags="team:shop", settings={"DD_LOGS_ENABLED": "true"})
    message = f"hello from Python {random.getrandbits(48):x}"
    assert post(started, "/v1/input", json.dumps([{"message": message}]).encode(), "application/json") < 300
    assert started.flush(timeout=DEADLINE)
    log = intake.expect("logs", q=message)
    assert log["service"] == "python-log"
    assert "team:shop" in log["ddtags"].split(",")


def test_what_an_agent_holds_when_the_interpreter_ends_arrives(script, intake):
    program = script(
        """
import urllib.request
from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent, OperationalMode
agent = NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN))
socket = NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN,
                                        operational_mode=OperationalMode.HTTP_UDS))
url = f"http://127.0.0.1:{agent.bound_port}/v1/input"
body = b'[{"message":"last words"}]'
urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})).close()
print(socket.uds_path)
""",
        DD_LOGS_ENABLED="true",
    )
    path = program.line()
    assert program.end() == (0, "", "")
    intake.expect("logs", q="last words")
    with socket.socket(socket.AF_UNIX) as client:
        assert client.connect_ex(path) != 0


def test_a_program_may_stop_its_agent_as_the_last_thing_it_does(script):
    program = script(
        """
import atexit
from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent
agent = NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN))
atexit.register(lambda: print(agent.stop()))
"""
    )
    assert program.end() == (0, "True\n", "")


def test_an_interpreter_that_cannot_send_ends_and_removes_its_socket(script, tmp_path):
    with socket.socket() as refused:
        refused.bind(("127.0.0.1", 0))
        program = script(
            """
import socket
from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent, OperationalMode
agent = NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.ERROR,
                                       operational_mode=OperationalMode.HTTP_UDS))
client = socket.socket(socket.AF_UNIX)
client.connect(agent.uds_path)
client.send(b'POST /v1/input HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\n'
            b'Content-Length: 17\\r\\n\\r\\n[{"message":"m"}]')
assert client.recv(100)
print(agent.uds_path)
""",
            DD_LOGS_ENABLED="true",
            DD_LOGS_CONFIG_LOGS_DD_URL=f"http://127.0.0.1:{refused.getsockname()[1]}",
            DD_SHUTDOWN_TIMEOUT="600",
        )
        path = program.line()
        status, _, errors = program.end()
    assert status == 0
    assert "the agent could not deliver everything" in errors
    with socket.socket(socket.AF_UNIX) as client:
        assert client.connect_ex(path) != 0
