"""An agent and the children of its process."""

import multiprocessing
import os
import re
import signal
import stat
import sys
import urllib.request

import pytest
from conftest import DEADLINE, until
from datadog_agent_native import (
    DatadogAgentConfig,
    DatadogAgentException,
    DatadogError,
    LogLevel,
    NativeAgent,
    OperationalMode,
    create_instance,
    get_instance,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


def in_child(body):
    """Runs `body` in a forked child; returns what it wrote, and the child's status."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            os.write(writer, repr(body()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as output:
        said = output.read().decode()
    return said, os.waitpid(child, 0)[1]


def config(**options):
    return DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN, **options)


def get(agent, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{agent.bound_port}{path}", timeout=DEADLINE) as answer:
        return answer.status


def errors_of(agent):
    """What each call in a child raises."""
    codes = []
    for call in (agent.flush, agent.request_shutdown, agent.wait_for_shutdown, lambda: agent.wait_for_shutdown(0)):
        try:
            call()
        except DatadogAgentException as error:
            codes.append(error.error)
    return codes


def test_in_a_child_every_call_is_refused_and_a_stop_does_nothing(agent):
    started = agent(operational_mode=OperationalMode.HTTP_UDS)
    said, status = in_child(lambda: (errors_of(started) == [DatadogError.NOT_AVAILABLE] * 4, started.stop()))
    assert (said, status) == ("(True, True)", 0)
    assert stat.S_ISSOCK(os.stat(started.uds_path).st_mode)
    assert started.is_running
    assert started.flush(timeout=DEADLINE)


def test_a_child_may_let_go_of_the_parents_agent_and_start_its_own(agent):
    started = agent()

    def child():
        with NativeAgent(config()) as own:
            return get(own, "/info"), own.bound_port != started.bound_port, started.is_running

    said, status = in_child(child)
    assert (said, status) == ("(200, True, False)", 0)
    assert get(started, "/info") == 200


def test_a_child_reaches_the_agent_of_its_parent(agent):
    started = agent()
    assert in_child(lambda: get(started, "/info")) == ("200", 0)


def test_the_instance_of_a_parent_is_none_of_a_child():
    parents = create_instance(config())
    try:

        def child():
            try:
                get_instance()
            except RuntimeError:
                own = create_instance(config())
                result = own is not parents, get(own, "/info"), get_instance() is own
                own.stop()
                return result

        assert in_child(child) == ("(True, 200, True)", 0)
        assert get_instance() is parents
    finally:
        parents.stop()


def work(number):
    os.environ["DD_LOGS_ENABLED"] = "true"
    with NativeAgent(config()) as agent:
        body = b'[{"message":"from worker %d","service":"python-pool"}]' % number
        request = urllib.request.Request(
            f"http://127.0.0.1:{agent.bound_port}/v1/input", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=DEADLINE).close()
    return number


def test_workers_of_a_forking_pool_have_their_own_agents(agent, intake):
    started = agent()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(work, range(4)).get(DEADLINE) == [0, 1, 2, 3]
    for number in range(4):
        intake.expect("logs", service="python-pool", q=f"from worker {number}")
    assert get(started, "/info") == 200


def test_a_child_that_ends_as_a_program_does_leaves_the_parents_agent_alone(script):
    program = script(
        """
import os, sys, urllib.request
from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent
agent = NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN))
if os.fork() == 0:
    sys.exit(0)
status = os.wait()[1]
print(status, urllib.request.urlopen(f"http://127.0.0.1:{agent.bound_port}/info").status)
"""
    )
    assert program.end()[:2] == (0, "0 200\n")


GUNICORN = """
from datadog_agent_native import DatadogAgentConfig, LogLevel, create_instance

bind = "127.0.0.1:0"
workers = 2
preload_app = True

def start():
    return create_instance(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN))

def on_starting(server):
    start()

def post_fork(server, worker):
    start()
"""

APP = """
import os, urllib.request
from datadog_agent_native import get_instance

def app(environ, start_response):
    agent = get_instance()
    status = urllib.request.urlopen(f"http://127.0.0.1:{agent.bound_port}/info").status
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {agent.bound_port} {status}".encode()]
"""


def test_gunicorn_with_preload_has_an_agent_in_each_worker(script, tmp_path):
    (tmp_path / "gunicorn.conf.py").write_text(GUNICORN)
    (tmp_path / "app.py").write_text(APP)
    arguments = ["--chdir", str(tmp_path), "--config", str(tmp_path / "gunicorn.conf.py"), "app:app"]
    program = script("gunicorn", *arguments, module=True)
    url = address(program.process.stderr)
    ports = {}

    def both_have_answered():
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            pid, port, status = answer.read().decode().split()
        assert status == "200"
        assert ports.setdefault(pid, port) == port
        return len(ports) == 2

    until("both workers have answered", both_have_answered)
    assert len(set(ports.values())) == 2
    program.send(signal.SIGTERM)
    assert program.end()[0] == 0


def address(lines):
    """Where gunicorn says that it listens."""
    for line in lines:
        sys.stderr.write(line)
        found = re.search(r"Listening at: (\S+)", line)
        if found:
            return found.group(1)
    raise AssertionError("gunicorn did not start")
