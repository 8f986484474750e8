"""Sends a trace, a metric and a log through one Unix socket, of which only this user may write to the file."""

import http.client
import json
import os
import random
import socket
import stat
import time

from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent, OperationalMode

SERVICE = "example-unix-socket"

# Logs are taken on the socket of traces too.
SETTINGS = {"DD_LOGS_ENABLED": "true", "DD_LOGS_AGENT_PORT": "0"}


def main():
    config = DatadogAgentConfig(
        api_key=os.environ.get("DD_API_KEY", "00000000000000000000000000000de5"),
        service=SERVICE,
        environment="examples",
        log_level=LogLevel.WARN,
        operational_mode=OperationalMode.HTTP_UDS,
        trace_agent_uds_permissions=0o600,
        remote_config_enabled=False,
        dogstatsd_enabled=True,
        settings=SETTINGS,
    )
    with NativeAgent(config) as agent:
        mode = stat.filemode(os.stat(agent.uds_path).st_mode)
        print(f"agent {agent.version}: traces, metrics and logs on {agent.uds_path} ({mode})")
        span = {
            "service": SERVICE,
            "name": "file.read",
            "resource": "read a file",
            "trace_id": random.getrandbits(63),
            "span_id": random.getrandbits(63),
            "start": time.time_ns(),
            "duration": 3_000_000,
        }
        post(agent, "/v0.4/traces", "application/json", json.dumps([[span]]))
        print("sent a trace: file.read")
        # What a client of DogStatsD would send as a datagram.
        post(agent, "/dogstatsd/v2/proxy", "text/plain", f"example.unix_socket.files:1|c|#service:{SERVICE}\n")
        print("sent a metric: example.unix_socket.files")
        log = {"message": "file read", "service": SERVICE, "status": "info"}
        post(agent, "/v1/input", "application/json", json.dumps([log]))
        print("sent a log: file read")
        print("flushed" if agent.flush(timeout=10) else "not everything could be sent yet")
        path = agent.uds_path
    print(f"stopped, and the socket is {'still there' if os.path.exists(path) else 'gone'}")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def post(agent, path, content_type, body):
    connection = UnixConnection(agent.uds_path)
    connection.request("POST", path, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{path} answered {answer.status}")


if __name__ == "__main__":
    main()
