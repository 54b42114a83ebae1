"""The scale model: ``python -m benchmarks.model``, and ``--check`` against a run on this machine."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.model import latest, parameters
from benchmarks.model.check.run import calibrated, check, section_of
from benchmarks.model.run import RESULTS, write
from benchmarks.model.setup import Measured, deployed, measured_from
from benchmarks.model.study import VOLUMES, study
from benchmarks.model.tables import tables
from benchmarks.targets import FORECAST_ERROR

console = Console()


def main() -> int:
    """Run what is asked for; return 1 where the check misses its target."""
    options = _options()
    if options.check:
        return _check(options.seconds, options.rate)
    known = parameters.load(options.parameters)
    measured = measured_from(latest.read()) or _measure()
    rows = [*study(deployed(known, measured), known, options.volumes)]
    write(rows)
    for table in tables(rows):
        console.print(table)
    console.print(f"written to {RESULTS}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model", description=__doc__)
    parser.add_argument("--check", action="store_true", help="hold the model against a real run")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the real run")
    parser.add_argument("--rate", type=float, help="orders a second of the real run")
    parser.add_argument("--parameters", type=Path, default=parameters.PARAMETERS)
    parser.add_argument(
        "--volumes", type=int, nargs="+", default=VOLUMES, metavar="N", help="orders a day"
    )
    return parser.parse_args()


def _check(seconds: float, rate: float | None) -> int:
    figures = check(console.log, seconds, rate)
    _remember(figures)
    console.print_json(json.dumps(figures))
    met = figures["forecast_error"] <= FORECAST_ERROR
    console.print(
        f"forecast error {figures['forecast_error']:.1%}, at most {FORECAST_ERROR:.0%} wanted"
    )
    return 0 if met else 1


def _measure() -> Measured:
    console.log("nothing has been measured yet: calibrating")
    _remember({"calibration": section_of(calibrated(console.log))})
    measured = measured_from(latest.read())
    assert measured is not None
    return measured


def _remember(figures: dict[str, Any]) -> None:
    latest.merge("model", latest.read().get("model", {}) | figures)


if __name__ == "__main__":
    sys.exit(main())
