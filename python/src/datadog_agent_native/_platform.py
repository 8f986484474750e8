"""What the library is called on this machine, and the folder that it is in. Stands alone: the build uses it too."""

import platform
import sys
import sysconfig

SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows", "cygwin": "windows"}
ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
LIBRARIES = {
    "darwin": "libdatadog_agent_native.dylib",
    "windows": "datadog_agent_native.dll",
}


def _folder(system: str) -> str:
    machine = platform.machine().lower()
    built_for = str(sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    suffix = "-musl" if system == "linux" and "musl" in built_for else ""
    return f"{system}-{ARCHITECTURES.get(machine, machine)}{suffix}"


SYSTEM = SYSTEMS.get(sys.platform, sys.platform)
"""`linux`, `darwin` or `windows`."""

FOLDER = _folder(SYSTEM)
"""`<system>-<arch>`, with `-musl` where that is the C library."""

LIBRARY = LIBRARIES.get(SYSTEM, "libdatadog_agent_native.so")
"""The file's name."""
