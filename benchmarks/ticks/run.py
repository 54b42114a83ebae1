"""Does a tick cost more, the more orders there are? Reads are counted, time is measured."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.ticks.plot import plot
from benchmarks.ticks.stores import Stores, bytes_of, make_due, sqlite_stores
from benchmarks.ticks.ticks import TICKS, counted

SIZES = (1_000, 10_000, 100_000)
DUE = 100
_ROUNDS = 7


def run(progress: Progress) -> dict[str, Any]:
    """Return reads, milliseconds and bytes for each size, and draw them."""
    task = progress.add_task("ticks", total=len(SIZES) + _ROUNDS + len(SIZES) * len(TICKS))
    with tempfile.TemporaryDirectory(prefix="ticks-") as root:
        filled: dict[int, tuple[Path, Stores]] = {}
        for size in SIZES:
            folder = Path(root) / str(size)
            folder.mkdir()
            filled[size] = folder, sqlite_stores(folder, size, DUE)
            progress.advance(task)
        stored_bytes = {size: bytes_of(folder) for size, (folder, _) in filled.items()}
        times = _times(filled, lambda: progress.advance(task))
    reads: dict[str, dict[int, int]] = {name: {} for name in TICKS}
    for name, tick in TICKS.items():
        for size in SIZES:
            reads[name][size] = counted(tick, size, DUE).reads
            progress.advance(task)
    medians = {name: {s: statistics.median(t) for s, t in of.items()} for name, of in times.items()}
    plot(reads, medians, DUE)
    return _figures(reads, times, stored_bytes)


def _times(
    filled: dict[int, tuple[Path, Stores]], done: Callable[[], None]
) -> dict[str, dict[int, list[float]]]:
    """Return the milliseconds of ticks, the sizes taken in turn so that noise meets them alike."""
    times: dict[str, dict[int, list[float]]] = {n: {s: [] for s in filled} for n in TICKS}
    for _ in range(_ROUNDS):
        for size, (folder, stores) in filled.items():
            for name, tick in TICKS.items():
                make_due(folder, DUE)
                began = time.perf_counter()
                found = tick(stores)
                times[name][size].append((time.perf_counter() - began) * 1000)
                assert found == DUE
        done()
    return times


def _figures(
    reads: dict[str, dict[int, int]],
    times: dict[str, dict[int, list[float]]],
    stored_bytes: dict[int, int],
) -> dict[str, Any]:
    smallest, _, largest = SIZES
    return {
        "due": DUE,
        "reads_1k": reads["reminder"][smallest],
        "reads_100k": reads["reminder"][largest],
        "reconcile_reads_1k": reads["reconcile"][smallest],
        "reconcile_reads_100k": reads["reconcile"][largest],
        "first_look_reads_1k": counted(TICKS["reconcile"], smallest, DUE, seen=False).reads,
        "time_100k_over_1k": {
            name: _ratio(of[largest], of[smallest]) for name, of in times.items()
        },
        "median_ms": {
            name: {str(size): round(statistics.median(t), 1) for size, t in of.items()}
            for name, of in times.items()
        },
        "store_bytes_per_order": {
            str(size): round(total / (size + DUE)) for size, total in stored_bytes.items()
        },
    }


def _ratio(above: list[float], below: list[float]) -> dict[str, float]:
    pairs = sorted(a / b for a, b in zip(above, below, strict=True))
    return {
        "median": round(statistics.median(pairs), 3),
        "least": round(pairs[0], 3),
        "most": round(pairs[-1], 3),
    }
