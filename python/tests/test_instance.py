"""One agent for the whole process."""

import pytest
from datadog_agent_native import DatadogAgentConfig, LogLevel, create_instance, get_instance


@pytest.fixture
def config():
    return DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False, log_level=LogLevel.WARN)


def test_there_is_none_before_it_is_created_and_none_after_it_was_stopped(config):
    with pytest.raises(RuntimeError, match="no agent runs in this process"):
        get_instance()
    first = create_instance(config)
    assert get_instance() is first
    first.stop()
    with pytest.raises(RuntimeError):
        get_instance()


def test_one_that_runs_is_not_created_again(config):
    first = create_instance(config)
    assert create_instance(config) is first
    first.stop()
    second = create_instance(config)
    assert second is not first
    second.stop()


def test_a_failure_is_none_and_a_line_in_the_log(caplog):
    assert create_instance(DatadogAgentConfig()) is None
    assert "API key not configured" in caplog.text


def test_without_a_configuration_dogstatsd_is_on(monkeypatch):
    monkeypatch.setenv("DD_API_KEY", "0" * 32)
    agent = create_instance()
    assert agent.dogstatsd_port is not None
    agent.stop()
