"""Count the remote operations of an order on each path."""

from typing import Any

import msgspec
from rich.progress import Progress

from benchmarks.operations.counts import Counts
from benchmarks.operations.paths import PATHS, Path
from benchmarks.operations.stage import staged
from shared.domain.order import Order


def played(path: Path) -> tuple[Counts, Order]:
    """Play a path; return what it cost, and the order as it is in the end."""
    with staged() as stage:
        path.play(stage)
        return stage.total(), stage.order


def run(progress: Progress) -> dict[str, Any]:
    """Return the costs of each path beside the least possible."""
    figures = {}
    for name, path in progress.track(PATHS.items(), description="operations"):
        cost, _ = played(path)
        figures[name] = _result(cost, path.minimum)
    return figures


def _result(cost: Counts, minimum: Counts) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(cost),
        "minimum": msgspec.to_builtins(minimum),
        "ratio": round(cost.total / minimum.total, 3),
    }
