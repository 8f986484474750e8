"""Ctrl+C and SIGTERM, as a program in a terminal or a container gets them."""

import re
import signal
import socket

import pytest
from conftest import PACKAGE

SETUP = """
import signal, threading, time
from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent
agent = NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN))

def say_when_signals_are_taken():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    print("waiting", flush=True)
"""

WAITS = SETUP + """
threading.Thread(target=say_when_signals_are_taken, daemon=True).start()
with agent:
    reason = agent.wait_for_shutdown()
    print(reason.name, flush=True)
"""


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "USER_INTERRUPT"), (signal.SIGTERM, "GRACEFUL_SHUTDOWN")]
)
def test_a_signal_ends_the_wait_and_the_program_ends_well(script, number, reason):
    program = script(WAITS)
    assert program.line() == "waiting"
    program.send(number)
    assert program.line() == reason
    assert program.end() == (0, "", "")


def test_a_second_ctrl_c_does_what_it_did_before(script):
    program = script(WAITS + "    time.sleep(600)\n")
    assert program.line() == "waiting"
    program.send(signal.SIGINT)
    assert program.line() == "USER_INTERRUPT"
    program.send(signal.SIGINT)
    status, _, errors = program.end()
    assert status == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_handler_of_the_program_is_left_alone(script):
    program = script(
        SETUP
        + """
def mine(number, frame):
    print("mine", flush=True)
    agent.request_shutdown()
signal.signal(signal.SIGINT, mine)
print("ready", flush=True)
print(agent.wait_for_shutdown().name)
agent.stop()
print(signal.getsignal(signal.SIGINT) is mine)
"""
    )
    assert program.line() == "ready"
    program.send(signal.SIGINT)
    assert program.end() == (0, "mine\nGRACEFUL_SHUTDOWN\nTrue\n", "")


def test_with_a_timeout_ctrl_c_is_an_exception_and_the_block_stops_the_agent(script):
    program = script(
        SETUP
        + """
try:
    with agent:
        print("ready", flush=True)
        agent.wait_for_shutdown(timeout=600)
except KeyboardInterrupt:
    print("interrupted", agent.is_running)
"""
    )
    assert program.line() == "ready"
    program.send(signal.SIGINT)
    assert program.end() == (0, "interrupted False\n", "")


def test_ctrl_c_is_heard_while_a_stop_waits_for_the_network(script):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        program = script(
            SETUP
            + """
import urllib.request
url = f"http://127.0.0.1:{agent.bound_port}/v1/input"
urllib.request.urlopen(urllib.request.Request(url, b'[{"message":"m"}]', {"Content-Type": "application/json"})).close()
def tell():
    while agent.is_running:
        time.sleep(0.01)
    print("stopping", flush=True)
threading.Thread(target=tell, daemon=True).start()
try:
    agent.stop()
    print("stopped")
except KeyboardInterrupt:
    print("interrupted")
    import os; sys = __import__("sys"); sys.stdout.flush(); os._exit(0)
""",
            DD_LOGS_ENABLED="true",
            DD_LOGS_CONFIG_LOGS_DD_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
            DD_SHUTDOWN_TIMEOUT="600",
        )
        assert program.line() == "stopping"
        program.send(signal.SIGINT)
        assert program.end()[:2] == (0, "interrupted\n")


def readme_example():
    blocks = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if "wait_for_shutdown" in block)


def test_the_example_of_the_readme_prints_its_lines_and_ends_with_ctrl_c(script):
    program = script(readme_example())
    assert re.fullmatch(r"Agent version: \d+\.\d+\.\d+.*", program.line())
    port = re.fullmatch(r"Trace port: (\d+)", program.line()).group(1)
    assert re.fullmatch(r"DogStatsD port: \d+", program.line())
    with socket.create_connection(("127.0.0.1", int(port))):
        pass
    program.send(signal.SIGINT)
    status, output, errors = program.end()
    # The wait may not have begun yet: then it is an exception, which stops the agent as well.
    assert output == ""
    assert status == 0 or errors.rstrip().endswith("KeyboardInterrupt")
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", int(port))) != 0
