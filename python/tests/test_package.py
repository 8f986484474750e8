"""The package as it is published."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import PACKAGE, REPOSITORY
from datadog_agent_native import __version__, _platform

START = """
from datadog_agent_native import DatadogAgentConfig, NativeAgent
with NativeAgent(DatadogAgentConfig(api_key="0" * 32, remote_config_enabled=False)) as agent:
    print(agent.version)
"""


@pytest.fixture
def wheel():
    path = os.environ.get("WHEEL")
    if not path:
        pytest.skip("WHEEL names no wheel; `cargo xtask python` builds one")
    return Path(path)


def test_the_version_is_that_of_the_workspace():
    manifest = (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.*)"$', manifest, re.MULTILINE).group(1) == __version__


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_the_licence_is_that_of_the_repository(name):
    assert (PACKAGE / name).read_bytes() == (REPOSITORY / name).read_bytes()


def test_the_wheel_is_for_one_platform_and_any_python(wheel):
    assert re.fullmatch(rf"datadog_agent_native-{__version__}-py3-none-(?!any)\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"datadog_agent_native-{__version__}.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: false" in metadata
    package = {name for name in names if name.startswith("datadog_agent_native/")}
    modules = {f"datadog_agent_native/{path.name}" for path in (PACKAGE / "src/datadog_agent_native").glob("*.py")}
    library = f"datadog_agent_native/bin/{_platform.FOLDER}/{_platform.LIBRARY}"
    assert package == modules | {"datadog_agent_native/py.typed", library}
    licences = {Path(name).name for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_the_wheel_is_all_that_a_fresh_environment_needs(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel]
    subprocess.run([python, *pip], check=True)
    hidden = {"PYTHONPATH", "LD_LIBRARY_PATH", "DATADOG_AGENT_NATIVE_LIBRARY_PATH"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    words = [python, "-I", "-c", START]
    output = subprocess.run(words, check=True, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True).stdout
    assert output.strip().startswith(__version__)


def test_a_source_distribution_says_that_it_holds_no_library(tmp_path):
    words = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(words, check=True, cwd=PACKAGE, stderr=subprocess.DEVNULL)
    (archive,) = tmp_path.glob("*.tar.gz")
    subprocess.run(["tar", "--extract", "--gzip", "--file", archive], check=True, cwd=tmp_path)
    (source,) = tmp_path.glob("datadog_agent_native-*/")
    environment = {name: value for name, value in os.environ.items() if name != "DATADOG_AGENT_NATIVE_LIBRARY_PATH"}
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    result = subprocess.run(words, cwd=source, env=environment, stderr=subprocess.PIPE, text=True)
    assert result.returncode != 0
    assert "holds no Rust code" in result.stderr
