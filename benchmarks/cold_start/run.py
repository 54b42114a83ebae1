"""Time from the start of a function's process to its first answer, against two floors.

The first request is a real one that the function handles to its end, vendors included. ``imports``
is a function that loads the very third-party modules that ours has loaded by then, and answers.
With production's clients, on the official emulators, and beside it on the embedded backend.
"""

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.cold_start.floors import write_hello, write_imports
from benchmarks.cold_start.modules import loaded, third_party
from benchmarks.cold_start.served import Start, start
from benchmarks.scene import NAMES, Scene, scene
from benchmarks.scene.emulators import started_emulators
from benchmarks.spread import median_interval
from local.config import Backend
from local.staging import stage

# Fewer where no target is: a median is the surer the more there are.
_ROUNDS: Mapping[Backend, int] = {"emulator": 41, "embedded": 15}


def run(progress: Progress) -> dict[str, Any]:
    """Return the figures of each function: production's clients' and, below them, the embedded.

    Where the emulators cannot be started, that is said, and there are only the latter.
    """
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        root = Path(folder)
        embedded = _all(progress, root / "embedded", "embedded")
        with started_emulators(root, progress) as emulators:
            google = (
                _all(progress, root / "google", "emulator", emulators=emulators)
                if emulators
                else {}
            )
    return {name: google.get(name, {}) | {"embedded": embedded[name]} for name in NAMES}


def _all(progress: Progress, root: Path, backend: Backend, **options: Any) -> dict[str, Any]:
    """Return each function's figures on one backend, each in a world of its own."""
    task = progress.add_task(f"cold start, {backend}", total=len(NAMES) * _ROUNDS[backend])
    hello = write_hello(root / "hello")
    figures: dict[str, Any] = {}
    for name in NAMES:
        ours = stage(name, root / "staged" / name)
        # What another function's orders are due for by now is not what this one is asked.
        with scene(root / "worlds" / name, backend, **options) as world:
            imports = _imports(world, name, ours, root / "imports" / name)
            rounds = []
            for number in range(_ROUNDS[backend]):
                # Forwards and backwards in turn: nobody is always the first.
                targets = [(name, ours), ("floor", imports), ("floor", hello)]
                rounds.append(_round(world, targets, backwards=number % 2 == 1))
                progress.advance(task)
        figures[name] = _figures(rounds)
    return figures


def _imports(world: Scene, name: str, ours: Path, folder: Path) -> Path:
    modules = loaded(name, ours, world.config, world.request(name))
    return write_imports(folder, third_party(modules.answered))


def _round(world: Scene, targets: list[tuple[str, Path]], *, backwards: bool) -> list[Start]:
    request = world.request(targets[0][0])
    turn = targets[::-1] if backwards else targets
    starts = [start(target, folder, world.config, request) for target, folder in turn]
    if backwards:
        starts.reverse()
    assert request.is_answered_by(starts[0].status, starts[0].said), starts[0]
    return starts


def _figures(rounds: list[list[Start]]) -> dict[str, Any]:
    ours, imports, hello = zip(*rounds, strict=True)
    ratios = [a.ms / b.ms for a, b in zip(ours, imports, strict=True)]
    cpu = [a.cpu_ms / b.cpu_ms for a, b in zip(ours, imports, strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratio_interval": [round(bound, 3) for bound in median_interval(ratios)],
        "ratio_quartiles": [round(q, 3) for q in statistics.quantiles(ratios)],
        "cpu_ratio": round(statistics.median(cpu), 3),
        "cpu_ratio_quartiles": [round(q, 3) for q in statistics.quantiles(cpu)],
        "ms": round(statistics.median(s.ms for s in ours)),
        "floor_ms": round(statistics.median(s.ms for s in imports)),
        "hello_ms": round(statistics.median(s.ms for s in hello)),
        "rss_mb": round(statistics.median(s.rss_mb for s in ours), 1),
        "floor_rss_mb": round(statistics.median(s.rss_mb for s in imports), 1),
        "hello_rss_mb": round(statistics.median(s.rss_mb for s in hello), 1),
    }
