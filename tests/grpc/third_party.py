"""Sends batches of known bytes to a development intake, with the gRPC and the protobuf of somebody else."""

import importlib
import json
import os
import pathlib
import queue
import sys
import tempfile
import urllib.request

import grpc
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).parents[2] / "crates/datadog-wire/proto"
INTAKE = os.environ["INTAKE_URL"].rstrip("/")
METHOD_A = "/datadog.intake.stateful.StatefulLogsService/LogsStream"
METHOD_C = "/datadog.intake.stateful.StatefulIntake/StatefulStream"
KEY = ("dd-api-key", "0123456789abcdef")
TEMPLATE = "ERROR Connection from  timed out after "
TEMPLATE_HEX = TEMPLATE.encode().hex()
WAIT_S = 10

# Three logs of one pattern, as a DatumSequence of generation A.
KNOWN_A = [
    f"0a31 0801 1227 {TEMPLATE_HEX} 1802 2202 1627",
    "1a2a0801 1226 656e763a70726f642c686f73746e616d653a7765622d312c6464736f757263653a6e67696e78",
    "1a090802 1205 6572726f72",
    "3226 0880a0abfef962 1213 120a1a0831302e302e302e35 12051a03343573 2204 0a022001 3202 2002",
    "3217 080e 1213 120a1a0831302e302e302e36 12051a03313273",
    "3217 0805 1213 120a1a0831302e302e302e37 12051a03333073",
]
MESSAGES = [
    "ERROR Connection from 10.0.0.5 timed out after 45s",
    "ERROR Connection from 10.0.0.6 timed out after 12s",
    "ERROR Connection from 10.0.0.7 timed out after 30s",
]


def generated(name):
    """The messages of a schema; one process can hold only one of the two, whose messages have the same names."""
    out = tempfile.mkdtemp(prefix="third-party-")
    status = protoc.main(["protoc", f"-I{PROTO}", f"--python_out={out}", str(PROTO / f"{name}.proto")])
    assert status == 0, f"protoc ended with {status}"
    sys.path.insert(0, out)
    return importlib.import_module(f"{name}_pb2")


def known_a():
    datums = [bytes.fromhex(datum) for datum in KNOWN_A]
    return b"".join(b"\x0a" + bytes([len(datum)]) + datum for datum in datums)


class Stream:
    """One open stream."""

    def __init__(self, channel, method, messages, metadata):
        self.batches = queue.SimpleQueue()
        call = channel.stream_stream(
            method,
            request_serializer=lambda batch: batch.SerializeToString(),
            response_deserializer=messages.BatchStatus.FromString,
        )
        self.messages = messages
        self.call = call(iter(self.batches.get, None), metadata=metadata, timeout=WAIT_S)

    def send(self, batch_id, data):
        self.batches.put(self.messages.StatefulBatch(batch_id=batch_id, data=data))

    def acked(self, batch_id):
        status = next(self.call)
        assert (status.batch_id, status.status) == (batch_id, 1), status

    def ended(self, code, words):
        self.batches.put(None)
        assert self.call.code() == code, self.call.code()
        assert self.call.details() == words, self.call.details()


def inspect(path, method="GET"):
    request = urllib.request.Request(f"{INTAKE}/inspect/{path}", method=method)
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return answer.read().decode()


def logs():
    return [json.loads(line) for line in inspect("logs").splitlines()]


def main():
    messages = generated("stateful_a")
    inspect("reset", "POST")
    with grpc.insecure_channel(INTAKE.removeprefix("http://")) as channel:
        stream = Stream(channel, METHOD_A, messages, [KEY])
        stream.send(1, known_a())
        stream.acked(1)
        assert [log["message"] for log in logs()] == MESSAGES, logs()
        print("the known batch is acknowledged and decoded")

        own = messages.DatumSequence()
        own.data.add().logs.CopyFrom(messages.Log(structured={"pattern_id": 1, "dynamic_values": [
            {"string_value": "here"}, {"int_value": 7}]}))
        stream.send(2, own.SerializeToString())
        stream.acked(2)
        assert logs()[3]["message"] == "ERROR Connection from here timed out after 7", logs()[3]
        print("a batch written by another protobuf refers to the pattern")

        stream.ended(grpc.StatusCode.OK, "")
        print("a stream that is closed ends with OK")

        refused = Stream(channel, METHOD_A, messages, [KEY])
        refused.send(1, own.SerializeToString())
        refused.ended(grpc.StatusCode.FAILED_PRECONDITION, "batch 1, datum 0: unknown pattern 1")
        assert len(logs()) == 4, logs()
        print("the state is gone with its stream")

        Stream(channel, METHOD_C, messages, []).ended(
            grpc.StatusCode.UNAUTHENTICATED, "no dd-api-key, or a blank one")
        Stream(channel, METHOD_A, messages, [KEY, ("dd-content-encoding", "br")]).ended(
            grpc.StatusCode.INVALID_ARGUMENT, 'unknown dd-content-encoding "br"')
        print("what cannot be taken is refused with its status")


if __name__ == "__main__":
    main()
