"""What an agent does from its start to its stop."""

import gc
import http.client
import logging
import os
import re
import socket
import stat
import threading
import time

import pytest
from conftest import DEADLINE, until
from datadog_agent_native import (
    DatadogAgentConfig,
    DatadogAgentException,
    DatadogError,
    NativeAgent,
    OperationalMode,
    ShutdownReason,
)


def connects(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def info_status(path):
    connection = UnixConnection(path)
    connection.request("GET", "/info")
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_takes_connections_when_it_is_started_and_none_after_its_block():
    with NativeAgent(DatadogAgentConfig(api_key="0" * 32, dogstatsd_enabled=True)) as agent:
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", agent.version)
        assert 1024 <= agent.bound_port <= 65_535
        assert 1024 <= agent.dogstatsd_port <= 65_535
        assert agent.uds_path is None
        assert connects(agent.bound_port)
        assert agent.is_running
    assert not agent.is_running
    assert not connects(agent.bound_port)


def test_a_block_that_fails_stops_it_and_fails(agent):
    with pytest.raises(ZeroDivisionError):
        with agent() as started:
            1 / 0
    assert not started.is_running


def test_without_a_key_it_says_what_is_missing():
    with pytest.raises(DatadogAgentException, match="API key not configured") as raised:
        NativeAgent(DatadogAgentConfig())
    assert raised.value.error is DatadogError.CONFIG_ERROR


def test_without_dogstatsd_there_is_no_port_of_it(agent):
    assert agent().dogstatsd_port is None


@pytest.mark.parametrize("mode", [OperationalMode.HTTP_FIXED_PORT, OperationalMode.HTTP_EPHEMERAL_PORT])
def test_port_0_is_chosen_by_the_system(agent, mode):
    started = agent(operational_mode=mode, trace_agent_port=0)
    assert started.bound_port not in {0, 8126}
    assert connects(started.bound_port)


def test_ports_that_are_named_are_taken(agent):
    trace, statsd = free_port(), free_port()
    mode = OperationalMode.HTTP_FIXED_PORT
    started = agent(operational_mode=mode, trace_agent_port=trace, dogstatsd_enabled=True, dogstatsd_port=statsd)
    assert (started.bound_port, started.dogstatsd_port) == (trace, statsd)


@pytest.mark.parametrize(
    ("options", "port"),
    [
        ({"trace_agent_port": None}, 8126),
        ({"dogstatsd_enabled": True, "dogstatsd_port": None}, 8125),
    ],
)
def test_no_port_is_the_one_that_everybody_knows(agent, options, port):
    try:
        started = agent(operational_mode=OperationalMode.HTTP_FIXED_PORT, **options)
    except DatadogAgentException as error:
        # Something else on this machine has it, which shows as well which one was asked for.
        assert error.error is DatadogError.STARTUP_ERROR
        assert f"Address already in use (port {port})" in str(error)
    else:
        assert port in {started.bound_port, started.dogstatsd_port}


def test_a_taken_port_is_named_and_who_has_it_is_left_alone(agent):
    first = agent()
    with pytest.raises(DatadogAgentException, match=rf"Address already in use \(port {first.bound_port}\)") as raised:
        agent(operational_mode=OperationalMode.HTTP_FIXED_PORT, trace_agent_port=first.bound_port)
    assert raised.value.error is DatadogError.STARTUP_ERROR
    assert connects(first.bound_port)


def test_two_agents_live_side_by_side(agent):
    first, second = agent(), agent()
    assert first.bound_port != second.bound_port
    first.stop()
    assert connects(second.bound_port)


@pytest.mark.parametrize(("permissions", "mode"), [(None, 0o600), (0, 0o600), (0o660, 0o660)])
def test_a_unix_socket_has_its_mode_and_is_gone_after_the_stop(agent, permissions, mode):
    started = agent(operational_mode=OperationalMode.HTTP_UDS, trace_agent_uds_permissions=permissions)
    path = started.uds_path
    assert re.fullmatch(rf"/tmp/dd-trace-{os.getpid()}-[0-9a-f]{{6}}\.sock", path)
    assert started.bound_port is None
    assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert info_status(path) == 200
    started.stop()
    assert not os.path.exists(path)


def test_a_second_stop_does_nothing(agent):
    started = agent()
    assert started.stop()
    assert started.stop()


def test_a_stopped_agent_is_refused(agent):
    started = agent()
    started.stop()
    for call in (started.flush, started.request_shutdown):
        with pytest.raises(DatadogAgentException, match="the agent was stopped") as raised:
            call()
        assert raised.value.error is DatadogError.NULL_POINTER
    assert started.wait_for_shutdown() is ShutdownReason.GRACEFUL_SHUTDOWN


def test_a_wait_ends_with_its_time(agent):
    started = agent()
    for timeout in (0, -1, 0.3):
        begin = time.monotonic()
        assert started.wait_for_shutdown(timeout=timeout) is ShutdownReason.TIMEOUT
        assert time.monotonic() - begin >= timeout


def waiter(started, timeout=None):
    """Waits on another thread; returns the thread and where its reason will be."""
    reasons = []
    thread = threading.Thread(target=lambda: reasons.append(started.wait_for_shutdown(timeout)))
    thread.start()
    return thread, reasons


@pytest.mark.parametrize("timeout", [None, DEADLINE])
def test_a_request_wakes_every_waiter(agent, timeout):
    started = agent()
    waiters = [waiter(started, timeout) for _ in range(2)]
    started.request_shutdown()
    for thread, reasons in waiters:
        thread.join(DEADLINE)
        assert reasons == [ShutdownReason.GRACEFUL_SHUTDOWN]
    assert started.is_running


def test_a_stop_wakes_the_waiters(agent):
    started = agent()
    thread, reasons = waiter(started)
    started.stop()
    thread.join(DEADLINE)
    assert reasons == [ShutdownReason.GRACEFUL_SHUTDOWN]


def test_stops_of_many_threads_are_one(agent):
    started = agent()
    results = []
    threads = [threading.Thread(target=lambda: results.append(started.stop())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert results == [True] * 8


def test_a_socket_may_have_a_path_of_its_own(agent, tmp_path):
    path = str(tmp_path / "s")
    assert agent(operational_mode=OperationalMode.HTTP_UDS, uds_path=path).uds_path == path
    assert info_status(path) == 200


def test_settings_are_those_of_one_agent_alone(agent):
    first = agent(settings={"DD_DOGSTATSD_ENABLED": "true"})
    second = agent()
    assert first.dogstatsd_port is not None
    assert second.dogstatsd_port is None


def test_an_empty_agent_is_flushed_at_once(agent):
    assert agent().flush(timeout=DEADLINE)


def test_what_cannot_be_delivered_is_told_and_counted(agent, caplog):
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings = {"DD_LOGS_ENABLED": "true", "DD_LOGS_CONFIG_LOGS_DD_URL": nowhere}
    started = agent(shutdown_timeout=1, settings=settings)
    connection = http.client.HTTPConnection("127.0.0.1", started.bound_port, timeout=DEADLINE)
    connection.request("POST", "/v1/input", '[{"message":"lost"}]', {"Content-Type": "application/json"})
    assert connection.getresponse().status < 300
    connection.close()
    assert not started.flush(timeout=0.5)
    with caplog.at_level(logging.WARNING, logger="datadog_agent_native"):
        assert not started.stop()
    assert "1 logs were not delivered in time" in caplog.text


def test_an_agent_that_is_let_go_is_stopped_with_a_warning():
    agent = NativeAgent(DatadogAgentConfig(api_key="0" * 32))
    port = agent.bound_port
    with pytest.warns(ResourceWarning, match="an agent was not stopped"):
        del agent
        gc.collect()
    until("the port is closed", lambda: not connects(port))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"api_key": "a\0b"}, DatadogError.INVALID_STRING, "api_key: has a NUL in it"),
        ({"site": "\ud800"}, DatadogError.INVALID_STRING, "site: not UTF-8"),
        ({"service": "s" * 65_537}, DatadogError.INVALID_STRING, "service: longer than 64 KiB"),
        ({"trace_agent_port": 65_536}, DatadogError.CONFIG_ERROR, r"trace_agent_port=65536: must be in 0..=65535"),
        ({"trace_agent_port": 2**32 + 1}, DatadogError.CONFIG_ERROR, r"trace_agent_port=4294967297"),
        ({"trace_agent_port": -1}, DatadogError.CONFIG_ERROR, r"trace_agent_port=-1"),
        ({"dogstatsd_port": 70_000}, DatadogError.CONFIG_ERROR, r"dogstatsd_port=70000"),
        ({"trace_agent_uds_permissions": 0o1000}, DatadogError.CONFIG_ERROR, r"trace_agent_uds_permissions=512"),
        ({"uds_path": "relative"}, DatadogError.CONFIG_ERROR, "absolute"),
        ({"shutdown_timeout": 0}, DatadogError.CONFIG_ERROR, "shutdown_timeout=0: must be more than 0"),
        ({"settings": {"DD_TAGS": "a\0b"}}, DatadogError.INVALID_STRING, r"settings\['DD_TAGS'\]: has a NUL in it"),
        ({"operational_mode": 3}, DatadogError.CONFIG_ERROR, r"operational_mode=3: must be in 0..=2"),
        ({"log_level": 6}, DatadogError.CONFIG_ERROR, r"log_level=6: must be in 0..=5"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(agent, options, error, text):
    with pytest.raises(DatadogAgentException, match=text) as raised:
        agent(**options)
    assert raised.value.error is error


@pytest.mark.parametrize(
    "options",
    [{"api_key": b"k"}, {"settings": {"DD_TAGS": 1}}, {"trace_agent_port": "8126"}, {"dogstatsd_port": True}],
)
def test_what_has_another_type_is_a_type_error(agent, options):
    with pytest.raises(TypeError, match=next(iter(options))):
        agent(**options)


def test_an_unknown_code_is_an_unknown_error():
    assert DatadogError(77) is DatadogError.UNKNOWN_ERROR
