"""What tests share: the intake that agents send to, scripts in processes of their own, and waiting for something."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent
SOURCES = PACKAGE / "src"
REPOSITORY = PACKAGE.parent
DEADLINE = 60
"""Seconds after which something will not happen any more, on a machine that is busy with other things."""

sys.path.insert(0, str(SOURCES))

# Whoever runs the tests in the background may have had SIGINT ignored, which scripts would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def until(what, look):
    """Looks again and again; returns the first thing that is something."""
    end = time.monotonic() + DEADLINE
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.02)


class Intake:
    """The running development intake."""

    def __init__(self, url):
        self.url = url

    def records(self, kind, **query):
        """What it has of a kind, one record each."""
        url = f"{self.url}/inspect/{kind}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    def expect(self, kind, **query):
        """Waits for a record."""
        return until(f"{kind} {query}", lambda: self.records(kind, **query))[0]


class Script:
    """A program in a process of its own, with lines that it prints."""

    def __init__(self, words, environment):
        self.process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )

    def line(self):
        """The next line."""
        return self.process.stdout.readline().rstrip("\n")

    def send(self, number):
        """Sends it a signal."""
        self.process.send_signal(number)

    def end(self):
        """Waits for its end; returns its status, and what else it wrote to standard output and to standard error."""
        output, errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, output, errors


@pytest.fixture(scope="session")
def intake():
    url = os.environ.get("INTAKE_URL")
    assert url, "INTAKE_URL must name a running intake; `cargo xtask python` starts one"
    return Intake(url)


@pytest.fixture
def script():
    """Starts Python programs: those of a file, or of a text."""
    scripts = []

    def start(program, *arguments, python=sys.executable, module=False, **environment):
        if module:
            words = [python, "-m", program]
        elif "\n" in program:
            words = [python, "-c", program]
        else:
            words = [python, program]
        words += arguments
        variables = {"PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": "1", **os.environ, **environment}
        scripts.append(Script(words, {name: value for name, value in variables.items() if value is not None}))
        return scripts[-1]

    yield start
    for each in scripts:
        if each.process.poll() is None:
            each.send(signal.SIGKILL)
            each.process.communicate()
        else:
            each.process.stdout.close()
            each.process.stderr.close()


@pytest.fixture
def agent():
    """Starts agents, and stops them after the test."""
    from datadog_agent_native import DatadogAgentConfig, LogLevel, NativeAgent

    agents = []

    def start(**options):
        config = {"api_key": "0" * 32, "remote_config_enabled": False, "log_level": LogLevel.WARN, **options}
        agents.append(NativeAgent(DatadogAgentConfig(**config)))
        return agents[-1]

    yield start
    for each in agents:
        each.stop()
