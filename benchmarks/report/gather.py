"""Make what the report would have nothing of: random worlds, killed processes, a rush, a browser."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.report import simulate
from local.staging import ROOT

_CHAOS_ORDERS = 100


class Source(NamedTuple):
    """A file of results: what it tells of, and what makes it."""

    file: str
    what: str
    make: Callable[[Path], None]


def _local(command: Sequence[str], file: Path) -> None:
    with TemporaryDirectory(prefix="evaluate-") as folder:
        world = [*command, "--folder", folder, "--json", str(file)]
        _run([sys.executable, "-m", "local", *world])


def _browse(file: Path) -> None:
    tests = [sys.executable, "-m", "pytest", "-q", "tests/browser"]
    _run(tests, TASKS_JSON=str(file))


def _run(command: Sequence[str], **variables: str) -> None:
    subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


SOURCES = (
    Source("simulation.json", f"{simulate.SEEDS} random worlds", simulate.run),
    Source("tasks.json", "tasks in a browser", _browse),
    Source("burst.json", "a rush of 2,000 orders", partial(_local, ["burst"])),
    Source(
        "chaos.json",
        f"{_CHAOS_ORDERS} orders while processes are killed",
        partial(_local, ["chaos", "--orders", str(_CHAOS_ORDERS)]),
    ),
)


def gather(folder: Path, sources: Sequence[Source] = SOURCES) -> list[Source]:
    """Make the files that are not there, one after the other; return those that did not come about.

    A run that finds something broken leaves a file that says so.
    """
    lacking = [source for source in sources if not (folder / source.file).exists()]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("", total=len(lacking), visible=bool(lacking))
        for source in lacking:
            progress.update(task, description=source.what)
            source.make(folder / source.file)
            progress.advance(task)
    return [source for source in lacking if not (folder / source.file).exists()]
