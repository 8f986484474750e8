"""Puts the native library into a wheel, and the platform that it was built for into the wheel's tag.

The library is the file that DATADOG_AGENT_NATIVE_LIBRARY_PATH names; without it, `cargo build --release` makes one in
the repository around this folder. A source distribution has neither, and says so instead of making an empty wheel.
"""

import importlib.util
import json
import os
import subprocess
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PATH_VARIABLE = "DATADOG_AGENT_NATIVE_LIBRARY_PATH"
TAG_VARIABLE = "DATADOG_AGENT_NATIVE_WHEEL_PLATFORM"
CRATE = "datadog-agent-native"


class LibraryHook(BuildHookInterface):
    """Called by hatchling for every wheel; an editable install finds its library at run time instead."""

    def initialize(self, version, build_data):
        if self.target_name != "wheel" or version == "editable":
            return
        library = named() or built(Path(self.root).parent)
        machine = of_this_machine(self.root)
        platform = os.environ.get(TAG_VARIABLE) or sysconfig.get_platform()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform.replace('-', '_').replace('.', '_')}"
        target = f"datadog_agent_native/bin/{machine.FOLDER}/{machine.LIBRARY}"
        build_data["force_include"][str(library)] = target


def named():
    """The library that the environment names."""
    path = os.environ.get(PATH_VARIABLE)
    if not path:
        return None
    library = Path(path)
    if not library.is_file():
        raise FileNotFoundError(f"{PATH_VARIABLE}={path}: not a file, and a wheel needs the library itself")
    return library.resolve()


def built(repository):
    """The library as Cargo builds it in the repository that this folder is a part of."""
    if not (repository / "crates" / CRATE / "Cargo.toml").is_file():
        raise RuntimeError(
            "this source distribution holds no Rust code, so that it cannot build the library: "
            f"name one with {PATH_VARIABLE}, install a wheel, or build in the repository"
        )
    words = ["cargo", "build", "--release", "--locked", "--package", CRATE, "--lib", "--message-format=json"]
    output = subprocess.run(words, cwd=repository, check=True, stdout=subprocess.PIPE).stdout
    for line in output.splitlines():
        message = json.loads(line)
        for name in message.get("filenames", []):
            if Path(name).suffix in {".so", ".dylib", ".dll"} and message["target"]["name"] == CRATE.replace("-", "_"):
                return Path(name)
    raise RuntimeError(f"cargo built no shared library of {CRATE}")


def of_this_machine(root):
    """The package's own module about platforms, without the package: what it looks for is what is put there."""
    path = Path(root, "src", "datadog_agent_native", "_platform.py")
    spec = importlib.util.spec_from_file_location("_platform", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
