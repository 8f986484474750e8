"""Where the library is looked for, and what is said when there is none."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import SOURCES
from datadog_agent_native import _platform

START = """
import sys
import datadog_agent_native
print("imported")
try:
    config = datadog_agent_native.DatadogAgentConfig(
        api_key="0" * 32,
        remote_config_enabled=False,
        log_level=datadog_agent_native.LogLevel.WARN,
    )
    datadog_agent_native.NativeAgent(config).stop()
except datadog_agent_native.DatadogAgentException as error:
    print(error.error.name)
    print(error)
else:
    print("started")
"""
LIBRARY = "DATADOG_AGENT_NATIVE_LIBRARY_PATH"
BUILT = Path(os.environ.get(LIBRARY, "missing"))


@pytest.fixture
def package(tmp_path):
    """A copy of the package, which has no library."""
    shutil.copytree(SOURCES / "datadog_agent_native", tmp_path / "datadog_agent_native")
    return tmp_path / "datadog_agent_native"


def started(script, package, **environment):
    """What the program prints after the import."""
    # Cargo leads the system's loader to what it has built.
    environment = {LIBRARY: None, "LD_LIBRARY_PATH": None, "PYTHONPATH": str(package.parent), **environment}
    status, output, errors = script(START, **environment).end()
    assert (status, errors) == (0, "")
    imported, outcome, *text = output.splitlines()
    assert imported == "imported"
    return outcome, text


def test_without_a_library_the_import_works_and_the_start_lists_what_was_tried(script, package):
    outcome, text = started(script, package)
    assert outcome == "INIT_ERROR"
    name = _platform.LIBRARY
    folders = [package / "bin" / _platform.FOLDER, package / "bin" / _platform.SYSTEM, package / "bin", package]
    tried = [f"  {folder / name}: no such file" for folder in [*folders, package.parent]]
    assert text[1:-1] == tried
    assert text[-1].startswith(f"  {name} by the system's loader: ")
    assert LIBRARY in text[0]


@pytest.mark.parametrize("folder", [f"bin/{_platform.FOLDER}", f"bin/{_platform.SYSTEM}", "bin", ".", ".."])
def test_the_library_is_found_in_the_package(script, package, folder):
    target = package / folder
    target.mkdir(parents=True, exist_ok=True)
    (target / _platform.LIBRARY).symlink_to(BUILT)
    assert started(script, package) == ("started", [])


def test_the_library_is_found_by_the_systems_loader(script, package, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / _platform.LIBRARY).symlink_to(BUILT)
    assert started(script, package, LD_LIBRARY_PATH=str(tmp_path / "lib")) == ("started", [])


@pytest.mark.parametrize("name", [str(BUILT), str(BUILT.parent)])
def test_the_library_may_be_named_or_the_folder_that_it_is_in(script, package, name):
    assert started(script, package, **{LIBRARY: name}) == ("started", [])


def test_a_library_that_is_named_but_is_not_there_is_not_replaced_by_another(script, package, tmp_path):
    (package / _platform.LIBRARY).symlink_to(BUILT)
    missing = tmp_path / "missing.so"
    outcome, text = started(script, package, **{LIBRARY: str(missing)})
    assert outcome == "INIT_ERROR"
    assert text[1:] == [f"  {missing}: no such file"]


def test_a_file_that_is_no_library_is_told_with_the_words_of_the_loader(script, package, tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_text("no library")
    outcome, text = started(script, package, **{LIBRARY: str(broken)})
    assert outcome == "INIT_ERROR"
    assert text[1].startswith(f"  {broken}: ")
    assert "file too short" in text[1] or "invalid ELF header" in text[1]


def test_another_library_is_told_by_what_it_lacks(script, package, tmp_path):
    import _ctypes

    outcome, text = started(script, package, **{LIBRARY: _ctypes.__file__})
    assert outcome == "INIT_ERROR"
    assert "datadog_agent_start" in text[1]
