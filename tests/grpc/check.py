"""The stateful stream between our programs and Google's gRPC for Python.

Usage: check.py PROGRAM

Generates its code from the schema of the repository, and decodes by itself. Ends with a line `grpc: … ok`, or with
what is wrong and a status other than 0.
"""

import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.request
import zlib

import grpc
import zstandard
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "crates/datadog-wire/proto/stateful_a.proto"
KEY = "0123456789abcdef0123456789abcdef"
LINES = 4_000
BATCH = 100
# Batches after which a server ends a stream.
PER_STREAM = 15
TIMEOUT_S = 60

# Three logs of one pattern, as generation A has them.
VECTOR = bytes.fromhex(
    "0a330a31080112274552524f5220436f6e6e656374696f6e2066726f6d202074696d6564206f757420616674657220180222021627"
    "0a2c1a2a08011226656e763a70726f642c686f73746e616d653a7765622d312c6464736f757263653a6e67696e78"
    "0a0b1a09080212056572726f72"
    "0a2832260880a0abfef9621213120a1a0831302e302e302e3512051a0334357322040a02200132022002"
    "0a193217080e1213120a1a0831302e302e302e3612051a03313273"
    "0a19321708051213120a1a0831302e302e302e3712051a03333073"
)
VECTOR_MESSAGES = [
    "ERROR Connection from 10.0.0.5 timed out after 45s",
    "ERROR Connection from 10.0.0.6 timed out after 12s",
    "ERROR Connection from 10.0.0.7 timed out after 30s",
]


def generate(folder):
    """Writes the Python code of the schema and imports it."""
    arguments = [
        "protoc",
        f"-I{SCHEMA.parent}",
        f"--python_out={folder}",
        f"--grpc_python_out={folder}",
        SCHEMA.name,
    ]
    if protoc.main(arguments) != 0:
        sys.exit("grpc: the schema does not compile")
    sys.path.insert(0, str(folder))
    import stateful_a_pb2
    import stateful_a_pb2_grpc

    return stateful_a_pb2, stateful_a_pb2_grpc


def decompress(encoding, data):
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=64 << 20)
    if encoding == "gzip":
        return zlib.decompress(data, wbits=31)
    assert encoding == "identity", encoding
    return data


class State:
    """What one stream has defined, and how its logs are put together."""

    def __init__(self):
        self.patterns = {}
        self.texts = {}

    def value(self, value):
        kind = value.WhichOneof("value")
        if kind == "dict_index":
            return self.texts[value.dict_index]
        assert kind in ("int_value", "string_value"), kind
        return str(getattr(value, kind))

    def text(self, log, last_pattern):
        if log.WhichOneof("content") == "raw":
            return log.raw
        structured = log.structured
        template, positions = self.patterns[structured.pattern_id or last_pattern]
        assert len(positions) == len(structured.dynamic_values)
        text, begin = "", 0
        for position, value in zip(positions, structured.dynamic_values):
            text += template[begin:position] + self.value(value)
            begin = position
        return text + template[begin:]

    def logs(self, data):
        """The logs of a batch: text, time, tags and status."""
        logs, last_pattern, time, tags, status = [], 0, 0, "", ""
        for datum in data:
            kind = datum.WhichOneof("data")
            what = getattr(datum, kind)
            if kind == "pattern_define":
                assert what.param_count == len(what.pos_list)
                assert what.template.isascii(), what.template
                self.patterns[what.pattern_id] = (what.template, list(what.pos_list))
                last_pattern = what.pattern_id
            elif kind == "pattern_delete":
                del self.patterns[what.pattern_id]
            elif kind == "dict_entry_define":
                self.texts[what.id] = what.value
            elif kind == "dict_entry_delete":
                del self.texts[what.id]
            else:
                assert kind == "logs", kind
                time += what.timestamp
                if what.HasField("tags"):
                    tags = self.value(what.tags.tagset)
                if what.HasField("status"):
                    status = self.value(what.status)
                logs.append((self.text(what, last_pattern), time, tags, status))
                if what.WhichOneof("content") == "structured" and what.structured.pattern_id:
                    last_pattern = what.structured.pattern_id
        return logs


def server(pb, pb_grpc):
    """A server on a free port, and what it will have seen."""
    seen = {"logs": [], "batches": 0, "streams": 0, "snapshots": 0, "patterned": 0, "wrong": []}

    class Logs(pb_grpc.StatefulLogsServiceServicer):
        def LogsStream(self, batches, context):
            metadata = dict(context.invocation_metadata())
            seen["streams"] += 1
            if metadata.get("dd-api-key") != KEY or "dd-state-request-bytes" not in metadata:
                seen["wrong"].append(metadata)
            encoding = metadata.get("dd-content-encoding")
            state, expected = State(), None
            try:
                for count, batch in enumerate(batches, 1):
                    if expected is None and batch.batch_id == 0:
                        seen["snapshots"] += 1
                        expected = 0
                    assert batch.batch_id == (expected if expected is not None else 1)
                    expected = batch.batch_id + 1
                    sequence = pb.DatumSequence.FromString(decompress(encoding, batch.data))
                    seen["logs"] += state.logs(sequence.data)
                    seen["batches"] += 1
                    seen["patterned"] += sum(
                        datum.WhichOneof("data") == "logs"
                        and datum.logs.WhichOneof("content") == "structured"
                        for datum in sequence.data
                    )
                    yield pb.BatchStatus(batch_id=batch.batch_id, status=pb.BatchStatus.OK)
                    if count == PER_STREAM:
                        return
            except Exception as error:  # told at the end, since gRPC would only log it
                seen["wrong"].append(repr(error))
                raise

    pool = concurrent.futures.ThreadPoolExecutor(max_workers=8)
    running = grpc.server(pool)
    pb_grpc.add_StatefulLogsServiceServicer_to_server(Logs(), running)
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    return running, port, seen


