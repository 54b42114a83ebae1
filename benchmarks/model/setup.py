"""The deployed pipeline as the model sees it: scaling from ``deploy``, times from a measurement."""

from collections.abc import Mapping
from typing import Any

import msgspec

from benchmarks.model.calls import limits_a_minute, places
from benchmarks.model.demand import ALL_KINDS, COMMIT, READ, Demand, Kind, demand
from benchmarks.model.latest import cold_starts
from benchmarks.model.parameters import Parameters
from benchmarks.model.service import Scaling
from benchmarks.model.slice import Setup
from deploy.functions import SERVICES


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured on a machine, in seconds.

    ``processor_s``: of a request of each function; of ``send_notification``, of a mail; of the
    ticks, of one order.
    """

    processor_s: dict[str, float]
    cold_start_s: dict[str, float] = {}
    # Documents of a paid order without its looks, where somebody has counted them.
    reads: float | None = None
    writes: float | None = None


def measured_from(latest: Mapping[str, Any]) -> Measured | None:
    """Return what the benchmarks have measured, or None where nobody has calibrated the model."""
    calibration = latest.get("model", {}).get("calibration")
    if calibration is None:
        return None
    starts = {name: figures["ms"] / 1000 for name, figures in cold_starts(latest).items()}
    counted = latest.get("operations", {}).get("happy", {})
    return Measured(
        processor_s=calibration["processor_s"],
        cold_start_s=starts,
        reads=counted.get("reads"),
        writes=counted.get("writes"),
    )


def processor_seconds(measured: Measured, parameters: Parameters) -> dict[str, float]:
    """Return the processor seconds of each kind of request, and of each look of a tick."""

    def of(kind: Kind) -> float:
        trips = kind.calls.count(READ) + kind.calls.count(COMMIT)
        own = measured.processor_s[kind.function] * max(1, kind.mails)
        return own + trips * parameters.cloud_run.firestore_cpu

    return {name: of(kind) for name, kind in ALL_KINDS.items()}


def deployed(parameters: Parameters, measured: Measured) -> Setup:
    """Return the pipeline as ``deploy.sh`` makes it."""
    return Setup(
        scaling={name: scaling_of(name, parameters, measured) for name in SERVICES},
        places=places(parameters),
        limits=limits_a_minute(parameters),
        processor_s=processor_seconds(measured, parameters),
        push=parameters.pubsub,
        demand=_counted(demand(parameters.order), parameters, measured),
    )


def _counted(known: Demand, parameters: Parameters, measured: Measured) -> Demand:
    """Return the demand with its documents scaled to what was counted in the stores themselves."""
    paid = msgspec.structs.replace(parameters.order, paid_share=1.0)
    happy = demand(paid, looked_after=False)
    return msgspec.structs.replace(
        known,
        reads=known.reads * (measured.reads or happy.reads) / happy.reads,
        writes=known.writes * (measured.writes or happy.writes) / happy.writes,
    )


def scaling_of(function: str, parameters: Parameters, measured: Measured) -> Scaling:
    """Return how Cloud Run runs a function."""
    how, rules = SERVICES[function], parameters.cloud_run
    cold = measured.cold_start_s.get(function)
    start = rules.start if cold is None else rules.sandbox_start + cold * rules.processor_factor
    return Scaling(
        concurrency=how.concurrency,
        min_instances=how.min_instances,
        max_instances=how.max_instances,
        start=start,
        idle_for=rules.idle_for,
        target=rules.target_utilisation,
        evaluate_every=rules.evaluate_every,
        queue_patience=rules.queue_patience,
        speed=1 / rules.processor_factor,
    )
