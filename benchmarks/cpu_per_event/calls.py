"""What each function and its floor send out of their process: ``python -m … FOLDER``.

Writes ``{FUNCTION: [ours, floor]}`` as JSON, each a list of calls with their bytes. Nothing of the
clients is replaced: Python itself tells of SQL and HTTP, and gRPC goes by way of a relay.
"""

import json
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc

from benchmarks.cpu_per_event.floors import FLOORS
from benchmarks.cpu_per_event.turns import Send, Turns
from local.config import load

Recorded = list[tuple[str, int]]
_LITERAL = re.compile(r"x?'(?:[^']|'')*'|\bNULL\b|\b\d[\d.]*\b", re.IGNORECASE)
_REQUEST_LINE = re.compile(rb"([A-Z]+) ([^ ?]+)[^ ]* HTTP/1\.1\r\n")
# A part of a path that has a number in it, but is not the API's version.
_ID = re.compile(r"(?<=/)(?!v\d/)[^/]*\d[^/]*")


class Recorder:
    """Records what is called in between."""

    def __init__(self) -> None:
        self._recorded: Recorded | None = None
        self._connections: list[sqlite3.Connection] = []
        sys.addaudithook(self._hear)

    def record(self, send: Send) -> Recorded:
        """Send a request, and return what was called until it was answered."""
        # Not yet when they are opened, since Python tells of that before they are.
        for connection in self._connections:
            with suppress(sqlite3.ProgrammingError):  # it has been closed
                connection.set_trace_callback(self._note_sql)
        recorded = self._recorded = []
        send()
        self._recorded = None
        return recorded

    def note(self, call: str, size: int) -> None:
        """Record a call."""
        if self._recorded is not None:
            self._recorded.append((call, size))

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            self._connections.append(arguments[0])
        elif event == "http.client.send":
            self._note_http(arguments[1])

    def _note_sql(self, sql: str) -> None:
        self.note(_LITERAL.sub("?", sql), len(sql))

    def _note_http(self, data: Any) -> None:
        line = _REQUEST_LINE.match(data)
        if line is not None:
            path = line[2].decode()
            self.note(f"{line[1].decode()} {_ID.sub('{id}', path)}", len(data))
        elif self._recorded:  # the body of the request before
            call, size = self._recorded.pop()
            self.note(call, size + len(data))


class _Relay:
    """Passes every call on to an emulator, whatever it is, and records it."""

    def __init__(self, emulator: str, recorder: Recorder) -> None:
        self._channel = grpc.insecure_channel(emulator)
        self._recorder = recorder

    def service(self, handler_call_details: Any) -> Any:
        """See grpc.GenericRpcHandler."""
        method = handler_call_details.method

        def pass_on(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            metadata = [
                (key, value) for key, value in context.invocation_metadata() if key != "user-agent"
            ]
            call = self._channel.stream_stream(method)
            try:
                yield from call(self._noted(method, requests), metadata=metadata)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(pass_on)

    def _noted(self, method: str, requests: Iterator[bytes]) -> Iterator[bytes]:
        for request in requests:
            self._recorder.note(method, len(request))
            yield request


@contextmanager
def _relayed(variable: str, recorder: Recorder) -> Iterator[None]:
    """Stand before the emulator that a variable names, for the block."""
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((_Relay(os.environ[variable], recorder),))
    os.environ[variable] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield
    finally:
        server.stop(grace=None)


def main(folder: Path) -> None:
    """Let each function and its floor handle a request, and print what they called."""
    config = load(folder)
    assert config is not None
    recorder, calls = Recorder(), {}
    with ExitStack() as relays:
        for variable in config.emulators:
            relays.enter_context(_relayed(variable, recorder))
        for name in FLOORS:
            turns = Turns(name, config)
            turns.take(recorder.record)  # the first ones open and build, too
            calls[name] = turns.take(recorder.record)
    sys.stdout.write(json.dumps(calls))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
