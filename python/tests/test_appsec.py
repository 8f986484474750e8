"""Requests and their verdicts. What needs libddwaf runs where APPSEC_LIBDDWAF names it, with its rules beside it."""

import gc
import json
import os
import threading

import pytest
from conftest import DEADLINE
from datadog_agent_native import AppSecAction, DatadogAgentException, DatadogError, Verdict

LIBRARY = os.environ.get("APPSEC_LIBDDWAF")
needs_library = pytest.mark.skipif(not LIBRARY, reason="APPSEC_LIBDDWAF does not name a libddwaf")

ATTACK = {
    "http.route": "/cart",
    "server.request.method": "GET",
    "server.request.uri.raw": "/cart?q=hello",
    "server.request.headers.no_cookies": {"User-Agent": "dd-test-scanner-log-block", "Accept": ["text/html", "*/*"]},
    "network.client.ip": "8.8.8.8",
    "usr.id": None,
}


@pytest.fixture
def guarded(agent):
    """Starts an agent with the real firewall, whose verdicts are obeyed."""

    def start(**options):
        # A slow machine must not run out of time.
        settings = {"DD_APPSEC_LIBDDWAF_PATH": LIBRARY, "DD_APPSEC_WAF_TIMEOUT": "10s"}
        config = {"appsec_enabled": True, "appsec_blocking": True, "settings": settings}
        return agent(**{**config, **options})

    return start


def refused(call):
    with pytest.raises(DatadogAgentException) as raised:
        call()
    return raised.value.error, str(raised.value)


def test_without_a_firewall_it_is_said_why(agent):
    error, text = refused(agent(settings={"DD_APPSEC_ENABLED": "false"}).appsec_request)
    assert (error, text) == (DatadogError.NOT_AVAILABLE, "AppSec is off: DD_APPSEC_ENABLED turns it on")
    nowhere = {"DD_APPSEC_LIBDDWAF_PATH": "/nowhere/libddwaf.so"}
    error, text = refused(agent(appsec_enabled=True, settings=nowhere).appsec_request)
    assert error is DatadogError.NOT_AVAILABLE
    assert text.startswith("AppSec cannot run: libddwaf was not found (tried: /nowhere/libddwaf.so")


def test_an_agent_that_was_stopped_opens_no_request(agent):
    stopped = agent()
    stopped.stop()
    assert refused(stopped.appsec_request) == (DatadogError.NULL_POINTER, "the agent was stopped")


@needs_library
def test_an_attack_is_answered_with_a_page(guarded):
    with guarded().appsec_request() as request:
        request.add(ATTACK)
        verdict = request.verdict()
        assert not verdict.is_allowed
        assert (verdict.action, verdict.status, verdict.grpc_status) == (AppSecAction.BLOCK, 403, 10)
        assert (verdict.content_type, verdict.location) == ("text/html", None)
        assert verdict.security_response_id.encode() in verdict.body
        # The page itself goes on.
        request.add({"server.response.status": 403})
        assert request.verdict() == Verdict(AppSecAction.ALLOW)
        tags = request.tags()
    assert tags.meta["appsec.blocked"] == "true"
    assert tags.meta["http.status_code"] == "403"
    assert tags.meta["http.client_ip"] == "8.8.8.8"
    rules = [trigger["rule"]["id"] for trigger in json.loads(tags.meta["_dd.appsec.json"])["triggers"]]
    assert rules == ["ua0-600-56x"]
    assert tags.metrics["_dd.appsec.enabled"] == 1
    assert tags.priority == 2


@needs_library
def test_whoever_watches_is_told_of_an_attack_and_lets_it_go_on(guarded):
    with guarded().appsec_request(obeyed=False) as request:
        request.add(ATTACK)
        assert request.verdict().is_allowed
        tags = request.tags()
    assert tags.meta["appsec.event"] == "true"
    assert "appsec.blocked" not in tags.meta
    error, text = refused(lambda: guarded(appsec_blocking=False).appsec_request(obeyed=True))
    assert error is DatadogError.CONFIG_ERROR
    assert "without appsec_blocking" in text


@needs_library
def test_bodies_and_answers_are_looked_at(guarded):
    with guarded().appsec_request() as request:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        request.add({"server.request.uri.raw": "/.git/config", "server.request.headers.no_cookies": headers})
        request.add_body(b"a=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E")
        request.verdict()
        request.add({"server.response.status": 404})
        request.add_response_body(b'{"error":"\xff"}', "application/json")
        request.verdict()
        tags = request.tags(meta={"http.url": "/known", "language": "python"}, priority=1)
    rules = [trigger["rule"]["id"] for trigger in json.loads(tags.meta["_dd.appsec.json"])["triggers"]]
    assert any(rule.startswith("crs-941-") for rule in rules)
    assert "nfd-000-006" in rules
    assert "http.url" not in tags.meta
    assert tags.meta["_dd.runtime_family"] == "python"


@needs_library
def test_what_is_no_address_is_refused_by_its_name(guarded):
    with guarded().appsec_request() as request:
        error, text = refused(lambda: request.add({"server.requset.body": 1}))
        assert (error, text) == (DatadogError.INVALID_DATA_FORMAT, 'there is no address "server.requset.body"')
        error, text = refused(lambda: request.add({"usr.id": "x" * (9 << 20)}))
        assert error is DatadogError.INVALID_DATA_FORMAT
        with pytest.raises(TypeError):
            request.add({"usr.id": b"bytes are no JSON"})
        assert request.verdict().is_allowed


@needs_library
def test_a_request_that_ended_or_was_closed_takes_nothing_more(guarded):
    request = guarded().appsec_request()
    request.tags()
    assert refused(request.verdict)[0] is DatadogError.NOT_AVAILABLE
    request.close()
    request.close()
    assert refused(request.verdict) == (DatadogError.NULL_POINTER, "the request was closed")


@needs_library
def test_a_request_outlives_its_agent_and_may_go_to_another_thread(guarded):
    agent = guarded()
    request = agent.appsec_request()
    agent.stop()
    request.add(ATTACK)
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(request.verdict()))
    thread.start()
    thread.join(DEADLINE)
    assert [verdict.action for verdict in verdicts] == [AppSecAction.BLOCK]
    request.close()


@needs_library
def test_requests_that_nobody_closed_are_freed(guarded):
    agent = guarded()
    # As many as may be open at once would be too many.
    for _ in range(17_000):
        agent.appsec_request()
    gc.collect()
    agent.appsec_request().close()


@needs_library
def test_a_forked_child_leaves_requests_alone(guarded):
    request = guarded().appsec_request()
    child = os.fork()
    if child == 0:
        try:
            request.verdict()
            os._exit(1)
        except DatadogAgentException as error:
            request.close()
            os._exit(0 if error.error is DatadogError.NOT_AVAILABLE else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert request.verdict().is_allowed
    request.close()
