"""Make what the report would have nothing of: random worlds, killed processes, a rush, a browser."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console

from benchmarks.bars import bars
from benchmarks.report import simulate
from local.staging import ROOT

_CHAOS_ORDERS = 100
_BURST_ORDERS = 2_000
_LAST_LINES = 8


class Source(NamedTuple):
    """A file of results: what it tells of, and what makes it and returns what it said in the end."""

    file: str
    what: str
    make: Callable[[Path], str]


def _simulate(file: Path) -> str:
    simulate.run(file)
    return ""


def _local(command: Sequence[str], file: Path) -> str:
    with TemporaryDirectory(prefix="evaluate-") as folder:
        world = [*command, "--folder", folder, "--json", str(file)]
        return _run([sys.executable, "-m", "local", *world])


def _browse(file: Path) -> str:
    tests = [sys.executable, "-m", "pytest", "-q", "-rs", "tests/browser"]
    return _run(tests, TASKS_JSON=str(file))


def _run(command: Sequence[str], **variables: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=ROOT,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "\n".join(done.stdout.splitlines()[-_LAST_LINES:])


SOURCES = (
    Source("simulation.json", f"{simulate.SEEDS} random worlds", _simulate),
    Source("tasks.json", "tasks in a browser", _browse),
    Source(
        "burst.json",
        f"a rush of {_BURST_ORDERS:,} orders",
        partial(_local, ["burst", "--orders", str(_BURST_ORDERS)]),
    ),
    Source(
        "chaos.json",
        f"{_CHAOS_ORDERS} orders while processes are killed",
        partial(_local, ["chaos", "--orders", str(_CHAOS_ORDERS)]),
    ),
)


def gather(
    folder: Path, console: Console, sources: Sequence[Source] = SOURCES
) -> Mapping[str, str]:
    """Make the files that are not there, one after the other.

    Return of what nothing came, and what was said about it; a run that finds something broken leaves
    a file that says so.
    """
    failed: dict[str, str] = {}
    lacking = [source for source in sources if not (folder / source.file).exists()]
    with bars(console) as progress:
        task = progress.add_task("", total=len(lacking), visible=bool(lacking))
        for source in lacking:
            progress.update(task, description=source.what)
            said = source.make(folder / source.file)
            if not (folder / source.file).exists():
                failed[source.what] = said
            progress.advance(task)
    return failed
