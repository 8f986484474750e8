"""Finds the library and loads it, once in a process, when the first agent is started."""

import ctypes
import os
import threading
from pathlib import Path
from typing import Iterator, List, Optional

from . import _abi, _platform
from .errors import DatadogAgentException, DatadogError

PATH_VARIABLE = "DATADOG_AGENT_NATIVE_LIBRARY_PATH"
"""Names the library, or the folder that it is in. Nothing else is tried then."""

_lock = threading.Lock()
_loaded: Optional[_abi.Functions] = None


def functions() -> _abi.Functions:
    """Those of the library.

    Raises `DatadogAgentException` if it cannot be loaded, with every path that was tried and what the loader said.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load()
        return _loaded


def candidates() -> Iterator[Path]:
    """Where the library may be, best first."""
    named = os.environ.get(PATH_VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        yield path / _platform.LIBRARY if path.is_dir() else path
        return
    package = Path(__file__).resolve().parent
    for folder in (
        package / "bin" / _platform.FOLDER,
        package / "bin" / _platform.SYSTEM,
        package / "bin",
        package,
        package.parent,
    ):
        yield folder / _platform.LIBRARY


def _load() -> _abi.Functions:
    tried: List[str] = []
    for path in candidates():
        if not path.is_file():
            tried.append(f"{path}: no such file")
            continue
        try:
            return _open(str(path))
        except (OSError, AttributeError) as error:
            tried.append(f"{path}: {error}")
    if not os.environ.get(PATH_VARIABLE):
        try:
            return _open(_platform.LIBRARY)
        except (OSError, AttributeError) as error:
            tried.append(f"{_platform.LIBRARY} by the system's loader: {error}")
    lines = "".join(f"\n  {line}" for line in tried)
    raise DatadogAgentException(
        f"the library of datadog-agent-native for {_platform.FOLDER} cannot be loaded; "
        f"{PATH_VARIABLE} can name it. Tried:{lines}",
        DatadogError.INIT_ERROR,
    )


def _open(name: str) -> _abi.Functions:
    add_folder = getattr(os, "add_dll_directory", None)
    if add_folder is not None and os.path.isabs(name):
        add_folder(os.path.dirname(name))
    found = _abi.Functions(ctypes.CDLL(name))
    version = found.abi_version()
    if version != _abi.VERSION:
        raise OSError(f"it has version {version} of the ABI, and this package knows {_abi.VERSION}")
    return found


def _after_fork_in_child() -> None:
    """Another thread may have held the lock while the process was forked."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
