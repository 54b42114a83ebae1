"""Processor time of each function for one event, over a floor that only makes the same calls."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.cold_start.modules import environment
from benchmarks.scene import NAMES, scene
from local.config import WorldConfig
from local.staging import ROOT

_EVENTS = 200


def run(progress: Progress) -> dict[str, Any]:
    """Return the figures of each function."""
    figures = {}
    for name in progress.track(NAMES, description="processor per event"):
        with tempfile.TemporaryDirectory(prefix="cpu-") as folder, scene(Path(folder)) as world:
            figures[name] = _figures(_measured(name, world.config))
    return figures


def _measured(name: str, config: WorldConfig) -> list[tuple[float, float]]:
    command = [sys.executable, "-m", "benchmarks.cpu_per_event.worker"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, name, config.folder, str(_EVENTS)],
        cwd=ROOT,
        # With production's clock: the local world's is read from a file each time.
        env=environment(config) | {"CLOCK_OFFSET_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    pairs: list[tuple[float, float]] = json.loads(done.stdout)
    return pairs


def _figures(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    ours, floors = zip(*pairs, strict=True)
    ratios = [a / b for a, b in pairs]
    return {
        "ratio": round(statistics.median(ours) / statistics.median(floors), 3),
        "pair_quartiles": [round(q, 3) for q in statistics.quantiles(ratios)],
        "ms": round(statistics.median(ours), 3),
        "floor_ms": round(statistics.median(floors), 3),
    }
