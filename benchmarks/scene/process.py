"""A staged function in a process of its own, served as in production."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.scene.requests import Request
from benchmarks.scene.served import CORE
from local.config import WorldConfig
from local.ports import free_ports
from tests.component.functions.bench import command

_PATIENCE_S = 30.0
_POLL_S = 0.001


def environment(config: WorldConfig) -> dict[str, str]:
    """Return a function's environment, and nothing of this process's own."""
    return {"PATH": os.environ["PATH"], "THREADS": "8", **config.function_settings(), **CORE}


class Served:
    """A function's server, and one worker of it, as functions-framework starts them."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self._process = process
        self._url = url

    def ask(self, client: httpx.Client, request: Request) -> httpx.Response:
        """Send a request."""
        url = f"{self._url}{request.path}"
        return client.request(request.method, url, content=request.body, headers=request.headers)

    def first_answer(self, client: httpx.Client, request: Request) -> httpx.Response:
        """Send a request until the server is there to answer it."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self.ask(client, request)
            except httpx.ConnectError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)

    def used(self) -> tuple[float, float]:
        """Return the processor time in ms of server and worker, and the worker's memory in MB."""
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        processes = [Path("/proc") / each for each in (str(pid), *workers)]
        pages = int((processes[-1] / "statm").read_text().split()[1])
        nanoseconds = sum(
            int((thread / "schedstat").read_text().split()[0])
            for process in processes
            for thread in (process / "task").iterdir()
        )
        return nanoseconds / 1e6, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(
    target: str, folder: Path, config: WorldConfig, *, threads: int = 8, alone: bool = False
) -> Iterator[Served]:
    """Start it, and stop it after the block; ``alone`` has it on one processor, as Cloud Run does.

    A connection that fails in the block is raised as a RuntimeError with what the server has said.
    """
    (port,) = free_ports(1)
    pinned = ["taskset", "--cpu-list", "0"] if alone else []
    with (folder / "served.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - ours, and bare: its start is timed
            [*pinned, *command(target, port)],
            cwd=folder,
            env=environment(config) | {"THREADS": str(threads)},
            stdout=log,
            stderr=log,
        )
        try:
            yield Served(process, f"http://127.0.0.1:{port}")
        except httpx.TransportError as error:
            raise RuntimeError((folder / "served.log").read_text()[-2000:]) from error
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)
