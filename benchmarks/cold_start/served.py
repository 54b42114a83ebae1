"""Start a staged function as production does, and ask it at once."""

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.cold_start.modules import environment
from benchmarks.scene import Request
from local.config import WorldConfig
from local.ports import free_ports
from tests.component.functions.bench import command

_POLL_S = 0.001
_PATIENCE_S = 30.0


class Start(NamedTuple):
    """From the start of the process to its first answer; processor time and memory by then."""

    ms: float
    cpu_ms: float
    rss_mb: float
    status: int
    said: str


def start(target: str, folder: Path, config: WorldConfig, request: Request) -> Start:
    """Start it, send the request until it is answered, stop it."""
    (port,) = free_ports(1)
    with (folder / "served.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own command
            command(target, port),
            cwd=folder,
            env=environment(config),
            stdout=log,
            stderr=log,
        )
        try:
            answer = _first_answer(process, f"http://127.0.0.1:{port}", request)
            took_ms = (time.perf_counter() - began) * 1000
            assert answer.is_success, answer.text
            return Start(took_ms, *_used(process.pid), answer.status_code, answer.text)
        except httpx.TransportError as error:
            raise RuntimeError((folder / "served.log").read_text()[-2000:]) from error
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def _first_answer(process: "subprocess.Popen[bytes]", url: str, request: Request) -> httpx.Response:
    deadline = time.monotonic() + _PATIENCE_S
    with httpx.Client(trust_env=False, timeout=_PATIENCE_S) as client:
        while True:
            try:
                return client.request(
                    request.method,
                    f"{url}{request.path}",
                    content=request.body,
                    headers=request.headers,
                )
            except httpx.ConnectError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)


def _used(pid: int) -> tuple[float, float]:
    """Return the processor time in ms of the server and its worker, and the worker's memory."""
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    processes = [Path("/proc") / each for each in (str(pid), *workers)]
    pages = int((processes[-1] / "statm").read_text().split()[1])
    nanoseconds = sum(
        int((thread / "schedstat").read_text().split()[0])
        for process in processes
        for thread in (process / "task").iterdir()
    )
    return nanoseconds / 1e6, pages * os.sysconf("SC_PAGE_SIZE") / 2**20
