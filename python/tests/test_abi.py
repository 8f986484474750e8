"""The structures are those of the header."""

import ctypes
import re

import pytest
from conftest import REPOSITORY
from datadog_agent_native import (
    AppSecAction,
    DatadogAgentConfig,
    DatadogAgentOptions,
    DatadogAgentStartResult,
    DatadogError,
    _abi,
    _options,
    appsec,
)

HEADER = (REPOSITORY / "crates/datadog-agent-native/include/datadog_agent_native.h").read_text(encoding="utf-8")


def offsets(structure):
    return {name: getattr(structure, name).offset for name, _ in structure._fields_}


def members(name):
    """Names of a structure's members, in their order in the header."""
    body = re.search(rf"typedef struct {name} {{(.*?)}} {name};", HEADER, re.DOTALL).group(1)
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", body, flags=re.DOTALL)
    return re.findall(r"(\w+);", code)


def numbers(enumeration, prefix):
    """Those of an enumeration of the header, by their names."""
    body = re.search(rf"typedef enum {enumeration} {{(.*?)}} {enumeration};", HEADER, re.DOTALL).group(1)
    return dict(re.findall(rf"^\s*{prefix}(\w+) = (\d+),", body, re.MULTILINE))


@pytest.mark.parametrize(
    "structure",
    [
        DatadogAgentOptions,
        _abi.DatadogAgentOptionsV2,
        DatadogAgentStartResult,
        _abi.DatadogAppSecVerdict,
    ],
)
def test_members_have_the_order_of_the_header(structure):
    assert list(offsets(structure)) == members(structure.__name__)


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the sizes are those of 64 bits")
def test_sizes_and_offsets_are_those_that_were_promised():
    assert ctypes.sizeof(DatadogAgentOptions) == 72
    assert list(offsets(DatadogAgentOptions).values()) == [0, 8, 16, 24, 32, 40, 44, 48, 52, 56, 60, 64, 68]
    assert ctypes.sizeof(DatadogAgentStartResult) == 40
    assert list(offsets(DatadogAgentStartResult).values()) == [0, 8, 16, 24, 28, 32]
    assert _abi.DatadogAgentOptionsV2.appsec_blocking.offset == 144
    assert ctypes.sizeof(_abi.DatadogAgentOptionsV2) == 152
    assert list(offsets(_abi.DatadogAppSecVerdict).values()) == [0, 4, 8, 16, 24, 32, 40, 48]
    assert ctypes.sizeof(_abi.DatadogAppSecVerdict) == 56


def test_errors_have_the_numbers_of_the_header():
    assert {error.name: str(int(error)) for error in DatadogError} == numbers("DatadogError", "DATADOG_")


def test_actions_have_the_numbers_of_the_header():
    actions = {action.name: str(int(action)) for action in AppSecAction}
    assert actions == numbers("DatadogAppSecAction", "DATADOG_APPSEC_")
    flag = re.search(r"^#define DATADOG_APPSEC_OBEYED (\d+)$", HEADER, re.MULTILINE).group(1)
    assert int(flag) == appsec.OBEYED


@pytest.mark.parametrize(("trace", "in_c"), [(None, 0), (0, -1), (1, 1), (65_535, 65_535)])
def test_trace_ports_are_translated(trace, in_c):
    assert _options.of(DatadogAgentConfig(trace_agent_port=trace)).trace_agent_port == in_c


@pytest.mark.parametrize(("statsd", "in_c"), [(None, -1), (0, 0), (1, 1), (65_535, 65_535)])
def test_dogstatsd_ports_are_translated(statsd, in_c):
    assert _options.of(DatadogAgentConfig(dogstatsd_port=statsd)).dogstatsd_port == in_c


def test_a_configuration_without_anything_is_what_it_was_documented_to_be():
    options = _options.of(DatadogAgentConfig())
    numbers = {name: getattr(options, name) for name, kind in options._fields_ if kind is ctypes.c_int}
    assert numbers == {
        "appsec_enabled": 0,
        "remote_config_enabled": 1,
        "log_level": 3,
        "operational_mode": 1,
        "trace_agent_port": -1,
        "dogstatsd_enabled": 0,
        "dogstatsd_port": 0,
        "trace_agent_uds_permissions": -1,
        "shutdown_timeout_ms": 0,
        "install_signal_handlers": -1,
        "appsec_blocking": 0,
    }
    texts = [getattr(options, name) for name, kind in options._fields_ if kind is ctypes.c_char_p]
    assert texts == [None] * len(texts)
    assert (options.struct_size, options.flags, options.extra_env_len) == (ctypes.sizeof(options), 0, 0)
