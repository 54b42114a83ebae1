"""Hold the model against a real run: calibrate, forecast a harder run, make it, compare."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from benchmarks.model.check import calibrate
from benchmarks.model.check.calibrate import Calibration, Say
from benchmarks.model.check.crowd import Journey, arrivals, throughput
from benchmarks.model.check.local_model import fitted_hops, forecast

# Of what the model says that this machine can do.
_SHARE_OF_CAPACITY = 0.55
_SEED = 7
# One forecast more for each seed of what is random; their median counts.
_FORECASTS = 5


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Medians in seconds; throughput in orders a second."""

    order_to_invoice: float
    payment_to_room: float
    throughput: float


def capacity(known: Calibration, cores: int) -> float:
    """Return the orders a second that the processors and the vendors' one process can do."""
    # The system shares out fairly: what others use now, they would give way with.
    free = max(cores / 2, cores - known.background)
    return min(free / known.order_s, 1 / known.vendors_order_s)


def errors(said: Figures, seen: Figures) -> dict[str, float]:
    """Return |forecast - measured| / measured of each figure."""
    return {
        name: abs(getattr(said, name) - getattr(seen, name)) / getattr(seen, name)
        for name in Figures.__struct_fields__
    }


def figures(journeys: Sequence[Journey]) -> Figures:
    """Sum up journeys."""
    return Figures(
        order_to_invoice=median(journey.order_to_invoice for journey in journeys),
        payment_to_room=median(journey.payment_to_room for journey in journeys),
        throughput=throughput(journeys),
    )


def calibrated(say: Say) -> Calibration:
    """Measure what this machine takes, in a world of its own; half a minute."""
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    try:
        with calibrate.world(folder / "world", say) as started:
            seen = calibrate.run(started, calibrate.RATE, calibrate.SECONDS, calibrate.SEED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return calibrate.calibration(seen)


def check(say: Say, seconds: float = 60.0, rate: float | None = None) -> dict[str, Any]:
    """Return the forecast, what was measured, and how far apart they are. Two minutes.

    ``blind_error`` is that of the forecast made before the run, with other programs' use of the
    machine as it was at the calibration.
    """
    cores = os.cpu_count() or 1
    say("calibrating")
    known = calibrated(say)
    rate = rate or _SHARE_OF_CAPACITY * capacity(known, cores)
    instants = arrivals(rate, seconds, _SEED)
    blind = _forecast(known, instants, cores, known.background)
    say(f"running {rate:.1f} orders a second for {seconds:.0f} s")
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    try:
        with calibrate.world(folder / "world", say) as started:
            run = calibrate.run(started, rate, seconds, _SEED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # What other programs take of the machine is no part of what is modelled: it is told as it was.
    said = _forecast(known, instants, cores, run.background)
    seen = figures(run.journeys)
    apart = errors(said, seen)
    return {
        "forecast_error": round(max(apart.values()), 4),
        "errors": {name: round(error, 4) for name, error in apart.items()},
        "blind_error": round(max(errors(blind, seen).values()), 4),
        "forecast": msgspec.to_builtins(said),
        "measured": msgspec.to_builtins(seen),
        "orders": len(run.journeys),
        "slowest_payment_to_room": max(journey.payment_to_room for journey in run.journeys),
        "rate": rate,
        "capacity": capacity(known, cores),
        "background": {"calibration": known.background, "run": run.background},
        "calibration": section_of(known),
    }


def _forecast(
    known: Calibration, instants: Sequence[float], cores: int, background: float
) -> Figures:
    eased = arrivals(calibrate.RATE, calibrate.SECONDS, calibrate.SEED)
    hops = fitted_hops(known, eased, cores)
    then = msgspec.structs.replace(known, background=background)
    said = [figures(forecast(then, hops, instants, cores, seed)) for seed in range(_FORECASTS)]
    return Figures(
        **{name: median(getattr(one, name) for one in said) for name in Figures.__struct_fields__}
    )


def section_of(known: Calibration) -> dict[str, Any]:
    """Return the calibration as the model of the cloud reads it; the ticks' work is much like it."""
    section: dict[str, Any] = msgspec.to_builtins(known)
    own = known.processor_s
    section["processor_s"] = own | {
        "send_reminder": own["payment_callback"] / 2,
        "reconcile_orders": own["payment_callback"],
        "keep_dead_letter": own["payment_callback"],
    }
    return section
