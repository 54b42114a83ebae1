"""The scale model: held against a real run, then played at each volume of orders."""

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.progress import Progress

from benchmarks.model import latest, parameters
from benchmarks.model.check.run import check
from benchmarks.model.setup import deployed, measured_from
from benchmarks.model.study import VOLUMES, Row, study

RESULTS = latest.FOLDER / "model.json"


def run(progress: Progress) -> dict[str, Any]:
    """Return how far the model is from a real run, and write what it says of the cloud."""
    task = progress.add_task("model", total=1 + len(VOLUMES))
    figures = check(progress.console.log)
    progress.advance(task)
    known = parameters.load()
    measured = measured_from(latest.read() | {"model": figures})
    assert measured is not None
    rows = []
    for row in study(deployed(known, measured), known):
        rows.append(row)
        progress.advance(task)
    write(rows)
    return figures


def write(rows: Sequence[Row]) -> None:
    """Write the model's rows to its file of results."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