def lines():
    """Lines of some shapes, which differ where lines differ."""
    dice = random.Random(7)
    users = ["alice", "bob", "größer", "🎉", "eve"]
    for number in range(LINES):
        shape = dice.randrange(6)
        if shape == 0:
            yield f"{number} user {dice.choice(users)} logged in from 10.0.{dice.randrange(256)}.7"
        elif shape == 1:
            yield f"GET /items/{dice.randrange(900)} took {dice.randrange(9_000)}ms, request {number}"
        elif shape == 2:
            yield json.dumps({"number": number, "level": "info", "took": dice.random()})
        elif shape == 3:
            yield f"worker-{dice.randrange(9)} -0 +5 007 1e9 {number} {dice.getrandbits(64):x}"
        elif shape == 4:
            yield f"  blanks \t and \\ \"quotes\" {number}"
        else:
            yield f"{number}"


def environment(**more):
    """Nothing of the caller's but where programs are found."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "DD_API_KEY": KEY,
        "DD_LOGS_ENABLED": "true",
        "DD_LOGS_CONFIG_BATCH_MAX_SIZE": str(BATCH),
        "DD_LOG_LEVEL": "warn",
        **more,
    }


def agent_to_python(program, folder, pb, pb_grpc, compression):
    """Sends a file to a Python server; returns what the server has seen."""
    sent = list(lines())
    path = folder / "lines.log"
    path.write_text("".join(f"{line}\n" for line in sent), encoding="utf-8")
    running, port, seen = server(pb, pb_grpc)
    url = f"http://127.0.0.1:{port}"
    ran = subprocess.run(
        [program, "logs", "--service", "check", "--format", "json", str(path)],
        env=environment(
            DD_STATEFUL_ENABLED="true",
            DD_STATEFUL_DD_URL=url,
            DD_STATEFUL_FALLBACK="none",
            DD_LOGS_CONFIG_LOGS_DD_URL=url,
            **compression,
        ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    running.stop(grace=1).wait()
    assert ran.returncode == 0, f"the agent ended with {ran.returncode}: {ran.stdout}{ran.stderr}"
    assert not seen["wrong"], seen["wrong"]
    texts = [text for text, *_ in seen["logs"]]
    assert texts == sent, f"{len(texts)} of {len(sent)} lines arrived, or in another order"
    for _, time, tags, status in seen["logs"]:
        assert time > 1_600_000_000_000 and status == "info", (time, status)
        assert "service:check" in tags.split(","), tags
    assert seen["patterned"] > LINES // 4, f"only {seen['patterned']} logs have patterns"
    assert seen["snapshots"] >= 1, "no stream began with a snapshot"
    return seen


def python_to_intake(program, pb, pb_grpc):
    """Sends the vector to our intake; returns the number of logs found there."""
    intake = subprocess.Popen(
        [program, "intake", "--addr", "127.0.0.1:0", "--format", "json"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = json.loads(intake.stdout.readline())["intake"]
        with grpc.insecure_channel(url.removeprefix("http://")) as channel:
            stub = pb_grpc.StatefulLogsServiceStub(channel)
            metadata = [("dd-api-key", KEY), ("dd-content-encoding", "identity")]
            batch = pb.StatefulBatch(batch_id=1, data=VECTOR)
            assert batch.SerializeToString() == bytes.fromhex("080112d001") + VECTOR
            call = stub.LogsStream(iter([batch]), metadata=metadata, timeout=TIMEOUT_S)
            answers = list(call)
            assert answers == [pb.BatchStatus(batch_id=1, status=pb.BatchStatus.OK)], answers
            assert call.code() == grpc.StatusCode.OK, call.code()

            wrong = pb.StatefulBatch(batch_id=3, data=VECTOR)
            call = stub.LogsStream(iter([wrong]), metadata=metadata, timeout=TIMEOUT_S)
            try:
                answers = list(call)
                raise AssertionError(f"batch 3 of a new stream was answered {answers}")
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        with urllib.request.urlopen(f"{url}/inspect/logs", timeout=TIMEOUT_S) as answer:
            logs = [json.loads(line) for line in answer.read().splitlines()]
    finally:
        intake.terminate()
        intake.wait(TIMEOUT_S)
    assert [log["message"] for log in logs] == VECTOR_MESSAGES, logs
    assert [log["timestamp"] - 1_700_000_000_000 for log in logs] == [0, 7, 4], logs
    for log in logs:
        found = {key: log[key] for key in ("hostname", "ddsource", "ddtags", "status")}
        expected = {"hostname": "web-1", "ddsource": "nginx", "ddtags": "env:prod", "status": "error"}
        assert found == expected, found
    return len(logs)


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pb, pb_grpc = generate(folder)
        compressions = {
            "zstd": {},
            "gzip": {"DD_LOGS_CONFIG_COMPRESSION_KIND": "gzip"},
            "identity": {"DD_LOGS_CONFIG_USE_COMPRESSION": "false"},
        }
        for name, compression in compressions.items():
            seen = agent_to_python(program, folder, pb, pb_grpc, compression)
            print(
                f"{name}: {len(seen['logs'])} logs, {seen['patterned']} of them as patterns, in {seen['batches']}"
                f" batches on {seen['streams']} streams, {seen['snapshots']} of which began with a snapshot"
            )
        found = python_to_intake(program, pb, pb_grpc)
    print(
        f"grpc: {LINES} lines reached a Python server under {len(compressions)} compressions, and {found} logs of a"
        " Python client the intake: ok"
    )


if __name__ == "__main__":
    main()
