"""Run the benchmarks: ``python -m benchmarks [NAME ...]``, by default all of them.

Their figures go to the results and to the tables of docs/performance.md; what is to be reached, and
whether it is, is printed in the end.
"""

import argparse
import importlib
import json

from rich.console import Console
from rich.table import Table

from benchmarks import document
from benchmarks.bars import bars
from benchmarks.model import latest
from benchmarks.targets import Target, targets

NAMES = ("operations", "ticks", "cold_start", "cpu_per_event", "concurrency", "pipeline", "model")


def main() -> None:
    """Run what is asked for; each benchmark's figures replace its section of the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME")
    names = parser.parse_args().names or NAMES
    console = Console()
    for name in names:
        # One after the other, each imported for itself: they must not weigh on each other.
        benchmark = importlib.import_module(f"benchmarks.{name}.run")
        with bars(console) as progress:
            figures = benchmark.run(progress)
        latest.merge(name, figures)
        document.write()
        console.print_json(json.dumps(figures))
    console.print(_table(targets(latest.read())))


def _table(found: list[Target]) -> Table:
    table = Table("target", "limit", "measured", "")
    for target in found:
        mark = "[green]kept" if target.met else "[red]missed"
        table.add_row(*target.described, mark)
    return table


if __name__ == "__main__":
    main()
