"""Requests a second of one instance with so many threads, and what a request waits beyond vendors.

An instance has one processor, as on Cloud Run, and each of its threads waits for vendors that take
their time. It uses production's clients, on the official emulators, and as many requests are under
way as it has threads. What more threads bring is told as a share: of what so many instances of one
thread would do.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.progress import Progress

from benchmarks.scene import Request, Scene, scene, set_latency
from benchmarks.scene.emulators import started_emulators
from benchmarks.scene.process import Served, serving
from benchmarks.spread import percentile
from local.staging import stage

# Those of the chain that wait for vendors, and how often each does for one request.
VENDOR_CALLS = {
    "create_invoice": 1,
    "payment_callback": 1,
    "create_meeting": 1,
    "send_notification": 2,
}
VENDOR_LATENCY_S = 0.2
THREADS = (1, 4, 8, 16, 32, 64)
_REQUESTS_A_THREAD = 6
_ROUNDS = 3
_ANSWERS_WITHIN_S = 60.0


class Level(NamedTuple):
    """What one number of threads came to: seconds of each request, and memory in MB."""

    threads: int
    requests_per_s: float
    seconds: tuple[float, ...]
    rss_mb: float


def run(progress: Progress) -> dict[str, Any]:
    """Return each function's figures; none where the emulators cannot be started."""
    with (
        tempfile.TemporaryDirectory(prefix="concurrency-") as root,
        started_emulators(Path(root), progress) as emulators,
    ):
        names = VENDOR_CALLS if emulators else ()
        task = progress.add_task("concurrency", total=len(names) * len(THREADS) * _ROUNDS)
        found = {}
        for name in names:
            folder = stage(name, Path(root) / "staged" / name)
            with scene(Path(root) / "worlds" / name, "emulator", emulators=emulators) as world:
                levels = []
                for threads in THREADS * _ROUNDS:
                    levels.append(_level(world, name, folder, threads))
                    progress.advance(task)
            found[name] = figures(levels, VENDOR_CALLS[name] * VENDOR_LATENCY_S)
    return found


def _level(world: Scene, name: str, folder: Path, threads: int) -> Level:
    set_latency(world.config, 0.0)
    warm_up = [world.request(name) for _ in range(threads)]
    requests = [world.request(name) for _ in range(threads * _REQUESTS_A_THREAD)]
    limits = httpx.Limits(max_connections=threads)
    with (
        serving(name, folder, world.config, threads=threads, alone=True) as served,
        httpx.Client(trust_env=False, timeout=_ANSWERS_WITHIN_S, limits=limits) as client,
    ):
        served.first_answer(client, world.request(name))
        set_latency(world.config, VENDOR_LATENCY_S)
        _send(served, client, warm_up, threads)
        began = time.perf_counter()
        seconds = _send(served, client, requests, threads)
        took_s = time.perf_counter() - began
        _, rss_mb = served.used()
    return Level(threads, len(requests) / took_s, seconds, rss_mb)


def _send(
    served: Served, client: httpx.Client, requests: Sequence[Request], threads: int
) -> tuple[float, ...]:
    """Send them, so many at a time, and return the seconds that each took to be done."""

    def send(request: Request) -> float:
        began = time.perf_counter()
        answer = served.ask(client, request)
        took_s = time.perf_counter() - began
        assert request.is_answered_by(answer.status_code, answer.text), answer.text
        return took_s

    with ThreadPoolExecutor(threads) as senders:
        return tuple(senders.map(send, requests))


def figures(levels: Sequence[Level], vendors_s: float) -> dict[str, Any]:
    """Return what each number of threads came to; ``vendors_s`` is what vendors take of a request."""
    rate = {threads: _rate(levels, threads) for threads in {level.threads for level in levels}}
    alone = rate[1]
    return {
        str(threads): {
            "requests_per_s": round(rate[threads], 1),
            "share": round(rate[threads] / (threads * alone), 3),
            **_beyond(levels, threads, vendors_s),
        }
        for threads in sorted(rate)
    }


def _rate(levels: Sequence[Level], threads: int) -> float:
    return statistics.median(each.requests_per_s for each in levels if each.threads == threads)


def _beyond(levels: Sequence[Level], threads: int, vendors_s: float) -> dict[str, float]:
    of_these = [level for level in levels if level.threads == threads]
    waited = [1000 * (s - vendors_s) for level in of_these for s in level.seconds]
    return {
        "p50_ms_over_vendor": round(percentile(waited, 0.5)),
        "p95_ms_over_vendor": round(percentile(waited, 0.95)),
        "rss_mb": round(statistics.median(level.rss_mb for level in of_these), 1),
    }
