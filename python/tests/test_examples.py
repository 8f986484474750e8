"""Every example does what `examples/README.md` says of it."""

import re

import pytest
from conftest import REPOSITORY, until

# Span, counter and log of each.
EXAMPLES = {
    "quickstart": ("order.place", "example.quickstart.orders", "order placed"),
    "http-service": ("http.request", "example.http.requests", "GET /orders/3 answered 404"),
    "unix-socket": ("file.read", "example.unix_socket.files", "file read"),
    "custom-metrics": ("metrics.send", "example.custom.orders", "metrics sent"),
    "trace-enrichment": ("payment.charge", "example.enrichment.declined", "the card was declined"),
}


def names(chunks):
    return {span["name"] for chunk in chunks for span in chunk["spans"]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_what_it_did_and_it_arrives(script, intake, name):
    span, metric, message = EXAMPLES[name]
    service = f"example-{name}"
    status, output, errors = script(str(REPOSITORY / "examples" / f"{name}.py")).end()
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert re.match(r"agent \d+\.\d+\.\d+.*: traces", lines[0])
    assert lines[-2] == "flushed"
    assert lines[-1].startswith("stopped")
    until(f"a span {span}", lambda: span in names(intake.records("traces", service=service)))
    assert f"service:{service}" in intake.expect("series", metric=metric)["tags"]
    intake.expect("logs", service=service, q=message)


def test_every_example_of_the_folder_is_tested():
    assert {path.stem for path in (REPOSITORY / "examples").glob("*.py")} == set(EXAMPLES)
