"""Processor time of each function for one event, over a floor that only makes the same calls.

With production's clients, on the official emulators, and beside it on the embedded backend.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.cpu_per_event.floors import FLOORS
from benchmarks.scene import CANCELLING, scene
from benchmarks.scene.emulators import started_emulators
from benchmarks.scene.process import environment
from local.config import Backend, WorldConfig
from local.staging import ROOT

_EVENTS = 200
_PAGES = "manage_booking"


def run(progress: Progress) -> dict[str, Any]:
    """Return the figures of each function: production's clients' and, below them, the embedded.

    What manage_booking does is a form's; the page that it shows is beside it, under ``page``.
    Where the emulators cannot be started, that is said, and there are only the embedded ones.
    """
    with tempfile.TemporaryDirectory(prefix="cpu-") as root:
        embedded = _all(progress, Path(root), "embedded")
        with started_emulators(Path(root), progress) as emulators:
            google = (
                _all(progress, Path(root), "emulator", emulators=emulators) if emulators else {}
            )
    figures = {name: google.get(name, {}) | {"embedded": embedded[name]} for name in FLOORS}
    page = figures[_PAGES]
    figures[_PAGES] = figures.pop(CANCELLING) | {"page": page}
    return figures


def _all(progress: Progress, root: Path, backend: Backend, **options: Any) -> dict[str, Any]:
    """Return each function's figures on one backend, each in a world of its own."""
    figures = {}
    for name in progress.track(FLOORS, description=f"processor per event, {backend}"):
        with scene(root / backend / name, backend, **options) as world:
            figures[name] = _figures(asked("worker", world.config, name, str(_EVENTS)))
    return figures


def asked(module: str, config: WorldConfig, *arguments: str) -> Any:
    """Let a module of this benchmark's look at a world in a process of its own; return its JSON."""
    command = [sys.executable, "-m", f"benchmarks.cpu_per_event.{module}", config.folder]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, *arguments],
        cwd=ROOT,
        # With production's clock: the local world's is read from a file each time.
        env=environment(config) | {"CLOCK_OFFSET_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout)


def _figures(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    ours, floors = zip(*pairs, strict=True)
    ratios = [a / b for a, b in pairs]
    return {
        "ratio": round(statistics.median(ours) / statistics.median(floors), 3),
        "pair_quartiles": [round(q, 3) for q in statistics.quantiles(ratios)],
        "ms": round(statistics.median(ours), 3),
        "floor_ms": round(statistics.median(floors), 3),
    }
