"""Makes options of the C ABI out of a configuration: `None` and 0 mean different things for ports here and there."""

import ctypes
import math
from typing import Mapping, Optional

from . import _abi
from .config import DatadogAgentConfig
from .errors import DatadogAgentException, DatadogError

MAX_PORT = 65_535
MAX_MODE = 0o777

SYSTEM_CHOOSES_TRACES = -1
SYSTEM_CHOOSES_DOGSTATSD = 0
DEFAULT_TRACES = 0
DEFAULT_DOGSTATSD = -1
DEFAULT_MODE = -1
NEVER = -1

MAX_MS = 2**31 - 1


def of(config: DatadogAgentConfig) -> _abi.DatadogAgentOptionsV2:
    """The options of a configuration.

    Raises `DatadogAgentException` for what C would cut off in silence; the library judges the rest.
    """
    settings = _settings(config.settings or {})
    return _abi.DatadogAgentOptionsV2(
        struct_size=ctypes.sizeof(_abi.DatadogAgentOptionsV2),
        api_key=_text("api_key", config.api_key),
        site=_text("site", config.site),
        service=_text("service", config.service),
        env=_text("environment", config.environment),
        version=_text("version", config.version),
        appsec_enabled=int(bool(config.appsec_enabled)),
        remote_config_enabled=int(bool(config.remote_config_enabled)),
        log_level=_number("log_level", config.log_level, 5),
        operational_mode=_number("operational_mode", config.operational_mode, 2),
        trace_agent_port=_port("trace_agent_port", config.trace_agent_port, DEFAULT_TRACES, SYSTEM_CHOOSES_TRACES),
        dogstatsd_enabled=int(bool(config.dogstatsd_enabled)),
        dogstatsd_port=_port("dogstatsd_port", config.dogstatsd_port, DEFAULT_DOGSTATSD, SYSTEM_CHOOSES_DOGSTATSD),
        trace_agent_uds_permissions=_mode(config.trace_agent_uds_permissions),
        uds_path=_text("uds_path", config.uds_path),
        tags=_text("tags", config.tags),
        shutdown_timeout_ms=_milliseconds(config.shutdown_timeout),
        # Signals are Python's.
        install_signal_handlers=NEVER,
        extra_env=settings,
        extra_env_len=len(settings),
        appsec_blocking=int(bool(config.appsec_blocking)),
    )


def _text(name: str, value: Optional[str]) -> Optional[bytes]:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str or None, not {type(value).__name__}")
    try:
        encoded = value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DatadogAgentException(f"{name}: not UTF-8: {error}", DatadogError.INVALID_STRING) from error
    if b"\0" in encoded:
        raise DatadogAgentException(f"{name}: has a NUL in it", DatadogError.INVALID_STRING)
    return encoded


def _number(name: str, value: int, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not 0 <= value <= largest:
        raise DatadogAgentException(f"{name}={int(value)}: must be in 0..={largest}", DatadogError.CONFIG_ERROR)
    return int(value)


def _port(name: str, port: Optional[int], default: int, system_chooses: int) -> int:
    if port is None:
        return default
    return _number(name, port, MAX_PORT) or system_chooses


def _settings(settings: Mapping[str, str]) -> "ctypes.Array[_abi.EnvVar]":
    variables = [
        _abi.EnvVar(_text("a name in settings", name), _text(f"settings[{name!r}]", value))
        for name, value in settings.items()
    ]
    return (_abi.EnvVar * len(variables))(*variables)


def _milliseconds(seconds: Optional[float]) -> int:
    if seconds is None:
        return 0
    if not seconds > 0:
        raise DatadogAgentException(f"shutdown_timeout={seconds}: must be more than 0", DatadogError.CONFIG_ERROR)
    return math.ceil(min(seconds * 1_000, MAX_MS))


def _mode(mode: Optional[int]) -> int:
    return DEFAULT_MODE if mode is None else _number("trace_agent_uds_permissions", mode, MAX_MODE)
