"""Start a staged function as production does, and ask it at once."""

import time
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.scene import Request
from benchmarks.scene.process import serving
from local.config import WorldConfig

_ANSWERS_WITHIN_S = 30.0


class Start(NamedTuple):
    """From the start of the process to its first answer; processor time and memory by then."""

    ms: float
    cpu_ms: float
    rss_mb: float
    status: int
    said: str


def start(target: str, folder: Path, config: WorldConfig, request: Request) -> Start:
    """Start it, send the request until it is answered, stop it."""
    began = time.perf_counter()
    with (
        serving(target, folder, config) as served,
        httpx.Client(trust_env=False, timeout=_ANSWERS_WITHIN_S) as client,
    ):
        answer = served.first_answer(client, request)
        took_ms = (time.perf_counter() - began) * 1000
        assert answer.is_success, answer.text
        return Start(took_ms, *served.used(), answer.status_code, answer.text)
