"""Count the remote operations of an order on each path."""

from typing import Any

import msgspec
from rich.progress import Progress

from benchmarks.operations.counts import Counts
from benchmarks.operations.paths import PATHS, Path
from benchmarks.operations.stage import staged


def counted(path: Path) -> Counts:
    """Play a path; return what it cost."""
    with staged() as stage:
        path.play(stage)
        return stage.total()


def run(progress: Progress) -> dict[str, Any]:
    """Return the costs of each path beside the least possible."""
    return {
        name: _result(counted(path), path.minimum)
        for name, path in progress.track(PATHS.items(), description="operations")
    }


def _result(cost: Counts, minimum: Counts) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(cost),
        "minimum": msgspec.to_builtins(minimum),
        "ratio": round(cost.total / minimum.total, 3),
    }
